"""The agenda of the next codebook meeting: what coders and judges missed or stumbled over."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from erranal.errors import StageError
from erranal.rounds import agreeing
from erranal.rounds.form import GAP, NONE

if TYPE_CHECKING:
    import pandas as pd

    from erranal.store import Study

GAPS, GOLD, AMBIGUOUS = "codebook gap", "gold looks wrong", "ambiguous item"
LOW, MEMOS, HELD_BACK = "low agreement", "memo", "held back"
TOPICS = (GAPS, LOW, GOLD, AMBIGUOUS, MEMOS, HELD_BACK)
_TITLES = {
    GAPS: "Errors that no code describes",
    LOW: "Codes that coders do not agree on",
    GOLD: "Items whose gold answer looks wrong",
    AMBIGUOUS: "Items with more than one defensible answer",
    MEMOS: "Other memos, by primary code",
    HELD_BACK: "Not yet on the agenda",
}
# Positive agreement under which a code is on the agenda, and the units that must bear on it.
LOW_AGREEMENT = 0.6
FEWEST_UNITS = 5
EXAMPLES = 10
LONGEST_NOTE = 500
COLUMNS = ["topic", "codebook", "subject", "said_by", "units", "figure", "examples", "notes"]


class _Remark(NamedTuple):
    """One unit that somebody said something of; ``subject`` is a code, an item or empty."""

    topic: str
    codebook: str
    subject: str
    said_by: str
    example: str
    note: str


def agenda(study: Study, *, codebook: str | None = None) -> pd.DataFrame:
    """Return what the next version of a codebook should deal with.

    Flags and memos of coders are there with the codebook version they were made under, with the
    notes that judges gave to errors no code describes. Units of an open round that a second coder
    has still to code are held back, and codes with low agreement (positive agreement under 0.6
    over at least 5 units that either coder gave the code) come from rounds that are closed or
    have no such unit left.

    Parameters
    ----------
    study
        The study.
    codebook
        Id, ``name@version`` or name of a codebook; None for all.

    Returns
    -------
    DataFrame
        One row a point: topic, codebook (id), subject (a code or an item, empty for a gap),
        said_by (round or judge), units, figure (positive agreement, NaN elsewhere), and two lists
        side by side: examples (output ids, at most 10, those with a note first) and notes.

    Raises
    ------
    StageError
        When no codebook of the study has that name.
    """
    import pandas as pd

    wanted = _wanted(study, codebook)
    points = [*_grouped([*_of_coders(study), *_of_judges(study)]), *_low(study), *_held(study)]
    kept = [point for point in points if wanted is None or point["codebook"] in wanted]
    kept.sort(key=lambda point: (point["codebook"], TOPICS.index(point["topic"]), -point["units"]))
    return pd.DataFrame(kept, columns=COLUMNS)


def _wanted(study: Study, codebook: str | None) -> set[str] | None:
    if codebook is None:
        return None
    books = study.read("agenda_books")
    versions = books["name"] + "@" + books["version"]
    named = (
        (books["codebook_id"] == codebook) | (versions == codebook) | (books["name"] == codebook)
    )
    if not named.any():
        known = ", ".join(books["codebook_id"]) or "none yet"
        raise StageError(f"the study has no codebook {codebook!r}: there is {known}")
    return set(books.loc[named, "codebook_id"])


def _of_coders(study: Study) -> Iterator[_Remark]:
    for row in study.arrow("agenda_labels").to_pylist():
        note = (row["memo"] or "").strip()
        about = (row["round"], row["output_id"], note)
        flags = set(row["flags"])
        if row["codebook_gap"]:
            yield _Remark(GAPS, row["codebook_id"], "", *about)
        if "GOLD" in flags:
            yield _Remark(GOLD, row["codebook_id"], row["item_id"], *about)
        if "AMB" in flags:
            yield _Remark(AMBIGUOUS, row["codebook_id"], row["item_id"], *about)
        if not row["codebook_gap"] and not flags & {"GOLD", "AMB"}:
            yield _Remark(MEMOS, row["codebook_id"], row["primary_code"] or NONE, *about)


def _of_judges(study: Study) -> Iterator[_Remark]:
    for row in study.arrow("agenda_judges").to_pylist():
        note = (row["note"] or "").strip()
        yield _Remark(GAPS, row["codebook_id"], "", row["judge"], row["output_id"], note)


def _grouped(remarks: Sequence[_Remark]) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, ...], list[_Remark]] = defaultdict(list)
    for remark in remarks:
        groups[remark[:4]].append(remark)
    for (topic, codebook, subject, said_by), members in groups.items():
        shown = sorted(members, key=lambda remark: not remark.note)[:EXAMPLES]
        yield {
            "topic": topic,
            "codebook": codebook,
            "subject": subject,
            "said_by": said_by,
            "units": len({remark.example for remark in members}),
            "figure": float("nan"),
            "examples": [remark.example for remark in shown],
            "notes": [remark.note for remark in shown],
        }


def _low(study: Study) -> Iterator[dict[str, Any]]:
    for row in study.arrow("agenda_rounds").to_pylist():
        if not row["complete"]:
            continue
        said = study.arrow("progress_coded_twice", round_id=row["round_id"]).to_pylist()
        both = agreeing.twice(said)
        if not both:
            continue
        codes = list(study.read("progress_codes", codebook_id=row["codebook_id"])["code"])
        table = agreeing.by_code(both, codes)
        table = table[table["arm"] == agreeing.ALL_ARMS]
        given = table["both"] + table["only_a"] + table["only_b"]
        weak = table[(given >= FEWEST_UNITS) & (table["positive"] < LOW_AGREEMENT)]
        outputs = {one["unit_id"]: one["output_id"] for one in said}
        for code in _records(weak):
            yield _weak(row, code, _differing(both, code["code"], outputs))


def _weak(row: Mapping[str, Any], code: Mapping[str, Any], examples: list[str]) -> dict[str, Any]:
    return {
        "topic": LOW,
        "codebook": row["codebook_id"],
        "subject": code["code"],
        "said_by": row["name"],
        "units": code["both"] + code["only_a"] + code["only_b"],
        "figure": code["positive"],
        "examples": examples,
        "notes": [""] * len(examples),
    }


def _differing(both: Sequence[agreeing.Twice], code: str, outputs: Mapping[str, str]) -> list[str]:
    split = [outputs[unit.unit_id] for unit in both if (code in unit.a) != (code in unit.b)]
    return split[:EXAMPLES]


def _held(study: Study) -> Iterator[dict[str, Any]]:
    for row in study.arrow("agenda_held_back").to_pylist():
        yield {
            "topic": HELD_BACK,
            "codebook": row["codebook_id"],
            "subject": "",
            "said_by": "",
            "units": row["units"],
            "figure": float("nan"),
            "examples": [],
            "notes": [],
        }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[Any] = frame.to_dict("records")
    return rows


# Markdown -----------------------------------------------------------------------------------------


def markdown(points: pd.DataFrame) -> str:
    """Return an agenda as Markdown; what people and models wrote cannot become markup in it."""
    lines = ["# Agenda for the next codebook version", ""]
    if points.empty:
        return "\n".join([*lines, "Nothing was flagged and nothing noted.", ""])
    for codebook, of_book in points.groupby("codebook", sort=True):
        lines += [f"## {_plain(str(codebook))}", ""]
        for topic in TOPICS:
            rows = _records(of_book[of_book["topic"] == topic])
            if rows:
                lines += [f"### {_TITLES[topic]}", "", *_lines(topic, rows), ""]
    return "\n".join(lines)


def _lines(topic: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        if topic == HELD_BACK:
            yield f"- {_counted(row['units'])} of open rounds wait for a second coder."
            continue
        subject = _plain(row["subject"] or GAP)
        figure = f", positive agreement {row['figure']:.2f}" if topic == LOW else ""
        yield f"- **{subject}**: {_counted(row['units'])}, {_plain(row['said_by'])}{figure}"
        for example, note in zip(row["examples"], row["notes"], strict=True):
            yield f"    - {_plain(example)}" + (f": {_plain(note)}" if note else "")


def _counted(units: int) -> str:
    return f"{units} unit" if units == 1 else f"{units} units"


_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")


def _plain(text: str) -> str:
    line = " ".join(text.split())
    short = line if len(line) <= LONGEST_NOTE else f"{line[:LONGEST_NOTE]} …"
    return _MARKS.sub(r"\\\1", html.escape(short, quote=False))
