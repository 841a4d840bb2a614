"""What a round is to be: its size, how it is drawn and what its coders see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from erranal.errors import StageError

KINDS = ("calibration", "main")
PURPOSES = ("tune", "test")
MOST_PEOPLE = 20
STRATA = ("family", "pattern", "arms", "model", "prompt_style", "benchmark", "subject")


@dataclass(frozen=True, kw_only=True)
class Design:
    """One round, as it is wanted.

    Attributes
    ----------
    size
        Pairs to draw; all there are when there are not more.
    codebook
        Name of a codebook that comes with the package, path of a YAML file, or the id of one that
        the study keeps.
    judge
        Name or id of the judge whose labels are suggested and whose families make strata, or None.
    scorer
        Whose outcomes say what is an error.
    kind
        ``main``, or ``calibration``: a small round that all coders code whole, to learn the
        codebook; it is for tuning always.
    purpose
        ``test``, or ``tune`` where a judge may be tuned on the labels. By default what the kind is
        for.
    where
        SQL condition over the columns of the view ``pairs``, None for all.
    uniform_share, equality
        How mild the strata are, as in :func:`erranal.stats.sampling.allocation_mixed`.
    overlap_share
        Share of the units that more than one coder codes.
    people
        How many coders code each of these; in a calibration round every unit is one of them, and
        more code it where more are named when it is pushed.
    blind_share
        Share of the pairs whose coders are not shown the judge's labels; without a judge all are.
    strata
        What strata are made of: ``family`` (of the judge's primary code), ``pattern`` (which side
        is wrong), ``arms`` (which arms are), ``model``, ``prompt_style``, ``benchmark``,
        ``subject``; none for a simple random sample. A text with commas will do.
    again
        Whether items of earlier rounds with the same purpose may be drawn again.
    seed
        Of everything that is drawn.

    Raises
    ------
    StageError
        When a value is not possible; the message says what is.
    """

    size: int
    codebook: str | Path
    judge: str | None = None
    scorer: str = "erranal"
    kind: str = "main"
    purpose: str | None = None
    where: str | None = None
    uniform_share: float = 0.4
    equality: float = 0.5
    overlap_share: float = 0.3
    people: int = 2
    blind_share: float = 0.25
    strata: str | Sequence[str] = ("family", "pattern")
    again: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        calibration = self.kind == "calibration"
        object.__setattr__(self, "strata", _names(self.strata))
        if self.purpose is None:
            object.__setattr__(self, "purpose", "tune" if calibration else "test")
        if calibration:
            object.__setattr__(self, "overlap_share", 1.0)
        for name, known in (("kind", KINDS), ("purpose", PURPOSES)):
            if getattr(self, name) not in known:
                given = getattr(self, name)
                raise StageError(f"{name} {given!r} is not known: give {' or '.join(known)}")
        if calibration and self.purpose != "tune":
            raise StageError(
                "coders learn the codebook in a calibration round, so that it cannot test a judge: "
                "leave the purpose out, or give tune"
            )
        self._check_numbers()

    def _check_numbers(self) -> None:
        if self.size < 1:
            raise StageError(f"a size of {self.size} pairs is too small: give 1 or more")
        if not 2 <= self.people <= MOST_PEOPLE:
            raise StageError(
                f"{self.people} people cannot code each unit of the overlap: give 2 to "
                f"{MOST_PEOPLE}, or an overlap share of 0"
            )
        if not -(2**31) <= self.seed < 2**31:
            raise StageError(f"the seed {self.seed} does not fit: give a number of 32 bits")
        from erranal.stats import sampling

        try:
            sampling.require_shares(self.uniform_share, self.equality)
        except ValueError as error:
            raise StageError(str(error)) from error
        for name in ("overlap_share", "blind_share"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise StageError(f"{name} {share} is not a share: give 0 to 1")

    @property
    def given(self) -> dict[str, Any]:
        """What was given, for the journal and the table of rounds."""
        return asdict(self) | {"codebook": str(self.codebook), "strata": list(self.strata)}


def _names(strata: str | Sequence[str]) -> tuple[str, ...]:
    given = strata.split(",") if isinstance(strata, str) else strata
    names = tuple(dict.fromkeys(name.strip() for name in given if name.strip()))
    if unknown := [name for name in names if name not in STRATA]:
        raise StageError(f"strata cannot be made of {unknown[0]!r}: give {', '.join(STRATA)}")
    return names
