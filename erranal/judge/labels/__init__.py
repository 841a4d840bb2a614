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

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.errors import StageError
from erranal.judge import saving
from erranal.judge.labels import files as label_files
from erranal.judge.labels import landing
from erranal.judge.labels import sources as label_sources
from erranal.judge.labels.cells import Names, Unfit
from erranal.judge.labels.files import Flaw
from erranal.judge.labels.rows import Label, Reader
from erranal.judge.verdict import JudgeSpec

if TYPE_CHECKING:
    import pandas as pd

    from erranal.codebook import Codebook
    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

BATCH = 20_000
SHOWN = 3
COUNTED = ("rows", "landed", "changed", "unchanged", "unlabelled", "rejected")


@dataclass
class _Import:
    """One import: whose labels, under which book, and what it has seen so far."""

    study: Study
    name: str
    book: Codebook
    reader: Reader
    mapping: Mapping[str, Any]
    looked_for: set[str]
    # Output -> (what was said of it, file, line): another row for it says the same or is refused.
    seen: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    @property
    def spec(self) -> JudgeSpec:
        """Who judges; the name alone tells one set of labels from another."""
        given = {"codebook": self.book.codebook_id}
        return JudgeSpec("imported", self.name, "1", params=given)

    @property
    def every(self) -> frozenset[str]:
        """All codes of the book."""
        return frozenset(code.code for code in self.book.codes)

    @property
    def ids(self) -> dict[str, str]:
        """What tells its verdicts from others."""
        return {"judge_id": self.spec.judge_id, "codebook_id": self.book.codebook_id}


def rejects(study: Study, name: str, codebook_id: str) -> pd.DataFrame:
    """Return the rows that did not land from the files last read for some labels.

    Returns
    -------
    DataFrame
        path, line (1-based; the row number in Parquet), reason, detail.
    """
    return study.read("label_rejects", labels=name, codebook_id=codebook_id)


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
    study
        The study that has the labelled outputs.
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
    book = books.load(codebook)
    names = Names(book, rename)
    given = {"fields": fields or {}, "constant": constant or {}, "rename": rename or {}}
    _require(name, paths)
    work = _Import(study, name, book, Reader(names, fields, constant), given, set())
    for path in paths:
        _look(work, path)
    rows = []
    described = {"imported": name, "files": [str(path) for path in paths], **given}
    with study.journal("judge_import", described) as entry:
        saving.save_book(study, book)
        work.looked_for = _looked_for_before(study, work.spec.judge_id)
        for done, path in enumerate(paths, 1):
            rows.append(_read(work, path))
            if progress:
                progress(done, len(paths), f"labels of {path.name}")
        frame = pd.DataFrame(rows)
        counted = frame.drop(columns=["file", "note"]).sum()
        entry.count(**{key: int(counted[key]) for key in COUNTED}, **work.ids)
    return frame


def _require(name: str, paths: Sequence[Path]) -> None:
    if name == "rules":
        raise StageError("'rules' is the name of the rule judge: give these labels another one")
    if not paths:
        raise StageError("no files given: name CSV, JSON Lines or Parquet files with labels")
    if not name.strip() or "+" in name:
        raise StageError(f"labels cannot be named {name!r}: give a name without '+', e.g. gold")


def _look(work: _Import, path: Path) -> None:
    """Refuse a file that cannot be read, before anything is written."""
    first = next((row for _, row in label_files.read(path) if isinstance(row, dict)), None)
    if first is not None:
        work.reader.require(first, path)


def _looked_for_before(study: Study, judge_id: str) -> set[str]:
    known = study.arrow("label_judges").to_pylist()
    for row in known:
        if row["judge_id"] == judge_id and row["params"]:
            return set(json.loads(row["params"]).get("assesses") or ())
    return set()


# One file -----------------------------------------------------------------------------------------


