"""How the numbers were made, as the methods section of a paper: only what the study shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.errors import StageError
from erranal.report import estimate_basis, estimate_coding, estimate_statistics, plain
from erranal.report.estimate_markup import (
    flat,
    latex_text,
    markdown_paragraph,
    markdown_text,
)
from erranal.report.estimate_references import REFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from erranal.report.estimate_coding import Sentence
    from erranal.store import Study

FORMATS = ("text", "markdown", "latex")


def write(study: Study, kind: str = "text", *, judge: str | None = None) -> str:
    """Return the methods of the estimates that there are, with a list of references.

    Parameters
    ----------
    study
        A study with estimates.
    kind
        ``text``, ``markdown`` or ``latex``.
    judge
        ``NAME[+CODEBOOK]``; by default that of the newest estimates.

    Raises
    ------
    StageError
        When there are no estimates, or no such judge.
    """
    paragraphs = describe(study, judge=judge)
    return {"text": _text, "markdown": _markdown, "latex": _latex}[kind](paragraphs)


def describe(study: Study, *, judge: str | None = None) -> list[tuple[str, list[Sentence]]]:
    """Return the paragraphs: heading and sentences, those without anything to say left out."""
    found = estimate_basis.read(study, judge)
    if found is None:
        step = estimate_basis.next_step(study, judge)
        raise StageError(f"nothing has been estimated from human labels yet: run `{step}`")
    about, runs = found.about, found.about["runs"]
    ids = {"judge_id": about["judge_id"], "codebook_id": about["codebook_id"]}
    names = list(dict.fromkeys(name for run in runs for name in run["rounds"]))
    rounds = plain.rows(study.read("methods_rounds", rounds=names))
    for one in rounds:
        one["design"] = plain.document(one["design"]) or {}
    data = plain.rows(study.read("methods_data", scorer=runs[0]["scorer"]))[0]
    book = plain.rows(study.read("methods_codebook", codebook_id=ids["codebook_id"]))
    judged = plain.rows(study.read("methods_judge", **ids)) if ids["judge_id"] else []
    paragraphs = [
        ("Data", estimate_coding.data(found, data, rounds)),
        ("Coding", estimate_coding.codebook(book, ids["codebook_id"])),
        ("Judge", [s for one in judged for s in estimate_coding.judge(one, rounds)]),
        ("Human labels", [s for one in rounds for s in estimate_coding.coding(one)]),
        ("Agreement", estimate_statistics.agreement(found)),
        ("Rates and changes", estimate_statistics.rates(found)),
        ("Tests", estimate_statistics.tests(found)),
        ("Left out", estimate_statistics.left_out(found, _excluded(study, names))),
        ("Software", estimate_statistics.software(runs)),
    ]
    return [(heading, list(said)) for heading, said in paragraphs if said]


def _excluded(study: Study, rounds: list[str]) -> dict[str, int]:
    from erranal import labelled

    basis = labelled.choose(study, rounds=rounds, interim=True)
    return labelled.sample(study, basis).excluded


# Writing ------------------------------------------------------------------------------------------


def cited(paragraphs: Iterable[tuple[str, list[Sentence]]]) -> list[str]:
    """Return the keys of the works that are cited, in the order of the list of references."""
    used = {key for _, said in paragraphs for sentence in said for key in sentence.cites}
    return [key for key in REFERENCES if key in used]


def _paragraph(said: list[Sentence], text: Callable[[str], str], cite: Callable[..., str]) -> str:
    return " ".join(
        f"{text(sentence.text)}{cite(sentence.cites) if sentence.cites else ''}."
        for sentence in said
    )


def _named(keys: tuple[str, ...]) -> str:
    return f" ({'; '.join(REFERENCES[key][0] for key in keys)})"


def _text(paragraphs: list[tuple[str, list[Sentence]]]) -> str:
    parts = [f"{heading}\n{_paragraph(said, flat, _named)}\n" for heading, said in paragraphs]
    listed = [REFERENCES[key][1] for key in cited(paragraphs)]
    return "\n".join([*parts, *(["References", *listed, ""] if listed else [])])


def _markdown(paragraphs: list[tuple[str, list[Sentence]]]) -> str:
    parts = [
        f"### {heading}\n\n{_paragraph(said, markdown_text, _named)}\n"
        for heading, said in paragraphs
    ]
    listed = [f"- {markdown_paragraph(REFERENCES[key][1])}" for key in cited(paragraphs)]
    return "\n".join([*parts, *(["### References\n", *listed, ""] if listed else [])])


def _latex(paragraphs: list[tuple[str, list[Sentence]]]) -> str:
    parts = [
        f"\\paragraph{{{heading}}}\n{_paragraph(said, latex_text, _cite)}\n"
        for heading, said in paragraphs
    ]
    listed = [f"\\bibitem{{{key}}} {latex_text(REFERENCES[key][1])}" for key in cited(paragraphs)]
    if listed:
        listed = ["\\begin{thebibliography}{99}", *listed, "\\end{thebibliography}", ""]
    return "\n".join([*parts, *listed])


def _cite(keys: tuple[str, ...]) -> str:
    return f"~\\cite{{{','.join(keys)}}}"
