"""The files that labels were read from, with the rows of them that did not land."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.judge.labels.files import Flaw

if TYPE_CHECKING:
    from erranal.store import Study

_LONGEST_DETAIL = 300


def readable(path: Path) -> str:
    """Return a path as text; bytes of a name that are no UTF-8 become question marks."""
    return str(path).encode("utf-8", "replace").decode()


def begin(
    study: Study, path: Path, *, name: str, codebook_id: str, given: Mapping[str, Any]
) -> str:
    """Note that a file is being read and return its id; what an earlier reading left is forgotten.

    ``name`` and ``codebook_id`` say whose labels they are; ``given`` is how they were mapped.
    """
    import pandas as pd

    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    said = {"judge": name, "codebook": codebook_id, **given}
    mapping = json.dumps(said, sort_keys=True, default=str)
    identity = "\x1f".join((digest, "labels", readable(path), mapping))
    row = {
        "source_id": hashlib.sha256(identity.encode()).hexdigest()[:20],
        "path": readable(path),
        "sha256": digest,
        "bytes": path.stat().st_size,
        "reader": "labels",
        "mapping": mapping,
        "status": "reading",
    }
    before = {"path": row["path"], "labels": name, "codebook_id": codebook_id}
    with study.write() as tx:
        tx.execute("label_forget_rejects", None, **before)
        tx.execute("label_forget_source", None, **before)
        tx.append("sources", pd.DataFrame([row]))
    return str(row["source_id"])


def report(study: Study, source_id: str, flaws: list[tuple[int, Flaw]]) -> None:
    """Store the rows that cannot land, with the place to look."""
    import pandas as pd

    rows = [
        {"source_id": source_id, "line": line, "reason": flaw.reason, "detail": _short(flaw.detail)}
        for line, flaw in flaws
    ]
    if rows:
        with study.write() as tx:
            tx.append("rejects", pd.DataFrame(rows))


def _short(detail: str) -> str:
    text = detail.encode("utf-8", "replace").decode().replace("\x00", "\\0")
    return text[:_LONGEST_DETAIL]


def finish(study: Study, source_id: str, *, read: int, landed: int, rejected: int) -> None:
    """Close a file: what its rows came to."""
    counts = {"rows_read": read, "rows_landed": landed, "rows_rejected": rejected}
    with study.write() as tx:
        tx.execute("label_finish", None, source_id=source_id, **counts)
