"""What one or two judges said of each record, as the page's browser holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from erranal.report.plain import Row
    from erranal.store import Study

AGREEMENT = ("judges agree", "judges differ", "read by one judge")
UNSUPPORTED, GAP = "quote not found", "codebook lacks a code"
_VERDICT = ("status", "primary_code", "codes", "rationale", "confidence", "codebook_gap",
            "gap_note", "votes", "samples", "mode", "detail")  # fmt: skip
_EVIDENCE = ("code", "field", "start_cp", "end_cp", "quote", "match", "note")
# A judge that never stops talking must not make the page large.
_CHARS = 4000


class Said:
    """The verdicts of the judge in force and, where there is one, of the judge beside it.

    Parameters
    ----------
    study, summary
        The study, and what :func:`erranal.report.content.summarise` returned.
    ids
        The outputs that the page holds.
    """

    def __init__(self, study: Study, summary: dict[str, Any], ids: list[str]) -> None:
        codes, compared = summary["codes"], summary["judges"]
        self.judges: list[Row] = [codes["judge"]] if "judge" in codes else []
        self.shared: set[str] = set()
        if compared:
            first = compared["comparisons"][0]
            self.judges.append(first["b"])
            self.shared = {row["code"] for row in first["codes"]}
        self._of = [_verdicts(study, judge, ids) for judge in self.judges]

    def of(self, output_id: str) -> list[Row | None]:
        """Return the verdict of each judge on an output, None where it gave none."""
        return [verdicts.get(output_id) for verdicts in self._of]

    def agreement(self, said: list[Row | None]) -> str | None:
        """Return one of :data:`AGREEMENT`; None where neither judge has read the record."""
        read = self._read(said)
        if len(said) < 2 or not read:
            return None
        if len(read) < 2:
            return AGREEMENT[2]
        return AGREEMENT[0] if read[0] == read[1] else AGREEMENT[1]

    def split(self, said: list[Row | None]) -> list[tuple[int, str]]:
        """Return (judge, code) of every code that only this one of two judges gave."""
        read = self._read(said)
        if len(read) < 2:
            return []
        a, b = read
        return [(0, code) for code in sorted(a - b)] + [(1, code) for code in sorted(b - a)]

    def _read(self, said: list[Row | None]) -> list[set[str]]:
        # Codes that only one judge can give are no disagreement.
        given = (row["codes"] for row in said if row and row["codes"] is not None)
        return [self.shared.intersection(codes) for codes in given]

    def flags(self, said: list[Row | None]) -> list[tuple[int, str]]:
        """Return (judge, what is the matter) of the verdicts on a record."""
        return [(i, flag) for i, row in enumerate(said) if row for flag in _flags(row)]


def _flags(row: Row) -> Iterable[str]:
    if row["status"] != "ok":
        yield row["status"]
    if any(item[_EVIDENCE.index("match")] == "unsupported" for item in row["evidence"]):
        yield UNSUPPORTED
    if row["codebook_gap"] and row["status"] == "ok":
        yield GAP


def _verdicts(study: Study, judge: Row, ids: list[str]) -> dict[str, Row]:
    named = {"judge_id": judge["judge_id"], "codebook_id": judge["codebook_id"], "ids": ids}
    said: dict[str, Row] = {}
    for row in study.arrow("report_verdicts", **named, length=_CHARS).to_pylist():
        kept = {key: row[key] for key in _VERDICT if row[key] is not None}
        if row["votes"]:
            kept["votes"] = plain.document(row["votes"])
        said[row["output_id"]] = dict.fromkeys(("codes", "codebook_gap")) | kept | {"evidence": []}
    for row in study.arrow("report_evidence", **named, length=_CHARS).to_pylist():
        if row["output_id"] in said:
            said[row["output_id"]]["evidence"].append([row[key] for key in _EVIDENCE])
    return said
