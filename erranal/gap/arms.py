"""Which arm is compared with which."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from erranal.errors import StageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from erranal.store import Study


class Arm(NamedTuple):
    """One arm of one model and prompt style; a smaller rank is nearer to text."""

    model: str
    prompt_style: str
    rank: int
    render: str
    arm: str
    modality: str

    def is_called(self, name: str | None) -> bool:
        """Whether a name given by the user (arm or modality, None for any) means this arm."""
        return name is None or name in (self.arm, self.modality)


def comparisons(
    arms: Iterable[Arm], reference: str | None = None, compared: str | None = None
) -> list[dict[str, str]]:
    """Return the pairs of arms to compare, with keys model, prompt_style, arm_a and arm_b.

    In each model and prompt style one reference arm (arm_a) meets each other arm: by default the
    one nearest to text, and among renders of one modality the first by name.

    Parameters
    ----------
    arms
        The arms that have outputs.
    reference, compared
        An arm ("text", "image:mono") or a modality ("image"); None for the default.

    Raises
    ------
    StageError
        When no arm has a name that was given.
    """
    ordered = sorted(arms)
    for name in (reference, compared):
        if not any(arm.is_called(name) for arm in ordered) and name is not None:
            known = ", ".join(sorted({arm.arm for arm in ordered})) or "none"
            raise StageError(f"no arm is called {name!r}; the study has: {known}")
    groups = groupby(ordered, key=lambda arm: (arm.model, arm.prompt_style))
    return [pair for _, group in groups for pair in _against(list(group), reference, compared)]


def _against(
    arms: list[Arm], reference: str | None, compared: str | None
) -> Iterator[dict[str, str]]:
    first = next((arm for arm in arms if arm.is_called(reference)), None)
    for arm in arms:
        if first is not None and arm != first and arm.is_called(compared):
            yield {
                "model": arm.model,
                "prompt_style": arm.prompt_style,
                "arm_a": first.arm,
                "arm_b": arm.arm,
            }


def of_study(
    study: Study, reference: str | None = None, compared: str | None = None
) -> list[dict[str, str]]:
    """Return the :func:`comparisons` that the current outputs of a study allow."""
    rows = study.arrow("gap_arms").to_pylist()
    return comparisons((Arm(**row) for row in rows), reference, compared)
