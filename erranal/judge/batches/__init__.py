"""Judging by way of a provider's batch service: half the price, within a day.

:func:`export` writes what is due to files and notes that it is out, so that nothing asks it again;
:func:`import_` lands what came back and gives the verdicts; :func:`forget` gives up a file that
never will. What is exported, and what is not, does not change a verdict: calls have the same keys
as those of a run.
"""

from erranal.judge.batches.exporting import export
from erranal.judge.batches.importing import import_
from erranal.judge.batches.ledger import forget, listed

__all__ = ["export", "forget", "import_", "listed"]
