"""The codebook of a round: found by name, path or id, and kept whole in the study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from erranal.codebook import Codebook
    from erranal.store import Study, Transaction


def find(study: Study, codebook: str | Path) -> Codebook:
    """Return the codebook that a name, a path or the id of one in the study means.

    Raises
    ------
    CodebookError
        When there is none, or it breaks a rule.
    """
    from erranal import codebook as books

    stored = study.arrow("rounds_book", codebook_id=str(codebook))["source"].to_pylist()
    return books.from_text(stored[0], str(codebook)) if stored else books.load(codebook)


def keep(tx: Transaction, book: Codebook) -> None:
    """Write a codebook with its codes; one that is there already is left as it is."""
    from erranal import codebook as books

    for table, rows in books.rows(book).items():
        tx.append(table, rows, on_conflict="ignore")
