"""erranal: error analysis of paired text and image runs of multimodal models.

>>> import erranal
>>> list(erranal.STAGES)
['ingest', 'score', 'gap', 'judge', 'embed', 'cluster', 'report']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from erranal.store import Study

__version__ = "0.1.0"

# The stages in the order they run; each is a module with run(study, ...).
STAGES = {
    "ingest": "files -> items, runs, outputs",
    "score": "outputs -> scores",
    "gap": "scores -> paired gaps",
    "judge": "errors x codebook -> verdicts",
    "embed": "responses -> vectors",
    "cluster": "vectors of errors -> clusters, and how they go with modality and codes",
    "report": "everything -> one HTML page",
}

__all__ = ["STAGES", "Study", "__version__", "open"]


def open(path: str | Path = "db/study.duckdb", *, create: bool = False) -> Study:
    """Open a study, migrating its database file when it is older.

    Raises
    ------
    StoreError
        When there is no such file (unless ``create``), or it is not a study.
    """
    from erranal.store import Study

    return Study(path, create=create)


def __getattr__(name: str) -> Any:
    if name in STAGES:
        return import_module(f"erranal.{name}")
    if name == "Study":
        from erranal.store import Study

        return Study
    raise AttributeError(f"module 'erranal' has no attribute {name!r}")
