"""Sentences on how numbers were estimated: one for each estimator that was really used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from erranal.report import wording as w
from erranal.report.estimate_coding import Sentence, day
from erranal.report.estimate_views import level_of

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row

_COEFFICIENTS = {
    "alpha": ("Krippendorff's alpha", ("hayes2007",)),
    "AC1": ("Gwet's AC1", ("gwet2008",)),
    "kappa": ("Conger's kappa", ("conger1980",)),
    "PABAK": ("the coefficient of Brennan and Prediger", ("brennan1981",)),
    "alpha of label sets, MASI": ("alpha of whole label sets with the MASI distance",
                                  ("passonneau2006",)),
    "alpha of label sets, hierarchical": (
        "alpha of whole label sets with a distance in which a code also stands for its family", (),
    ),
}  # fmt: skip
# By method: what it is, in a sentence, and where it is from.
_INTERVALS = {
    "bootstrap": ("percentile intervals of a bootstrap over pairs of responses", ("efron1993",)),
    "Conger": ("linearised over responses", ("gwet2014",)),
    "Brennan-Prediger": ("linearised over responses", ("gwet2014",)),
    "weighted Jeffreys": ("weighted Jeffreys intervals", ("brown2001", "korn1998")),
    "linearised": ("linearised", ("fleiss1969",)),
    "Newcombe": ("Newcombe's, for independent proportions", ("newcombe1998",)),
}
_RATES = {
    "post-stratified MOVER-Jeffreys": (
        "Rates per item are post-stratified by the judge's label: the judge says how many "
        "responses it gives a code and how many not, and human labels say how many of either have "
        "it; their intervals combine Jeffreys limits by MOVER",
        ("tenenbein1970", "zou2008", "brown2001"),
    ),
    "weighted Wilson": (
        "Rates from human labels alone have weighted Wilson intervals",
        ("wilson1927", "korn1998"),
    ),
    "Wilson, judge uncorrected": (
        "Rates from the judge's labels alone, with Wilson intervals, are given for comparison and "
        "are not corrected",
        ("wilson1927",),
    ),
}
_EFFECTS = {
    "GREG add-2": (
        "Changes of a rate between arms are estimated over pairs by the generalised regression "
        "estimator with the judge's labels of both responses as predictors, and two "
        "pseudo-observations are added to the variance",
        ("cassel1976", "sarndal1989", "bonett2012"),
    ),
    "humans add-2": (
        "Changes from human labels alone have the same intervals without predictors",
        ("bonett2012",),
    ),
    "clustered by item, judge uncorrected": (
        "Changes in the judge's labels alone, with intervals clustered by item, are given for "
        "comparison; they are not corrected and not tested",
        (),
    ),
    "Tango, judge uncorrected": (
        "Changes in the judge's labels alone, with Tango's interval, are given for comparison; "
        "they are not corrected and not tested",
        ("tango1998",),
    ),
}
_ADJUSTMENTS = {
    "Holm over families": (
        "p values of families are adjusted by Holm's method within each group and pair of arms",
        ("holm1979",),
    ),
    "Benjamini-Hochberg over codes": (
        "p values of codes are adjusted by the method of Benjamini and Hochberg within each group "
        "and pair of arms",
        ("benjamini1995",),
    ),
}


def _methods(rows: Iterable[Row]) -> list[str]:
    # Methods of numbers that there are: where nothing could be estimated, none was used.
    return list(dict.fromkeys(row["method"] for row in rows if row["estimate"] is not None))


def _intervals(rows: list[Row]) -> Iterator[Sentence]:
    """Say which intervals were given to what, those of one kind together."""
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        if row["estimate"] is not None and row["method"] in _INTERVALS:
            of = alike.setdefault(_INTERVALS[row["method"]], [])
            name = row["estimand"].partition(" of ")[0].partition(" with ")[0]
            of += [name] if name not in of else []
    for (words, cites), names in alike.items():
        yield Sentence(f"The {level_of(rows)} intervals of {w.listed(names)} are {words}", cites)


def agreement(found: Estimates) -> list[Sentence]:
    """Say how coders were held against each other, and the judge against them."""
    return [*_coders(found), *_trust(found), *_anchoring(found)]


def _coders(found: Estimates) -> Iterator[Sentence]:
    rows = found.of("agreement")
    used = [name for name in _COEFFICIENTS if any(row["estimand"] == name for row in rows)]
    if not used:
        return
    cites = tuple(dict.fromkeys(key for name in used for key in _COEFFICIENTS[name][1]))
    words = w.listed(_COEFFICIENTS[name][0] for name in used)
    yield Sentence(
        "Agreement between coders was measured before adjudication, on the responses that two or "
        f"more of them coded, by {words}",
        cites,
    )
    yield from _intervals(rows)
    if "alpha" in used:
        yield Sentence(
            "Alpha is called reliable where the lower limit of its interval is at least .8, and "
            "enough for tentative conclusions where it is at least .667",
            ("krippendorff2004",),
        )


def _trust(found: Estimates) -> Iterator[Sentence]:
    rows = [row for row in found.of("trust") if row["estimate"] is not None]
    if not rows:
        return
    measures = list(dict.fromkeys(row["estimand"] for row in rows))
    yield Sentence(
        f"The judge was held against settled human labels by {w.listed(measures)}, for each code "
        "and each arm by itself, weighted by the inverse probability of being drawn, because a "
        "sample that is drawn by the judge's labels misstates them otherwise",
        ("begg1983",),
    )
    yield from _intervals(rows)


def _anchoring(found: Estimates) -> Iterator[Sentence]:
    rows = found.of("anchoring")
    if rows:
        yield Sentence(
            "Whether coders follow the judge was measured by how much more often they agree with "
            "it where they were to be shown its labels than where they were not"
        )
        yield from _intervals(rows)


def rates(found: Estimates) -> list[Sentence]:
    """Say how rates and their changes were estimated."""
    said = []
    for analyses, known in ((("prevalence",), _RATES), (("effect", "contrast"), _EFFECTS)):
        rows = found.of(*analyses)
        used = _methods(rows)
        said += [Sentence(*known[method]) for method in known if method in used]
        said += [
            Sentence(f"Further numbers are estimated by the method {method}")
            for method in used
            if method not in known
        ]
    rows = found.of("prevalence")
    if rows:
        said.append(
            Sentence(
                "A rate counts among all gradable responses, right ones included, and not among "
                "errors"
            )
        )
    contrasts = dict.fromkeys(row["code"] for row in found.of("contrast"))
    said += _beside(found)
    said += [
        Sentence(
            f"The contrast {code} is the change of the first less that of the second, estimated "
            "as one number on the same pairs"
        )
        for code in contrasts
    ]
    given = [
        row for row in found.of("prevalence", "effect", "contrast") if row["estimate"] is not None
    ]
    if given:
        said.append(Sentence(f"These are {level_of(given)} intervals"))
    return said


def _beside(found: Estimates) -> Iterator[Sentence]:
    for method in _methods(found.of("adjusted")):
        yield Sentence(
            "Changes at equal length are the intercepts of a regression of the change of a pair on "
            f"the difference in length of its responses ({method})"
        )
    for estimand, note in dict.fromkeys(
        (row["estimand"], row["note"]) for row in found.of("on request")
    ):
        why = note.removeprefix("on request").removeprefix("; ")
        yield Sentence(f"On request the {estimand} is given too, though it misleads ({why})")


def tests(found: Estimates) -> list[Sentence]:
    """Say how tests were adjusted, and which margins of equivalence were fixed when."""
    adjustments = dict.fromkeys(row["adjustment"] for row in found.of("effect"))
    said = [Sentence(*_ADJUSTMENTS[one]) for one in adjustments if one in _ADJUSTMENTS]
    if any(row["p"] is not None for row in found.of("contrast")):
        said.append(Sentence("The p value of the contrast is not adjusted"))
    rows = found.of("equivalence")
    if rows:
        said.append(
            Sentence(
                "A rate is called unchanged only where two one-sided tests show its change to be "
                f"within a margin, that is, where its {level_of(rows)} interval lies within the "
                "margin",
                ("schuirmann1987",),
            )
        )
        said += [_margin(found, code) for code in dict.fromkeys(row["code"] for row in rows)]
    return said


def _margin(found: Estimates, code: str) -> Sentence:
    margin = found.margin_of(code)
    if margin is None:
        return Sentence(f"When the margin of {code} was fixed is not known")
    first = margin["looked_at"] and datetime.fromisoformat(margin["looked_at"])
    late = bool(first and datetime.fromisoformat(margin["set_at"]) > first)
    when = "after the changes were first estimated" if late else "before changes were estimated"
    reason = f" ({margin['reason']})" if margin["reason"] else ""
    before = [
        f"{100 * row['margin']:g}"
        for row in found.margins
        if row["code"] == code and row["set_at"] < margin["set_at"]
    ]
    changed = f"; it had been {w.listed(before)} before" if before else ""
    return Sentence(
        f"The margin of {code} is {100 * margin['margin']:g} percentage points{reason}, fixed on "
        f"{day(margin['set_at'])}, {when}{changed}"
    )


def left_out(found: Estimates, excluded: dict[str, int]) -> list[Sentence]:
    """Say what the numbers leave out, and what has to be said of all of them."""
    said = [
        f"{w.count(n, 'sampled response')} left out: {reason}" for reason, n in excluded.items()
    ]
    unread = {
        row["arm"]: row["excluded"]
        for row in found.of("prevalence", grouping="all", source="judge")
        if row["excluded"]
    }
    said += [
        f"{w.count(n, 'error')} under {arm} without a readable verdict count as not given the "
        "code by the judge"
        for arm, n in unread.items()
    ]
    said += [f"{note[:1].upper()}{note[1:]}" for note in found.about["notes"]]
    if any(run["stale"] for run in found.about["runs"]):
        said.append("Labels or verdicts have changed since these numbers were made")
    return [Sentence(text) for text in said]


def software(runs: list[Row]) -> list[Sentence]:
    """Say by what, and when, the numbers were made."""
    return [
        Sentence(
            f"The stage {run['stage']} ran on {day(run['started_at'])} with "
            + w.listed(f"{name} {version}" for name, version in run["versions"].items())
        )
        for run in runs
        if run["stage"]
    ]
