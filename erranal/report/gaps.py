"""Summary of the paired gaps: accuracies by arm, and differences under both conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import plain

if TYPE_CHECKING:
    from erranal.report.plain import Row
    from erranal.store import Study

_KEY = ("grouping", "model", "benchmark", "subject", "prompt_style", "arm_a", "arm_b")
_OTHER = ("pairs", "items", "excluded", "difference", "low", "high", "method", "p")
FAILURES = ("no_answer", "refused", "failed")


def summarise(study: Study, scorer: str = "erranal") -> dict[str, Any]:
    """Return accuracies and gaps; ``missing`` names the command where the stage has not run.

    Returns
    -------
    dict
        ``accuracy``: one row a scorer, model, prompt style and arm, with its Wilson interval.
        ``groups``: for every grouping a list of gaps with failures counted as wrong, each with
        ``excluded`` (pairs with a failure left out) and ``imported`` (scores that came with the
        files) beside it, or None. ``headline``: the grouping that the findings speak of.
    """
    accuracy = _accuracy(study)
    gaps = plain.rows(study.view("gaps"))
    if not gaps and "gap" not in set(study.read("journal_newest_done")["stage"]):
        return {"missing": "erranal gap", "accuracy": accuracy}
    groups: dict[str, list[Row]] = {}
    for row in _beside(gaps, scorer):
        groups.setdefault(row["grouping"], []).append(row)
    return {"accuracy": accuracy, "groups": groups, "headline": headline(groups)}


def headline(groups: dict[str, list[Row]]) -> str | None:
    """Return the grouping to speak of first: by model and prompt style where there is one."""
    wanted = ({"model", "prompt_style"}, {"model"}, {"prompt_style"}, {"all"})
    for columns in wanted:
        for grouping in groups:
            if set(grouping.split("+")) == columns:
                return grouping
    return next(iter(groups), None)


def _beside(gaps: list[Row], scorer: str) -> list[Row]:
    # One row a comparison: the main convention, with the other convention and scorer beside it.
    variants: dict[tuple[Any, ...], dict[tuple[str, str], Row]] = {}
    for gap in gaps:
        key = tuple(gap[column] for column in _KEY)
        variants.setdefault(key, {})[gap["scorer"], gap["failures"]] = gap
    main = (scorer, "wrong")
    return [
        found[main]
        | {
            "left_out": _part(found.get((scorer, "excluded"))),
            "imported": _part(found.get(("imported", "wrong"))),
        }
        for found in variants.values()
        if main in found
    ]


def _part(gap: Row | None) -> Row | None:
    return None if gap is None else {column: gap[column] for column in _OTHER}


def _accuracy(study: Study) -> list[Row]:
    from erranal.stats.proportion import wilson_limits

    frame = study.read("report_accuracy")
    failures = frame[list(FAILURES)].sum(axis=1)
    frame["failures"] = failures
    for name, right, n in (
        ("", frame["correct"], frame["n"]),
        ("_answered", frame["correct"], frame["n"] - failures),
        ("_failed", failures, frame["n"]),
    ):
        frame[f"share{name}"] = right / n.where(n > 0)
        frame[f"low{name}"], frame[f"high{name}"] = wilson_limits(right, n)
    return plain.rows(frame)


Compared = set[tuple[str, str]] | None


def compared(gap: dict[str, Any]) -> Compared:
    """Return the pairs of arms (reference, compared) that have a gap; None before the stage ran."""
    if "missing" in gap:
        return None
    return {(row["arm_a"], row["arm_b"]) for rows in gap["groups"].values() for row in rows}


def changes(study: Study, scorer: str = "erranal", *, compared: Compared = None) -> list[Row]:
    """Return how outcomes move from the reference arm to the compared arm, with pair counts."""
    return _among(plain.rows(study.read("report_outcome_pairs", scorer=scorer)), compared)


def _among(rows: list[Row], compared: Compared) -> list[Row]:
    return [row for row in rows if compared is None or (row["arm_a"], row["arm_b"]) in compared]


def flips(study: Study, scorer: str = "erranal", *, compared: Compared = None) -> list[Row]:
    """Return the interaction of arm and prompt style by model, with t limits over items."""
    from erranal.stats.clustered import ClusterSums, mean_limits

    frame = study.read("report_flips", scorer=scorer)
    if frame.empty:
        return []
    n = frame["items"].to_numpy(float)
    total = frame["total"].to_numpy(float)
    # Each item counts once, so it is its own cluster.
    sums = ClusterSums(n, n, total, frame["squares"].to_numpy(float), total, n)
    low, high = mean_limits(sums)
    return _among(plain.rows(frame.assign(interaction=sums.mean, low=low, high=high)), compared)
