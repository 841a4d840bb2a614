"""Where two judges agree and where they do not, among the errors that both of them have read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import plain
from erranal.report.judges import assesses

if TYPE_CHECKING:
    from erranal.report.plain import Row
    from erranal.store import Study

# The judge in force is compared with at most this many others.
MAX_COMPARED = 6
EXAMPLES = 50
GAP_NOTES = 100
_NOTE_CHARS = 400
_FIGURES = (
    "observed",
    "positive",
    "kappa",
    "kappa_low",
    "kappa_high",
    "ac1",
    "ac1_low",
    "ac1_high",
)
_COUNTS = ("both", "only_a", "only_b")


def summarise(study: Study, chosen: Row | None, judges: list[Row], scorer: str) -> Any:
    """Return the judges of the study and how the one in force agrees with the others.

    Returns
    -------
    dict or None
        ``judges``, and ``comparisons`` of the judge in force with every other under the same
        codebook version, the one that shares most records first (see :func:`compare`). None where
        no other judge has worked under that version.
    """
    if chosen is None:
        return None
    rivals = [
        judge
        for judge in judges
        if judge["codebook_id"] == chosen["codebook_id"] and judge["judge_id"] != chosen["judge_id"]
    ]
    if not rivals:
        return None
    compared = [compare(study, chosen, judge, scorer) for judge in rivals]
    compared.sort(key=lambda one: -one["records"])
    return {
        "judges": judges,
        "comparisons": compared[:MAX_COMPARED],
        "left_out": len(compared) - len(compared[:MAX_COMPARED]),
    }


def compare(study: Study, a: Row, b: Row, scorer: str) -> Row:
    """Return how two judges agree under one codebook version.

    Returns
    -------
    dict
        ``records`` read by both, how many of them got the ``same`` codes, were given none by
        ``neither`` judge, and ``differ``; only codes that both can give count. ``codes``: for each
        of these the four counts, ``observed``, ``positive``, ``kappa`` and ``ac1``, and the rates
        by arm; ``left_out``: the codes that one of them cannot give, with how often the other did;
        ``examples`` of records that differ.
    """
    pair = {"judge_a": a["judge_id"], "judge_b": b["judge_id"], "codebook_id": a["codebook_id"]}
    frame = study.read("report_judge_codes", **pair, scorer=scorer)
    titles = plain.rows(study.read("report_codes", codebook_id=a["codebook_id"]))
    shared = [row for row in titles if assesses(a, row["code"]) and assesses(b, row["code"])]
    names = [row["code"] for row in shared]
    sets = plain.rows(study.read("report_judge_sets", **pair, scorer=scorer, shared=names))[0]
    examples = study.read(
        "report_judge_examples", **pair, scorer=scorer, shared=names, limit=EXAMPLES
    )
    cells = _by_code(plain.rows(frame))
    return {
        "a": a,
        "b": b,
        **sets,
        "differ": sets["records"] - sets["same"],
        "codes": _agreement(shared, cells),
        "left_out": _left_out(titles, a, b, cells),
        "examples": plain.rows(examples),
    }


def _by_code(rows: list[Row]) -> dict[str, list[Row]]:
    cells: dict[str, list[Row]] = {}
    for row in rows:
        row["rate_a"] = (row["both"] + row["only_a"]) / row["n"]
        row["rate_b"] = (row["both"] + row["only_b"]) / row["n"]
        cells.setdefault(row["code"], []).append(row)
    return cells


def _total(cells: list[Row], name: str) -> int:
    return sum(cell[name] for cell in cells)


def _agreement(shared: list[Row], cells: dict[str, list[Row]]) -> list[Row]:
    rows = []
    for row in shared:
        found = cells.get(row["code"], [])
        both, only_a, only_b = (_total(found, name) for name in _COUNTS)
        neither = _total(found, "n") - both - only_a - only_b
        counts = dict(zip((*_COUNTS, "neither"), (both, only_a, only_b, neither), strict=True))
        named = {name: row[name] for name in ("code", "title", "family")}
        rows.append(
            named
            | counts
            | {"given": both + only_a + only_b, **_coefficients(**counts), "arms": found}
        )
    return rows


def _coefficients(both: int, only_a: int, only_b: int, neither: int) -> Row:
    from erranal.stats import agreement

    table = agreement.agreement_table(both, only_a, only_b, neither)
    return {name: plain.value(table[name]) for name in _FIGURES}


def _left_out(titles: list[Row], a: Row, b: Row, cells: dict[str, list[Row]]) -> list[Row]:
    blind = []
    for row in titles:
        without = [judge for judge in (a, b) if not assesses(judge, row["code"])]
        if without:
            found = cells.get(row["code"], [])
            given = _total(found, "both") + max(_total(found, name) for name in _COUNTS[1:])
            by = [judge["label"] for judge in without]
            blind.append({"code": row["code"], "title": row["title"], "by": by, "given": given})
    return blind


def gap_notes(study: Study, judges: list[Row], codebook_id: str, scorer: str) -> list[Row]:
    """Return what the judges say that the codebook lacks, in their words, most frequent first."""
    labels = {judge["judge_id"]: judge["label"] for judge in judges}
    found = study.read(
        "report_gap_notes",
        judges=list(labels),
        codebook_id=codebook_id,
        scorer=scorer,
        length=_NOTE_CHARS,
        limit=GAP_NOTES,
    )
    return [row | {"judge": labels[row["judge_id"]]} for row in plain.rows(found)]
