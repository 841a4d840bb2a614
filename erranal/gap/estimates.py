"""From counts of pairs to differences with intervals and p values."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from erranal.gap.groups import Grouping, distinct_groupings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from erranal.stats.clustered import ClusterSums

FAILURES = {"w": "wrong", "x": "excluded"}
FAMILY = ["scorer", "failures", "grouping"]
GROUP = ["model", "benchmark", "subject", "prompt_style"]
ARMS = ["arm_a", "arm_b"]
COUNTS = ["pairs", "items", "both_right", "only_a", "only_b", "both_wrong", "excluded"]
MEASURES = ["accuracy_a", "accuracy_b", "difference", "low", "high", "level", "method"]
TESTS = ["p", "p_mid", "p_exact", "p_adjusted", "adjustment"]
# Fewer benchmarks leave t(B - 1) with limits too wide to say anything.
FEWEST_BENCHMARKS = 3


def gaps(counts: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return the rows of table ``gaps``.

    Parameters
    ----------
    counts
        Result of the counting query, one row per comparison, pooling and part.
    level
        Nominal coverage of the intervals.
    """
    import pandas as pd

    from erranal.stats.multiplicity import p_holm

    rows = pd.concat(
        [
            part
            for prefix, failures in FAILURES.items()
            for part in _parts(_one_mode(counts, prefix).assign(failures=failures), level)
        ],
        ignore_index=True,
    )
    rows["p_adjusted"] = rows.groupby(FAMILY)["p"].transform(p_holm)
    rows["adjustment"] = "Holm"
    rows["gap_id"] = _identities(rows)
    return rows[["gap_id", *FAMILY, *GROUP, *ARMS, *COUNTS, *MEASURES, *TESTS]]


def _one_mode(counts: pd.DataFrame, prefix: str) -> pd.DataFrame:
    own = counts.rename(
        columns={name: name[2:] for name in counts.columns if name.startswith(f"{prefix}_")}
    )
    own = own.rename(columns={"both": "both_right", "a": "only_a", "b": "only_b"})
    own["both_wrong"] = own["pairs"] - own["both_right"] - own["only_a"] - own["only_b"]
    whole_numbers = [*COUNTS, "squares", "cross", "sizes"]
    own[whole_numbers] = own[whole_numbers].astype("int64")
    return own


def _parts(counts: pd.DataFrame, level: float) -> Iterator[pd.DataFrame]:
    groupings = distinct_groupings(counts)
    for grouping in groupings:
        yield with_differences(_select(counts, grouping), level=level)
    for name, pooled in (("across benchmarks", 3), ("model+prompt_style across benchmarks", 0)):
        whole = Grouping(name, frozenset(), pooled, "benchmark")
        if pooled == 3 or {"model", "prompt_style"} & _varying(counts):
            yield across_benchmarks(_select(counts, whole), level=level)


def _select(counts: pd.DataFrame, grouping: Grouping) -> pd.DataFrame:
    chosen = (counts["pooled"] == grouping.pooled) & (counts["part"] == grouping.part)
    return counts[chosen].assign(grouping=grouping.name)


def _varying(counts: pd.DataFrame) -> set[str]:
    return {name for name in ("model", "prompt_style") if counts[name].nunique() > 1}


def with_differences(counts: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Add accuracies, difference, interval and p values to rows of counts.

    Where every item gives one pair: Tango's interval and McNemar's tests. Where an item gives
    several: errors clustered by item, and no McNemar p, which would count them as independent.
    """
    import numpy as np

    from erranal.stats import clustered, paired

    n = counts["pairs"].to_numpy(dtype=float)
    only_a, only_b = (counts[name].to_numpy() for name in ("only_a", "only_b"))
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy_a = (counts["both_right"] + only_a).to_numpy() / n
        accuracy_b = (counts["both_right"] + only_b).to_numpy() / n
        difference = (only_b - only_a) / n
    single, some = (counts["items"] == counts["pairs"]).to_numpy(), n > 0
    tango = paired.tango_limits(only_a, only_b, n, level=level)
    shared = clustered.difference_limits(_sums(counts), level=level)
    exact, mid = paired.mcnemar_exact(only_a, only_b), paired.mcnemar_mid_p(only_a, only_b)
    return counts.assign(
        accuracy_a=accuracy_a,
        accuracy_b=accuracy_b,
        difference=difference,
        low=np.where(some, np.where(single, tango[0], shared[0]), np.nan),
        high=np.where(some, np.where(single, tango[1], shared[1]), np.nan),
        level=level,
        method=np.where(single, "Tango", "clustered by item"),
        p=np.where(some, np.where(single, exact, shared[2]), np.nan),
        p_mid=np.where(some & single, mid, np.nan),
        p_exact=np.where(some & single, exact, np.nan),
    )


def _sums(counts: pd.DataFrame) -> ClusterSums:
    from erranal.stats.clustered import ClusterSums

    return ClusterSums(
        n=counts["pairs"].to_numpy(dtype=float),
        clusters=counts["items"].to_numpy(dtype=float),
        total=(counts["only_b"] - counts["only_a"]).to_numpy(dtype=float),
        squares=counts["squares"].to_numpy(dtype=float),
        cross=counts["cross"].to_numpy(dtype=float),
        sizes=counts["sizes"].to_numpy(dtype=float),
    )


def across_benchmarks(counts: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Return one row per comparison that treats its benchmarks as a sample of benchmarks.

    Accuracies and difference are means over benchmarks, each counting once; counts are totals.
    Comparisons with fewer than three benchmarks give no row.
    """
    import pandas as pd

    from erranal.stats.clustered import difference_across

    keys = ["scorer", "failures", "grouping", "model", "prompt_style", *ARMS]
    rows = []
    for key, part in counts[counts["pairs"] > 0].groupby(keys, dropna=False, sort=False):
        if len(part) < FEWEST_BENCHMARKS:
            continue
        interval, p = difference_across(
            (part["only_b"] - part["only_a"]) / part["pairs"], level=level
        )
        rows.append(
            dict(zip(keys, key, strict=True))
            | part[COUNTS].sum().to_dict()
            | {
                "accuracy_a": ((part["both_right"] + part["only_a"]) / part["pairs"]).mean(),
                "accuracy_b": ((part["both_right"] + part["only_b"]) / part["pairs"]).mean(),
                "difference": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "level": level,
                "method": interval.method,
                "p": p,
            }
        )
    return pd.DataFrame(rows)


def _identities(rows: pd.DataFrame) -> list[str]:
    keys = rows[[*FAMILY, *GROUP, *ARMS]].astype(object).where(lambda key: key.notna(), None)
    return [identity(*key) for key in keys.itertuples(index=False, name=None)]


def identity(*key: str | None) -> str:
    """Return the id of a row: a hash of what it compares."""
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]
