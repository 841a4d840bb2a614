"""Summary of the codes: rates per item by arm, paired differences, planted and estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import plain
from erranal.report.judges import assesses

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from erranal.report.plain import Row
    from erranal.store import Study


# What is not known of a planted rate whose code the judge cannot assess.
_UNKNOWN = ("estimate", "low", "high", "inside", "given", "found")


def summarise(
    study: Study,
    judge: Row | None,
    scorer: str = "erranal",
    *,
    compared: set[tuple[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the code profile of one judge.

    Parameters
    ----------
    compared
        Pairs of arms (reference, compared) to show; None for every pair there is.

    Returns
    -------
    dict
        ``codes``: the codebook's codes, with ``assessed`` False where the judge cannot give them.
        ``rates``: errors with the code per item, by model, prompt style and arm, Wilson limits.
        ``pairs``: the difference between two arms over pairs, by model and prompt style and over
        all (model and prompt_style None): Tango limits, or clustered by item where an item gives
        several pairs; p adjusted by Holm over the codes of one comparison.
    """
    if judge is None:
        return {"missing": "erranal judge run"}
    named = {"judge_id": judge["judge_id"], "codebook_id": judge["codebook_id"], "scorer": scorer}
    codes = plain.rows(study.read("report_codes", codebook_id=judge["codebook_id"]))
    for code in codes:
        code["assessed"] = assesses(judge, code["code"])
    rates = _rates(study.read("report_code_rates", **named))
    shown = {code["code"] for code in codes if code["assessed"]}
    return {
        "judge": judge,
        "codes": codes,
        "unlabelled": sum({_cell(r): r["unlabelled"] for r in rates}.values()),
        "rates": [r for r in rates if r["code"] in shown],
        "pairs": [
            pair
            for pair in _pairs(study.read("report_code_pairs", **named))
            if pair["code"] in shown and (compared is None or _arms(pair) in compared)
        ],
    }


def _arms(row: Row) -> tuple[str, str]:
    return row["arm_a"], row["arm_b"]


def _cell(row: Row) -> tuple[Any, ...]:
    return row["model"], row["prompt_style"], row["arm"]


def _rates(frame: pd.DataFrame) -> list[Row]:
    from erranal.stats.proportion import wilson_limits

    frame["rate"] = frame["outputs"] / frame["n"].where(frame["n"] > 0)
    frame["low"], frame["high"] = wilson_limits(frame["outputs"], frame["n"])
    return plain.rows(frame)


def _pairs(frame: pd.DataFrame) -> list[Row]:
    import numpy as np

    from erranal.stats.multiplicity import p_holm

    if frame.empty:
        return []
    frame["difference"] = frame["total"] / frame["pairs"]
    frame["rate_a"] = (frame["both"] + frame["only_a"]) / frame["pairs"]
    frame["rate_b"] = (frame["both"] + frame["only_b"]) / frame["pairs"]
    several = (frame["pairs"] > frame["items"]).to_numpy()
    tango, clustered = _tango(frame), _clustered(frame)
    frame["low"], frame["high"], frame["p"] = (
        np.where(several, c, t) for c, t in zip(clustered, tango, strict=True)
    )
    frame["method"] = np.where(several, "clustered by item", "Tango")
    family = frame.groupby(["model", "prompt_style", "arm_a", "arm_b"], dropna=False)["p"]
    frame["p_adjusted"] = family.transform(lambda p: p_holm(p.to_numpy(float)))
    return plain.rows(frame)


def _tango(frame: pd.DataFrame) -> tuple[np.ndarray[Any, Any], ...]:
    from erranal.stats.paired import mcnemar_exact, tango_limits

    low, high = tango_limits(frame["only_a"], frame["only_b"], frame["pairs"])
    return low, high, mcnemar_exact(frame["only_a"], frame["only_b"])


def _clustered(frame: pd.DataFrame) -> tuple[np.ndarray[Any, Any], ...]:
    from erranal.stats.clustered import ClusterSums, difference_limits

    names = ("pairs", "items", "total", "squares", "cross_sum", "sizes")
    return difference_limits(ClusterSums(*(frame[name].to_numpy(float) for name in names)))


def planted(study: Study, judge: Row | None, scorer: str = "erranal") -> dict[str, Any] | None:
    """Return planted rates against estimated ones, or None where nothing was planted.

    Returns
    -------
    dict
        ``rows``: by model, arm and code the planted ``rate``, the ``estimate`` from the judge's
        labels with Wilson limits, ``inside`` (the rate lies within them), and how many planted
        errors the judge found; None for codes that the judge cannot assess, for which a rate of
        zero would be a claim.
    """
    if study.count("planted_rates") == 0:
        return None
    if judge is None:
        return {"missing": "erranal judge run"}
    from erranal.stats.proportion import wilson_limits

    frame = study.read(
        "report_planted_found",
        judge_id=judge["judge_id"],
        codebook_id=judge["codebook_id"],
        scorer=scorer,
    )
    frame["estimate"] = frame["given"] / frame["n"].where(frame["n"] > 0)
    frame["low"], frame["high"] = wilson_limits(frame["given"], frame["n"])
    frame["inside"] = (frame["low"] <= frame["rate"]) & (frame["rate"] <= frame["high"])
    rows = [
        row if assesses(judge, row["code"]) else row | dict.fromkeys(_UNKNOWN)
        for row in plain.rows(frame)
    ]
    known = [row["inside"] for row in rows if row["inside"] is not None]
    return {"rows": rows, "inside": sum(known), "of": len(known)}
