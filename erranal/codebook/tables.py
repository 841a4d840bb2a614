"""A codebook as rows of the tables ``codebooks`` and ``codes``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from erranal.codebook.book import Code, Codebook


def rows(book: Codebook) -> dict[str, pa.Table]:
    """Return the rows of one codebook version by table."""
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
    return {"codebooks": pa.Table.from_pylist([row]), "codes": _codes(book)}


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
