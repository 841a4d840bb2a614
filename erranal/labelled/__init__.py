"""The labelled sample: what humans settled, what a judge says of the same, and what it stands for.

Everything that is said of codes in numbers rests on three things: a sample with known
probabilities, the labels that humans gave it, and the population it was drawn from. They are read
here, for agreement and for prevalence alike.
"""

from erranal.labelled.answers import Answers, answers
from erranal.labelled.basis import Basis, choose
from erranal.labelled.pairs import Pairs, pairs
from erranal.labelled.population import Population, population
from erranal.labelled.sample import Sample, sample

__all__ = [
    "Answers",
    "Basis",
    "Pairs",
    "Population",
    "Sample",
    "answers",
    "choose",
    "pairs",
    "population",
    "sample",
]
