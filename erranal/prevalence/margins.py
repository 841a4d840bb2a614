"""Equivalence margins: fixed before looking, and every change stays visible."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from erranal.errors import StageError

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study


@dataclass(frozen=True)
class Margin:
    """The margin in force for a code or family.

    Attributes
    ----------
    margin
        Largest difference of rates per item that counts as none, as a fraction.
    note
        What has to be said beside it: that it was set after a first look, or that it was changed.
        Empty where it was fixed beforehand, once.
    """

    margin: float
    note: str


def put(study: Study, codebook: str, code: str, margin: float, *, reason: str | None) -> None:
    """Fix the margin of a code or family under a codebook, for all its versions.

    Parameters
    ----------
    study
        The study.
    codebook
        Name of the codebook.
    code
        Code or family.
    margin
        Between 0 and 1, exclusive.
    reason
        Why this much and not less; kept beside it.

    Raises
    ------
    StageError
        When the margin is no share, or the study knows no such code.
    """
    import pandas as pd

    if not 0 < margin < 1:
        raise StageError(
            f"the margin {margin} is no difference of rates per item: give one such as 0.05"
        )
    known = study.read("margin_codes", codebook=codebook)["name"].tolist()
    if code not in known:
        raise StageError(f"{codebook} has no code or family {code!r}: it has {', '.join(known)}")
    row = {"codebook": codebook, "code": code, "margin": margin, "reason": reason}
    with study.write() as tx:
        tx.append("margins", pd.DataFrame([row | {"set_at": datetime.now(UTC)}]))


def codebook_of(study: Study, name: str | None) -> str:
    """Return the name of the study's codebook, or check the one that is named.

    Raises
    ------
    StageError
        When the study has none, several and no name is given, or not that one.
    """
    known = sorted(set(study.view("codebooks")["name"]))
    if name is None and len(known) == 1:
        return str(known[0])
    listed = ", ".join(known) or "none yet: `erranal judge run` brings one"
    if name is None:
        raise StageError(f"a margin is for one codebook: give --codebook, of {listed}")
    if name not in known:
        raise StageError(f"the study has no codebook {name!r}: it has {listed}")
    return name


def history(study: Study) -> pd.DataFrame:
    """Return every margin that was ever set: codebook, code, margin, reason, set_at, looked_at.

    ``looked_at`` is when effects under this codebook were first estimated, missing where they were
    not.
    """
    return study.read("margin_history")


def in_force(study: Study, codebook: str) -> dict[str, Margin]:
    """Return the newest margin of each code or family of a codebook."""
    rows = history(study)
    rows = rows[rows["codebook"] == codebook].sort_values("set_at")
    found = {}
    for code, given in rows.groupby("code", sort=False):
        last, first_look = given.iloc[-1], given["looked_at"].iloc[-1]
        notes = []
        if first_look == first_look and last["set_at"] > first_look:  # noqa: PLR0124 - not NaT
            notes.append(f"margin set {last['set_at']:%Y-%m-%d %H:%M} UTC, after a first look")
        if len(given) > 1:
            before = ", ".join(f"{value:g}" for value in given["margin"].iloc[:-1])
            notes.append(f"margin changed: it was {before}")
        found[str(code)] = Margin(float(last["margin"]), "; ".join(notes))
    return found
