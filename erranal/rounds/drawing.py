"""The sample of a round, and who is given what of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from erranal.rounds import frame as frames
from erranal.rounds.units import BLIND, SUGGESTED
from erranal.stats import sampling

if TYPE_CHECKING:
    import pandas as pd

    from erranal.rounds.design import Design
    from erranal.rounds.frame import Frame
    from erranal.store import Study


@dataclass(frozen=True)
class Drawn:
    """A frame with the sample that a design draws from it.

    Attributes
    ----------
    sample
        Over the rows of ``frame.pairs``.
    units
        The rows of ``frame.units`` that are of drawn pairs, with stratum and
        inclusion_probability.
    """

    design: Design
    frame: Frame
    sample: sampling.Sample
    units: pd.DataFrame

    @property
    def pairs(self) -> int:
        """How many pairs are in the sample."""
        return int(self.sample.drawn.sum())


def draw(study: Study, design: Design) -> Drawn:
    """Draw a sample: the same one for the same seed, pairs and rounds before.

    Raises
    ------
    StageError
        As :func:`erranal.rounds.frame.read`.
    """
    frame = frames.read(study, design)
    pairs = frame.pairs
    # Each round draws anew: what a round before has left is not random by the same numbers.
    key = "\x1f".join([str(design.seed), design.kind, str(design.purpose), *frame.rounds])
    sample = sampling.sample_stratified(
        pairs["pair_id"].tolist(),
        pairs["stratum"].tolist(),
        design.size,
        uniform_share=design.uniform_share,
        equality=design.equality,
        key=key,
    )
    drawn = pairs.assign(inclusion_probability=sample.probability)[sample.chosen]
    columns = ["pair_id", "stratum", "inclusion_probability"]
    return Drawn(design, frame, sample, frame.units.merge(drawn[columns], on="pair_id"))


def blind_pairs(drawn: Drawn) -> int:
    """Return of how many pairs coders are not shown what the judge says."""
    return round(_blind_share(drawn) * drawn.pairs)


def overlap_units(drawn: Drawn) -> int:
    """Return how many units are coded more than once."""
    return round(drawn.design.overlap_share * len(drawn.units))


def _blind_share(drawn: Drawn) -> float:
    return drawn.design.blind_share if drawn.frame.judge else 1.0


def assigned(drawn: Drawn, identity: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of table ``units``: who sees what, and in which order, by hashes alone.

    Both units of a pair are in one arm, because the judge's note on the one speaks of the other.

    Parameters
    ----------
    drawn
        The sample.
    identity
        What else makes the round; with the sample it determines the ids of round and units.
    """
    import numpy as np

    units, seed = drawn.units, drawn.design.seed
    known = [f"{name}={value}" for name, value in sorted(identity.items())]
    round_id = digest(*known, *sorted(units["output_id"]))
    ids = [digest(round_id, output) for output in units["output_id"]]
    pairs = units["pair_id"].drop_duplicates()
    hashed = [digest(round_id, pair) for pair in pairs]
    blind = pairs[sampling.assigned(hashed, _blind_share(drawn), key=f"{seed} arm")]
    columns = ["pair_id", "output_id", "reference_id", "item_id", "stratum"]
    overlap = sampling.assigned(ids, drawn.design.overlap_share, key=f"{seed} overlap")
    return units[[*columns, "inclusion_probability"]].assign(
        round_id=round_id,
        unit_id=ids,
        arm=np.where(units["pair_id"].isin(blind), BLIND, SUGGESTED),
        overlap=overlap,
        people=np.where(overlap, drawn.design.people, 1),
        position=sampling.shuffled(ids, key=f"{seed} position"),
    )


def digest(*parts: str) -> str:
    """Return 16 hexadecimal digits that stand for these texts in this order."""
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]
