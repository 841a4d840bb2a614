"""Sentences on what was coded, by whom and under which codebook: data, judge, human labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from erranal.report import plain
from erranal.report import wording as w

if TYPE_CHECKING:
    from erranal.report.estimate_basis import Estimates
    from erranal.report.plain import Row

# More names than this are counted, not listed.
_NAMES = 12
_STRATA = {
    "family": "the family of the judge's primary code",
    "pattern": "which side is wrong",
    "arms": "which arms are wrong",
    "model": "model",
    "prompt_style": "prompt style",
    "benchmark": "benchmark",
    "subject": "subject",
}


@dataclass(frozen=True)
class Sentence:
    """A sentence without its full stop, and the keys of the works it cites at its end."""

    text: str
    cites: tuple[str, ...] = ()


def named(names: list[str] | None, noun: str) -> str:
    """Write a count with the names: ``2 models (m1 and m2)``."""
    names = names or []
    listed = f" ({w.listed(names)})" if 0 < len(names) <= _NAMES else ""
    return f"{w.count(len(names), noun)}{listed}"


def day(time: str | None) -> str:
    """Return the day of a time in ISO format."""
    return time[:10] if time else "an unknown day"


def data(found: Estimates, row: Row, rounds: list[Row]) -> list[Sentence]:
    """Say what was compared."""
    styles = [style for style in row["prompt_styles"] or [] if style != "default"]
    said = [
        f"The study holds {w.count(row['responses'], 'graded response')} of "
        f"{named(row['models'], 'model')} to {w.count(row['items'], 'item')} of "
        f"{named(row['benchmarks'], 'benchmark')}"
        + (f", with {named(styles, 'prompt style')}" if styles else "")
    ]
    scorer = found.about["runs"][0]["scorer"]
    versions = w.listed(row["scorer_versions"] or [])
    graded = (
        "the scores that came with the responses"
        if scorer == "imported"
        else f"the scorer {scorer}, version {versions}"
    )
    said.append(
        f"Of these, {w.count(row['errors'], 'response is an error', 'responses are errors')} "
        f"(wrong, without an answer, refused or failed) by {graded}"
    )
    said += _compared(found)
    conditions = [one["design"].get("given", {}).get("where") for one in rounds]
    said += [
        f"Only pairs that meet the condition {condition} are in the population"
        for condition in dict.fromkeys(filter(None, conditions))
    ]
    if row["tuned_items"]:
        said.append(
            f"Labels of {w.count(row['tuned_items'], 'item')} on which a judge may have been tuned "
            "were not used; their responses are in the population"
        )
    return [Sentence(text) for text in said]


def _compared(found: Estimates) -> Iterator[str]:
    pools = {
        (row["reference"], row["arm"]): row["pool"]
        for row in found.of("effect", grouping="all")
        if row["pool"] is not None
    }
    for (reference, arm), pool in pools.items():
        yield (
            f"The arm {arm} was compared with the arm {reference} over {w.count(pool, 'pair')} of "
            "responses to the same item by the same model"
        )


def codebook(books: list[Row], codebook_id: str) -> list[Sentence]:
    """Say which codebook version it was."""
    return [
        Sentence(
            f"Errors were coded with version {book['version']} of the codebook {book['name']} "
            f"({codebook_id}), which has {w.count(book['codes'], 'code')} in "
            f"{w.count(book['families'], 'family', 'families')}; a response may have several"
        )
        for book in books
    ]


# Judge --------------------------------------------------------------------------------------------


def judge(row: Row, rounds: list[Row]) -> Iterator[Sentence]:
    """Say who the judge is, how it was asked, and that it did not change with the sample."""
    params = plain.document(row["params"]) or {}
    yield Sentence(_kind(row))
    if row["kind"] == "llm" and (settings := list(_settings(row, params))):
        yield Sentence(f"It was asked {', '.join(settings)}")
    if assesses := params.get("assesses"):
        yield Sentence(f"It can give {w.count(len(assesses), 'code')} of the codebook")
    if row["verdicts"]:
        yield Sentence(
            "It gave a readable verdict on "
            f"{_of(row['readable'], row['verdicts'], 'response', 'all')} that it was given"
        )
    drawn = min((one["created_at"] for one in rounds if one["created_at"]), default=None)
    if drawn and row["last_at"]:
        yield Sentence(_frozen(row["last_at"], drawn))


def _kind(row: Row) -> str:
    if row["kind"] == "rules":
        return (
            f"Errors were judged by hand-written rules ({row['name']} {row['version']}), not by a "
            "model"
        )
    if row["kind"] == "llm":
        from erranal.report.judges import bare

        model = bare(row["model"] or row["name"])
        served = [name for name in map(bare, row["served"] or []) if name not in model]
        answered = f", which answered as {w.listed(served)}" if served else ""
        called = f" (called {row['name']})" if row["name"] not in model else ""
        return f"Errors were judged by the language model {model}{called}{answered}"
    return f"As the judge serve labels that were made elsewhere and imported as {row['name']}"


def _settings(row: Row, params: dict[str, Any]) -> Iterator[str]:
    yield f"with version {row['version']} of the prompt"
    asked = {"all": "about all codes in one call", "each": "about each code in a call of its own"}
    if params.get("ask") in asked:
        yield asked[params["ask"]]
    for name, words in (("temperature", "temperature"), ("top_p", "top-p"), ("seed", "seed")):
        if params.get(name) is not None:
            yield f"at {words} {params[name]}"
    if (params.get("samples") or 1) > 1:
        yield f"with {params['samples']} samples, of which the majority counts"
    for name, words in (
        ("images", "the picture"),
        ("reference", "the response under the other arm"),
    ):
        if name in params:
            yield f"{'with' if params[name] else 'without'} {words}"
    if params.get("blind"):
        yield "without the names of the arms"
    if params.get("shots"):
        yield f"with {w.count(len(params['shots']), 'worked example')}"
    if modes := [mode for mode in row["modes"] or [] if mode]:
        yield f"with replies held to the schema by {w.listed(modes)}"


def _frozen(last: str, drawn: str) -> str:
    from datetime import datetime

    if datetime.fromisoformat(last) <= datetime.fromisoformat(drawn):
        return "All of its verdicts were given before the first sample was drawn"
    return (
        f"Its last verdict was given on {day(last)}, after the first sample was drawn on "
        f"{day(drawn)}"
    )


# Human labels -------------------------------------------------------------------------------------


def coding(row: Row) -> Iterator[Sentence]:
    """Say how one round was drawn and coded."""
    yield from _drawn(row)
    coders = row["coders"] or []
    yield Sentence(
        f"{_of(row['coded'] or 0, row['units'], 'erring response')} in these pairs "
        f"{'was' if row['coded'] == 1 else 'were'} coded by {w.count(len(coders), 'coder')}, "
        f"{row['twice'] or 0:,} of them by two or more"
    )
    if row["shown"]:
        yield Sentence(
            f"{_of(row['shown'], row['labels'], 'label')} were given with the judge's labels in "
            "view, the others without"
        )
    elif row["labels"]:
        yield Sentence("Coders were not shown what a judge says")
    yield from _settled(row)


def _of(part: int, whole: int, noun: str, every: str = "All") -> str:
    plural = w.count(whole, noun)
    return f"{every} {plural}" if part == whole and whole > 1 else f"{part:,} of {plural}"


def _drawn(row: Row) -> Iterator[Sentence]:
    design = row["design"]
    given = design.get("given", {})
    of = f" of {w.count(design['pairs'], 'pair')} with an error" if design.get("pairs") else ""
    strata = [_STRATA.get(name, name) for name in given.get("strata") or []]
    how = (
        f", stratified {w.listed(f'by {name}' for name in strata)}"
        if strata
        else ", without strata"
    )
    yield Sentence(
        f"For the round {row['name']} ({row['purpose']}, drawn {day(row['created_at'])}, seed "
        f"{row['seed']}) {w.count(row['pairs'], 'pair')}{of} were drawn at random{how}"
    )
    if strata and given.get("uniform_share") is not None:
        power = f"{1 - given['equality']:g}" if given.get("equality") is not None else "unknown"
        yield Sentence(
            f"{w.percent(given['uniform_share'], 0)} of the sample was allotted to the strata in "
            f"proportion to their size, the rest in proportion to its power {power}"
        )
    if row["least"] is not None:
        yield Sentence(
            "Each pair has a known probability of being drawn, at least "
            f"{w.decimal(row['least'], 3)}, and its inverse goes into its weight",
            ("horvitz1952",),
        )


def _settled(row: Row) -> Iterator[Sentence]:
    disputed = (row["twice"] or 0) - (row["agreed"] or 0)
    if row["twice"] and not disputed:
        yield Sentence("Coders agreed on all that two or more of them coded")
    if disputed:
        yield Sentence(
            f"Coders disagreed on {w.count(disputed, 'response')}, of codes or of the primary code"
        )
    if row["adjudicated"]:
        people = w.count(len(row["adjudicators"] or []), "adjudicator")
        yield Sentence(
            f"{w.count(row['adjudicated'], 'response was', 'responses were')} adjudicated by "
            f"{people}"
        )
    elif disputed:
        yield Sentence("Disagreements were not adjudicated")
    single = (row["coded"] or 0) - (row["twice"] or 0)
    if single:
        yield Sentence("What a single coder said of a response counts as its label")
    missing = row["units"] - (row["settled"] or 0)
    settled = f"{_of(row['settled'] or 0, row['units'], 'response')} of the round have"
    yield Sentence(f"{settled} a settled label" + ("" if missing else ", and none is left out"))
    closed = f"was closed on {day(row['closed_at'])}" if row["status"] == "closed" else "is open"
    yield Sentence(f"The round {closed}")
