"""Estimates as they are stored, with what they rest on: judge, codebook version, rounds, runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from erranal.report import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from erranal.report.plain import Row
    from erranal.store import Study

ANY = "(any)"
SOURCES = ("corrected", "humans", "judge")
# What a reader needs of one number.
_PART = (
    "estimate",
    "low",
    "high",
    "level",
    "method",
    "n",
    "positives",
    "excluded",
    "pool",
    "p",
    "p_adjusted",
    "adjustment",
    "note",
)
# What is said of a whole run begins the note of each of its numbers, in these words.
_OF_A_RUN = re.compile(r"interim: |on request$|only pairs where |.* are newer than round ")


@dataclass(frozen=True)
class Estimates:
    """The estimates of one judge and codebook version.

    Attributes
    ----------
    about
        judge_id, judge, kind, codebook_id, codebook, codebook_version, made_at, ``runs`` (one a
        stage: analyses, rounds, scorer, stage, started_at, parameters, versions, ``stale`` where
        labels or verdicts have changed since) and ``notes`` (what is to be said of every number).
    rows
        Rows of table ``estimates``; ``counts`` is unpacked, and from ``note`` is taken what is said
        of all.
    names
        Families, then codes in the order of the book: name, title, family (None for a family).
    arms
        Names of all arms, from text to image.
    margins
        Every margin that was set under the codebook, oldest first.
    """

    about: Row
    rows: list[Row]
    names: list[Row]
    arms: list[str]
    margins: list[Row]

    def of(self, *analyses: str, **equal: Any) -> list[Row]:
        """Return the rows of some analyses whose columns have these values."""
        return [
            row
            for row in self.rows
            if row["analysis"] in analyses
            and all(row[column] == value for column, value in equal.items())
        ]

    def sort(self, arms: Iterable[str]) -> list[str]:
        """Return arms from text to image, each once."""
        place = {arm: i for i, arm in enumerate(self.arms)}
        return sorted(set(arms), key=lambda arm: (place.get(arm, len(place)), arm))

    def compared(self) -> list[tuple[str, str]]:
        """Return the pairs of arms (reference, arm) that have rates or differences."""
        rows = self.of("prevalence", "effect")
        found = {(row["reference"], row["arm"]) for row in rows if row["reference"] is not None}
        order = self.sort(arm for pair in found for arm in pair)
        return sorted(found, key=lambda pair: (order.index(pair[0]), order.index(pair[1])))

    def run_of(self, analysis: str) -> Row | None:
        """Return the run that made an analysis, None where it has not been made."""
        return next((run for run in self.about["runs"] if analysis in run["analyses"]), None)

    def margin_of(self, code: str) -> Row | None:
        """Return the margin of a code that was in force when its equivalence was tested."""
        run = self.run_of("equivalence")
        if run is None or run["started_at"] is None:
            return None
        looked = datetime.fromisoformat(run["started_at"])
        before = [
            row
            for row in self.margins
            if row["code"] == code and datetime.fromisoformat(row["set_at"]) <= looked
        ]
        return before[-1] if before else None


def part(row: Row | None) -> Row | None:
    """Return what a reader needs of one number, None where there is none."""
    return None if row is None else {column: row[column] for column in _PART}


def best(parts: Row) -> Row | None:
    """Return the corrected number, or that of people alone where nothing can be corrected."""
    corrected: Row | None = parts["corrected"]
    humans: Row | None = parts["humans"]
    return corrected if corrected and corrected["estimate"] is not None else humans


def read(study: Study, judge: str | None = None) -> Estimates | None:
    """Return the estimates of the newest run, or of a judge by its name; None where there are none.

    Parameters
    ----------
    study
        The study.
    judge
        ``NAME[+CODEBOOK]``, as everywhere.

    Raises
    ------
    StageError
        When there is no such judge.
    """
    chosen = _chosen(plain.rows(study.read("estimates_sets")), study, judge)
    if chosen is None:
        return None
    ids = {"judge_id": chosen["judge_id"], "codebook_id": chosen["codebook_id"]}
    rows = plain.rows(study.read("estimates_rows", **ids))
    runs = plain.rows(study.read("estimates_runs", **ids))
    codes = plain.rows(study.read("labelled_codes", codebook_id=ids["codebook_id"]))
    about = chosen | {"runs": [_run(run) for run in runs]}
    about["notes"] = list(dict.fromkeys(note for run in runs for note in _shared(rows, run)))
    return Estimates(
        about,
        [_row(row, about["notes"]) for row in rows],
        list(_names(codes)),
        [arm["arm"] for arm in plain.rows(study.read("report_arms"))],
        [
            _margin(row)
            for row in plain.rows(study.read("margin_history"))
            if row["codebook"] == chosen["codebook"]
        ],
    )


def next_step(study: Study, judge: str | None = None) -> str:
    """Return the command that comes next where there are no estimates."""
    if study.count("rounds") == 0:
        return "erranal rounds plan"
    return "erranal prevalence" + (f" --judge {judge.partition('+')[0]}" if judge else "")


def _chosen(sets: list[Row], study: Study, judge: str | None) -> Row | None:
    if judge is None:
        return sets[0] if sets else None
    from erranal.judge import naming

    ids = naming.find(study, judge)
    return next((one for one in sets if (one["judge_id"], one["codebook_id"]) == ids), None)


def _run(run: Row) -> Row:
    started, changed = (
        datetime.fromisoformat(run[column]) if run[column] else None
        for column in ("started_at", "changed_at")
    )
    return run | {
        "parameters": plain.document(run["parameters"]) or {},
        "versions": _versions(plain.document(run["versions"]) or {}),
        "stale": bool(started and changed and changed > started),
    }


def _versions(known: Row) -> Row:
    return {name: known[name] for name in ("erranal", "python", "duckdb") if name in known}


def _margin(row: Row) -> Row:
    kept = ("code", "margin", "reason", "set_at", "looked_at")
    return {column: row[column] for column in kept}


def _shared(rows: list[Row], run: Row) -> list[str]:
    notes = [row["note"] or "" for row in rows if row["journal_id"] == run["journal_id"]]
    shared: list[str] = []
    for pieces in zip(*(note.split("; ") for note in notes), strict=False):
        if len(set(pieces)) > 1 or not _OF_A_RUN.match(pieces[0]):
            break
        shared.append(pieces[0])
    return shared


def _row(row: Row, notes: list[str]) -> Row:
    pieces = (row["note"] or "").split("; ")
    while pieces and pieces[0] in notes:
        del pieces[0]
    note = "; ".join(pieces)
    whole = {
        column: None if row[column] is None else int(row[column])
        for column in ("positives", "pool")  # whole numbers that may be missing come as fractions
    }
    return row | whole | {"counts": plain.document(row["counts"]), "note": note}


def _names(codes: list[Row]) -> Iterator[Row]:
    for family in dict.fromkeys(code["family"] for code in codes):
        title = f"{family[:1].upper()}{family[1:]}".replace("_", " ")
        yield {"name": family, "title": title, "family": None}
    for code in codes:
        yield {"name": code["code"], "title": code["title"], "family": code["family"]}