def _read(work: _Import, path: Path) -> dict[str, Any]:
    source_id = label_sources.begin(
        work.study, path, name=work.name, codebook_id=work.book.codebook_id, given=work.mapping
    )
    counts, first = Counter[str](), list[str]()
    rows = label_files.read(path)
    while batch := list(islice(rows, BATCH)):
        flaws = _land(work, path, batch, counts)
        label_sources.report(work.study, source_id, flaws)
        first += [f"line {line}: {flaw.reason} ({flaw.detail})" for line, flaw in flaws[:SHOWN]]
    landed = counts["landed"] + counts["changed"] + counts["unchanged"]
    label_sources.finish(
        work.study, source_id, read=counts["rows"], landed=landed, rejected=counts["rejected"]
    )
    more = f"; and {counts['rejected'] - SHOWN} more" if counts["rejected"] > SHOWN else ""
    note = "; ".join(first[:SHOWN]) + more
    return {
        "file": label_sources.readable(path),
        **{name: counts[name] for name in COUNTED},
        "note": note,
    }


# One batch ----------------------------------------------------------------------------------------


def _land(
    work: _Import, path: Path, batch: list[label_files.Numbered], counts: Counter[str]
) -> list[tuple[int, Flaw]]:
    """Write what can land of a batch and return the rest."""
    flaws: list[tuple[int, Flaw]] = []
    rows = list(_readable_rows(work.reader, batch, flaws))
    counts["rows"] += len(batch)
    counts["unlabelled"] += len(batch) - len(rows) - len(flaws)
    placed = list(_first_of_output(work, path, rows, flaws))
    known = landing.fingerprints(work.study, [row.output_id for row in placed], work.ids)
    news = [row for row in placed if known.get(row.output_id) != row.digest]
    replaced = [row.output_id for row in news if row.output_id in known]
    _look_for(work, [row.label for row in news])
    if news:
        landing.save(work.study, news, ids=work.ids, replaced=replaced)
    counts["landed"] += len(news) - len(replaced)
    counts["changed"] += len(replaced)
    counts["rejected"] += len(flaws)
    counts["unchanged"] = counts["rows"] - sum(
        counts[name] for name in ("landed", "changed", "unlabelled", "rejected")
    )
    return sorted(flaws, key=lambda flaw: flaw[0])


def _readable_rows(
    reader: Reader, batch: list[label_files.Numbered], flaws: list[tuple[int, Flaw]]
) -> Iterator[landing.Row]:
    for line, record in batch:
        if isinstance(record, Flaw):
            flaws.append((line, record))
            continue
        try:
            label = reader.label(record)
            if label is not None:
                yield landing.Row(line, reader.place(record), label)
        except Unfit as error:
            flaws.append((line, error.flaw))


def _first_of_output(
    work: _Import, path: Path, rows: list[landing.Row], flaws: list[tuple[int, Flaw]]
) -> Iterator[landing.Placed]:
    """Yield the first row of each output; a later one says the same, or is refused."""
    for placed in landing.place(work.study, rows):
        if isinstance(placed, tuple):
            flaws.append(placed)
            continue
        seen = work.seen.setdefault(placed.output_id, (placed.digest, path.name, placed.line))
        if seen == (placed.digest, path.name, placed.line):
            yield placed
        elif seen[0] != placed.digest:
            detail = f"line {seen[2]} of {seen[1]} labels output {placed.output_id} otherwise"
            flaws.append((placed.line, Flaw("duplicate_label", detail)))


def _look_for(work: _Import, labels: list[Label]) -> None:
    """Store the judge with the codes that its labels so far were looking for."""
    import pandas as pd

    before = set(work.looked_for)
    for label in labels:
        work.looked_for |= work.every if label.answers is None else label.answers.keys()
    if work.looked_for == before:
        return
    spec = work.spec
    assesses = [code.code for code in work.book.codes if code.code in work.looked_for]
    params = json.dumps({**spec.params, "assesses": assesses}, sort_keys=True)
    row = {
        "judge_id": spec.judge_id,
        "kind": spec.kind,
        "name": spec.name,
        "version": spec.version,
        "params": params,
    }
    with work.study.write() as tx:
        tx.append("judges", pd.DataFrame([row]), on_conflict="replace")
