"""What a round will cost, and how precise it will be, from what the judge has said so far."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds.drawing import Drawn, overlap_units
from erranal.stats import planning

if TYPE_CHECKING:
    import pandas as pd

_SIDES = {True: "text", False: "image"}
_PREDICTED = (
    "judge_rate",
    "half_width",
    "half_width_with_judge",
    "half_width_sensitivity",
    "units_for_rate",
    "units_for_sensitivity",
)


@dataclass(frozen=True)
class Pace:
    """What is assumed of coders and judge.

    Attributes
    ----------
    minutes_per_unit
        Of one coder on one unit.
    coders
        Who share the round; all of them code a unit of a calibration round.
    half_width
        Wanted of a code's rate, as a fraction; of a judge's sensitivity twice that.
    correlation
        Phi coefficient between judge and coders, as far as known.
    sensitivity
        Of the judge, as far as known.
    """

    minutes_per_unit: float = 3.0
    coders: int = 2
    half_width: float = 0.05
    correlation: float = 0.6
    sensitivity: float = 0.8

    def __post_init__(self) -> None:
        if self.coders < 1 or not self.minutes_per_unit > 0 or not self.half_width > 0:
            raise StageError("coders, minutes per unit and half-width have to be positive")
        if not (-1 < self.correlation < 1 and 0 <= self.sensitivity <= 1):
            raise StageError("a correlation lies between -1 and 1, a sensitivity between 0 and 1")


def coding(drawn: Drawn, pace: Pace) -> dict[str, Any]:
    """Return how much there is to code, in codings (one coder, one unit) and hours.

    Raises
    ------
    StageError
        When there are fewer coders than are to code a unit.
    """
    twice = overlap_units(drawn)
    people = drawn.design.people
    if twice and pace.coders < people:
        raise StageError(
            f"{people} are to code each unit of the overlap, and {pace.coders} code at all: plan "
            "with more coders, or with an overlap share of 0"
        )
    each = max(people, pace.coders) if drawn.design.kind == "calibration" else people
    codings = len(drawn.units) + twice * (each - 1)
    hours = codings * pace.minutes_per_unit / 60
    return {
        "coders": pace.coders,
        "minutes_per_unit": pace.minutes_per_unit,
        "overlap_units": twice,
        "people": each,
        "codings": codings,
        "codings_per_coder": -(-codings // pace.coders),
        "hours": round(hours, 1),
        "hours_per_coder": round(hours / pace.coders, 1),
    }


def precision(drawn: Drawn, pace: Pace) -> list[dict[str, Any]]:
    """Predict the precision for each code on each side, text and image.

    Returns
    -------
    list of dict
        Keys code, side, sampled_units (on average), judge_rate (share of the judged errors on this
        side that have the code), half_width of that rate from the sample without the judge and
        half_width_with_judge, half_width_sensitivity, and the units of this side that the wanted
        half-widths take in a uniform sample (units_for_rate, units_for_sensitivity; there may be
        fewer). None where the judge says nothing of the code, or no number of units is enough.
        With unequal weights the sample counts as its effective size.
    """
    pairs, units = drawn.frame.pairs, drawn.frame.units
    probability = dict(zip(pairs["pair_id"], drawn.sample.probability, strict=True))
    units = units.assign(pi=units["pair_id"].map(probability))
    return [
        row
        for textual, side in _SIDES.items()
        if len(chosen := units[units["textual"] == textual])
        for row in _of_side(drawn, pace, side, chosen)
    ]


def _of_side(drawn: Drawn, pace: Pace, side: str, units: pd.DataFrame) -> list[dict[str, Any]]:
    judge = drawn.frame.judge
    said = units["codes"].dropna()
    counts = said.explode().value_counts()
    effective = planning.effective_size(units["pi"])
    rows = []
    for code in drawn.frame.book.codes:
        row = {"code": code.code, "side": side, "sampled_units": round(float(units["pi"].sum()), 1)}
        values: dict[str, Any] = dict.fromkeys(_PREDICTED)
        if judge is not None and judge.can_give(code.code) and len(said):
            found = int(counts.get(code.code, 0))
            # Half an error more: a code that the judge never gave is rare, but not known exactly.
            rate = (found + 0.5) / (len(said) + 1)
            values["judge_rate"] = round(found / len(said), 4)
            values |= _predicted(pace, rate, effective, len(units))
        rows.append(row | values)
    return rows


def _predicted(pace: Pace, rate: float, effective: float, population: int) -> dict[str, Any]:
    judged = {"correlation": pace.correlation, "population": population}
    aim, sensitivity = pace.half_width, pace.sensitivity
    widths = {
        "half_width": planning.half_width_rate(effective, rate),
        "half_width_with_judge": planning.half_width_rate(effective, rate, **judged),
        "half_width_sensitivity": planning.half_width_sensitivity(
            effective * rate, sensitivity=sensitivity
        ),
    }
    labels = {
        "units_for_rate": planning.labels_for_rate(aim, rate, **judged),
        "units_for_sensitivity": planning.labels_for_sensitivity(
            2 * aim, rate, sensitivity=sensitivity
        ),
    }
    needed = {name: ceil(n) if isfinite(n) else None for name, n in labels.items()}
    return {name: round(width, 4) for name, width in widths.items()} | needed
