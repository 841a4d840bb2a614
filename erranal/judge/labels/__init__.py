"""Labels made elsewhere, by people or by other programs, as one more judge of the study.

A row names its output by ``output_id``, or by its item (``item_id`` or ``native_id``) with model
and arm, and prompt style and sample where several outputs fit. Its label is a list of codes, a
primary code, or one yes-or-no column a code (:data:`erranal.judge.labels.rows.FIELDS` lists the
columns). A cell that is empty was not answered, which is something else than "no": ``none`` or
``[]`` says that no code applies.

Rows that cannot land are reported with file and line; the others land. Reading a file twice changes
nothing, a changed row replaces its verdict, and a row that is no longer in a file takes nothing
back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge.labels import sources
from erranal.judge.labels.importing import COUNTED, Import

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

__all__ = ["import_labels", "rejects"]


def rejects(
    study: Study, name: str, codebook_id: str, files: Iterable[str | Path] | None = None
) -> pd.DataFrame:
    """Return the rows that did not land from the files last read for some labels.

    Parameters
    ----------
    name, codebook_id
        Whose labels.
    files
        Only of these files, as they were named when they were read; by default of all.

    Returns
    -------
    DataFrame
        path, line (1-based; the row number in Parquet), reason, detail.
    """
    paths = None if files is None else [sources.readable(Path(file)) for file in files]
    return study.read("label_rejects", labels=name, codebook_id=codebook_id, paths=paths)


def import_labels(
    study: Study,
    files: str | Path | Iterable[str | Path],
    *,
    name: str,
    codebook: str | Path = "modality_gap",
    fields: Mapping[str, str] | None = None,
    constant: Mapping[str, Any] | None = None,
    rename: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Read labels from CSV, JSON Lines or Parquet files.

    Parameters
    ----------
    files
        One file or several; together they are one set of labels.
    name
        Name of the judge that the labels become, e.g. ``gold`` or ``annotator-1``.
    codebook
        Name or path of the book whose codes the labels use.
    fields
        Column of a field, where it has another name: ``{"codes": "my labels"}``.
    constant
        Value of a field that holds for all rows: ``{"model": "gpt-4o"}``.
    rename
        Code that a name of the files' own stands for: ``{"misread": "reading.value_misread"}``.
    progress
        Called with files done, files in all, and a label.

    Returns
    -------
    DataFrame
        One row a file: rows read, new verdicts (landed), verdicts replaced (changed), rows that say
        what is known (unchanged) or nothing (unlabelled), rows rejected, and a note with the first
        rejects; :func:`rejects` has all of them.

    Raises
    ------
    StageError
        When a file cannot be read, or has no column that names outputs or none with labels.
    CodebookError
        When the codebook breaks a rule.
    """
    import pandas as pd

    from erranal import codebook as books

    paths = [Path(file) for file in ([files] if isinstance(files, str | Path) else files)]
    _require(name, paths)
    given = {"fields": fields or {}, "constant": constant or {}, "rename": rename or {}}
    work = Import.of(study, name, books.load(codebook), given)
    for path in paths:
        work.look(path)
    described = {"imported": name, "files": [str(path) for path in paths], **given}
    with study.journal("judge_import", described) as entry:
        work.begin()
        frame = pd.DataFrame(_read(work, paths, progress))
        entry.count(**{key: int(frame[key].sum()) for key in COUNTED}, **work.ids)
    return frame


def _read(
    work: Import, paths: Sequence[Path], progress: Progress | None
) -> Iterator[dict[str, Any]]:
    for done, path in enumerate(paths, 1):
        yield work.read(path)
        if progress:
            progress(done, len(paths), f"labels of {path.name}")


def _require(name: str, paths: Sequence[Path]) -> None:
    if name == "rules":
        raise StageError("'rules' is the name of the rule judge: give these labels another one")
    if not paths:
        raise StageError("no files given: name CSV, JSON Lines or Parquet files with labels")
    if not name.strip() or "+" in name:
        raise StageError(f"labels cannot be named {name!r}: give a name without '+', e.g. gold")
