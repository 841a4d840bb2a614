"""The codebook of a round: found by name, path or id, and kept whole in the study."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from erranal.codebook import Code, Codebook
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
    import pyarrow as pa

    row = {
        "codebook_id": book.codebook_id,
        "name": book.name,
        "version": book.version,
        "hash": book.hash,
        "title": book.title,
        "description": book.description,
        "source": book.source_text,
    }
    tx.append("codebooks", pa.Table.from_pylist([row]), on_conflict="ignore")
    tx.append("codes", _codes(book), on_conflict="ignore")


def _codes(book: Codebook) -> pa.Table:
    import pyarrow as pa

    lists = {name: pa.list_(pa.string()) for name in ("include", "exclude", "rules")}
    rows = [
        {"codebook_id": book.codebook_id, "position": position, **_code(code)}
        for position, code in enumerate(book.codes)
    ]
    kinds = {"position": pa.int32(), **lists}
    # Types are stated, because a column that is empty throughout has none of its own.
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]])
    return pa.Table.from_pylist(rows, schema=schema)


def _code(code: Code) -> dict[str, Any]:
    texts = {name: getattr(code, name) for name in ("code", "family", "parent", "title")}
    lists = {name: list(getattr(code, name)) for name in ("include", "exclude", "rules")}
    examples = json.dumps([asdict(example) for example in code.examples])
    return {**texts, "definition": code.definition, **lists, "examples": examples}
