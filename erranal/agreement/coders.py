"""How far coders agree, on each code and on whole label sets, over all and under each arm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from erranal.agreement import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from erranal.labelled import Answers
    from erranal.stats.interval import Interval

ALL = "all"
ANY = "(any)"
RESAMPLES = 2_000
SETS: dict[str, Literal["masi", "hierarchical"]] = {
    "alpha of label sets, MASI": "masi",
    "alpha of label sets, hierarchical": "hierarchical",
}


def between_coders(answers: Answers, *, level: float, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the rows of table ``estimates`` on agreement between coders.

    Parameters
    ----------
    answers
        What coders say, before adjudication.
    level
        Nominal coverage.
    seed
        Of the resampling.
    """
    arms = sorted(set(answers.units["arm"]))
    for arm in [ALL, *(arms if len(arms) > 1 else [])]:
        keep = answers.units["arm"].isin(arms if arm == ALL else [arm]).to_numpy()
        part = answers.where(keep)
        of_arm = {"arm": None if arm == ALL else arm}
        if not (twice := _coded_twice(part)).any():
            continue
        yield from (of_arm | row for row in _by_name(part, level=level, seed=seed))
        yield from (of_arm | row for row in _of_sets(part.where(twice), level=level, seed=seed))


def _coded_twice(answers: Answers) -> NDArray[np.bool_]:
    import numpy as np

    coded: NDArray[np.bool_] = (~np.isnan(answers.given[:, :, 0])).sum(axis=0) > 1
    return coded


def _by_name(answers: Answers, *, level: float, seed: int) -> Iterator[dict[str, Any]]:
    from erranal.stats import bootstrap, raters

    resample = partial(
        _resampled, answers.given, answers.units["pair_id"].to_numpy(), level=level, seed=seed
    )
    alphas = resample(bootstrap.alpha_code_bootstrap)
    ac1s = resample(bootstrap.ac1_code_bootstrap)
    for column, name in enumerate(answers.names):
        said = answers.given[:, :, column]
        counts = _counts(said)
        kappa = raters.kappa_conger(said, (0.0, 1.0), level=level)
        pabak = raters.agreement_brennan_prediger(_tallied(said), level=level)
        found = {"alpha": alphas[column], "AC1": ac1s[column], "kappa": kappa, "PABAK": pabak}
        said_of_it = words.of_coders(alphas[column], counts)
        for estimand, interval in found.items():
            yield _row(name, estimand, interval, counts) | {"note": said_of_it}


def _resampled(
    given: NDArray[np.float64],
    pairs: NDArray[np.str_],
    measure: Callable[..., list[Interval]],
    *,
    level: float,
    seed: int,
) -> list[Interval]:
    # Both responses of a pair are of one item: what is drawn again is the pair.
    return measure(given, pairs, resamples=RESAMPLES, seed=seed, level=level)


def _counts(said: NDArray[np.float64]) -> dict[str, Any]:
    """Return the raw table: units coded twice or more by how many of their coders gave the code."""
    import numpy as np

    looked = (~np.isnan(said)).sum(axis=0)
    yes = np.nansum(said, axis=0)[looked > 1]
    looked = looked[looked > 1]
    pairs = looked - 1
    return {
        "all gave it": int((yes == looked).sum()),
        "some did": int(((yes > 0) & (yes < looked)).sum()),
        "nobody did": int((yes == 0).sum()),
        "share": _share(yes.sum(), looked.sum()),
        "positive agreement": _share((yes * (yes - 1) / pairs).sum(), yes.sum()),
        "negative agreement": _share(
            ((looked - yes) * (looked - yes - 1) / pairs).sum(), (looked - yes).sum()
        ),
    }


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _tallied(said: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    looked = (~np.isnan(said)).sum(axis=0)
    yes = np.nansum(said, axis=0)
    return np.column_stack([looked - yes, yes]).astype(float)


def _of_sets(answers: Answers, *, level: float, seed: int) -> Iterator[dict[str, Any]]:
    from erranal.stats import alpha

    for estimand, distance in SETS.items():
        found = alpha.alpha_bootstrap(
            answers.sets,
            distance,
            clusters=answers.units["pair_id"].to_numpy(),
            resamples=RESAMPLES,
            seed=seed,
            level=level,
        )
        yield _row(ANY, estimand, found, {}) | {"note": words.of_sets(found)}


def _row(name: str, estimand: str, found: Interval, counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "analysis": "agreement",
        "estimand": estimand,
        "source": "humans",
        "code": name,
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "method": found.method,
        "n": found.n,
        "excluded": found.excluded,
        "positives": counts.get("all gave it", 0) + counts.get("some did", 0) if counts else None,
        "counts": counts or None,
    }
