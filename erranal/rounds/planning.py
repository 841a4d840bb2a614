"""Planning and creating a round: which pairs are drawn, and what their coding will be worth.

A round is drawn from the pairs with an error. A pair is one item under one model, prompt style and
sample, as it was answered under the arm nearest to text and under the others; where there are
several image arms they share the text response, and are drawn together, with one probability. The
units to code are the responses that are wrong, each beside the other one. What is drawn depends on
the seed, the pairs and the rounds before, so that :func:`plan` shows the very sample that
:func:`create` writes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.rounds import books, drawing, expected
from erranal.rounds.design import Design
from erranal.rounds.drawing import Drawn
from erranal.rounds.expected import Pace
from erranal.rounds.units import BLIND, SUGGESTED
from erranal.stats.planning import effective_size

if TYPE_CHECKING:
    import pandas as pd

    from erranal.codebook import Codebook
    from erranal.store import Study

LONGEST_NAME = 40  # characters; project titles are made of it, and have 50


def plan(study: Study, *, pace: Pace | None = None, **wanted: Any) -> dict[str, Any]:
    """Say what a round would be, without writing anything.

    Parameters
    ----------
    study
        A scored study.
    pace
        What is assumed of coders and judge.
    **wanted
        The fields of :class:`erranal.rounds.design.Design`; size and codebook are needed.

    Returns
    -------
    dict
        Plain values: ``pairs`` and ``units`` there are, ``excluded`` pairs by reason,
        ``sampled_pairs``, ``sampled_units``, ``effective_pairs`` (what the sample is worth as a
        uniform one), ``blind_pairs``, ``strata`` (a list: of each its pairs and units, the pairs
        drawn on average and in this sample, and the probability of each), ``coding`` (see
        :func:`erranal.rounds.expected.coding`) and ``precision`` (see
        :func:`erranal.rounds.expected.precision`).

    Raises
    ------
    StageError
        When a value is not possible, a name is unknown or no pair is left.
    CodebookError
        When the codebook breaks a rule.
    """
    drawn = drawing.draw(study, Design(**wanted))
    pace = pace or Pace()
    return _described(drawn) | {
        "design": drawn.design.given,
        "pace": asdict(pace),
        "coding": expected.coding(drawn, pace),
        "precision": expected.precision(drawn, pace),
    }


def _described(drawn: Drawn) -> dict[str, Any]:
    frame = drawn.frame
    return {
        "codebook_id": frame.book.codebook_id,
        "judge": frame.judge.name if frame.judge else None,
        "pairs": len(frame.pairs),
        "units": len(frame.units),
        "excluded": dict(frame.excluded),
        "sampled_pairs": drawn.pairs,
        "sampled_units": len(drawn.units),
        "effective_pairs": round(effective_size(drawn.sample.probability), 1),
        "blind_pairs": drawing.blind_pairs(drawn),
        "overlap_units": drawing.overlap_units(drawn),
        "strata": _strata(drawn),
    }


def _strata(drawn: Drawn) -> list[dict[str, Any]]:
    sample, units = drawn.sample, drawn.units["stratum"].value_counts()
    of_frame = drawn.frame.pairs.groupby("stratum")["units"].sum()
    columns = (sample.strata, sample.sizes, sample.expected, sample.drawn)
    return [
        {
            "stratum": str(name),
            "pairs": int(size),
            "units": int(of_frame[name]),
            "expected_pairs": round(float(average), 3),
            "sampled_pairs": int(taken),
            "sampled_units": int(units.get(name, 0)),
            "probability": min(float(average / size), 1.0),
        }
        for name, size, average, taken in zip(*columns, strict=True)
    ]


def create(study: Study, name: str, **wanted: Any) -> pd.DataFrame:
    """Draw the sample of a round and write the round with its units, forms and instructions.

    Parameters
    ----------
    study
        A scored study.
    name
        What the round is called; no other may be called that.
    **wanted
        The fields of :class:`erranal.rounds.design.Design`, as for :func:`plan`.

    Returns
    -------
    DataFrame
        One row a stratum, as in the plan, with the units that are blind, suggested and in the
        overlap. ``attrs["round_id"]`` is the id of the round.

    Raises
    ------
    StageError
        When the name is taken or cannot be one, or another round was written meanwhile, or as
        :func:`plan`.
    CodebookError
        When the codebook breaks a rule.
    """
    design = Design(**wanted)
    _require_name(study, name)
    with study.journal("rounds_create", {"round": name, **design.given}) as entry:
        drawn = drawing.draw(study, design)
        config = _forms(drawn.frame.book)
        row = _round(drawn, name, config)
        units = drawing.assigned(drawn, row)
        row["round_id"] = str(units["round_id"].iloc[0])
        _write(study, drawn, row, units)
        entry.count(round_id=row["round_id"], pairs=drawn.pairs, units=len(units))
    table = _summary(drawn, units)
    table.attrs["round_id"] = row["round_id"]
    return table


def _require_name(study: Study, name: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise StageError(f"a round cannot be called {name!r}: give a name such as main-1")
    if len(name) > LONGEST_NAME:
        raise StageError(f"the name {name!r} is too long: {LONGEST_NAME} characters at most")
    if name in study.arrow("sampling_rounds")["name"].to_pylist():
        raise StageError(f"there is a round {name!r} already: give the new one another name")


def _forms(book: Codebook) -> str:
    """Return all forms of a round, frozen: with a picture or none, with suggestions or none."""
    from erranal.rounds import interface
    from erranal.rounds.round import form_name

    forms = {
        form_name(image=image, suggestions=suggestions): interface.build(
            book, image=image, suggestions=suggestions
        )
        for image in (True, False)
        for suggestions in (True, False)
    }
    return json.dumps(forms, ensure_ascii=False, sort_keys=True)


def _round(drawn: Drawn, name: str, config: str) -> dict[str, Any]:
    from erranal.rounds import instructions

    design, judge = drawn.design, drawn.frame.judge
    told = {"given": design.given, **_described(drawn)}
    return {
        "name": name,
        "kind": design.kind,
        "purpose": design.purpose,
        "codebook_id": drawn.frame.book.codebook_id,
        "judge_id": judge.judge_id if judge else None,
        "scorer": design.scorer,
        "seed": design.seed,
        "design": json.dumps(told, ensure_ascii=False, sort_keys=True),
        "config": config,
        "config_hash": hashlib.sha256(config.encode()).hexdigest(),
        "instructions": instructions.html(drawn.frame.book),
        "status": "planned",
    }


def _write(study: Study, drawn: Drawn, row: dict[str, Any], units: pd.DataFrame) -> None:
    import pyarrow as pa

    with study.write() as tx:
        there = tx.arrow("sampling_rounds")["round_id"].to_pylist()
        if tuple(there) != drawn.frame.rounds:
            raise StageError(
                "another round was created meanwhile, and its items may be among these: run the "
                "same command again"
            )
        books.keep(tx, drawn.frame.book)
        tx.append("rounds", pa.Table.from_pylist([row]))
        tx.append("units", pa.Table.from_pandas(units, preserve_index=False))


def _summary(drawn: Drawn, units: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(_strata(drawn))
    marked = {
        BLIND: units["arm"] == BLIND,
        SUGGESTED: units["arm"] == SUGGESTED,
        "overlap": units["overlap"],
    }
    for name, chosen in marked.items():
        counts = units.loc[chosen, "stratum"].value_counts()
        table[name] = table["stratum"].map(counts).fillna(0).astype(int)
    return table
