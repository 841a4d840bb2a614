"""Who judged the errors, how many of them, and whose verdicts the page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from erranal.report import plain

if TYPE_CHECKING:
    from erranal.report.plain import Row
    from erranal.store import Study

# A judge that has read fewer of the errors than this is shown only where nobody has read more.
ENOUGH = 0.8
# How the verdicts that are no verdict are counted; missing is never "no".
UNREAD = ("unparsed", "invalid", "refused", "failed")
_LOCAL = re.compile(r"/|~|\.{1,2}[/\\]|[A-Za-z]:[/\\]")


def all_judges(study: Study, scorer: str) -> list[Row]:
    """Return every judge under every codebook version that it used, the newest verdict first.

    Returns
    -------
    list of dict
        Of the ``errors`` of the scorer, how many the judge read (``ok``), could not (``unparsed``,
        ``invalid``, ``refused``, ``failed``) and has not been asked about (``pending``), with
        ``coverage`` the share that it read, None where there is no error; ``modes`` and
        ``quotes`` count verdicts and quotes; ``label`` tells the judges apart.
    """
    # By way of Arrow: in a frame, whole numbers beside a missing one become fractions.
    judges = [
        {name: plain.value(cell) for name, cell in row.items()}
        for row in study.arrow("report_judges", scorer=scorer).to_pylist()
    ]
    modes = _counts(study, "report_judge_modes", "mode", "verdicts")
    quotes = _counts(study, "report_judge_quotes", "match", "quotes")
    for judge in judges:
        key = judge["judge_id"], judge["codebook_id"]
        seen = judge["ok"] + sum(judge[status] for status in UNREAD)
        judge |= {
            "params": plain.document(judge["params"]) or {},
            "pending": judge["errors"] - seen,
            "coverage": judge["ok"] / judge["errors"] if judge["errors"] else None,
            "modes": modes.get(key, {}),
            "quotes": quotes.get(key, {}),
        }
    for judge, label in zip(judges, labels(judges), strict=True):
        judge["label"] = label
    return judges


def _counts(study: Study, query: str, kind: str, number: str) -> dict[tuple[str, str], Row]:
    counts: dict[tuple[str, str], Row] = {}
    for row in plain.rows(study.read(query)):
        counts.setdefault((row["judge_id"], row["codebook_id"]), {})[row[kind]] = row[number]
    return counts


def bare(name: str) -> str:
    """Return a model's name without the folders of the machine that it came from."""
    head, colon, rest = name.partition(":")
    if colon and len(head) > 1 and _LOCAL.match(rest):
        return f"{head}:{bare(rest)}"
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1] if _LOCAL.match(name) else name


def labels(judges: list[Row]) -> list[str]:
    """Return a short name a judge; version, codebook and fingerprint only where names are alike."""
    names = [bare(judge["name"]) for judge in judges]
    versions = [
        f" prompt {judge['version']}" if judge["kind"] == "llm" else f" {judge['version']}"
        for judge in judges
    ]
    books = [f" under {judge['codebook']} {judge['codebook_version']}" for judge in judges]
    prints = [f" #{judge['judge_id'].rpartition('#')[2]}" for judge in judges]
    for words in (versions, books, prints):
        # A word that all who share a name would get tells none of them apart.
        shared: dict[str, set[str]] = {}
        for name, word in zip(names, words, strict=True):
            shared.setdefault(name, set()).add(word)
        pairs = zip(names, words, strict=True)
        names = [name + word if len(shared[name]) > 1 else name for name, word in pairs]
    return names


def in_force(study: Study, judges: list[Row], asked: str | None = None) -> Row | None:
    """Return the judge whose verdicts the page shows, with ``why`` in words; None without one.

    Parameters
    ----------
    judges
        What :func:`all_judges` returned.
    asked
        ``NAME[+CODEBOOK]`` of the judge that somebody wants to see. Without it, the newest of
        those that have read at least :data:`ENOUGH` of the errors, rules only where there is no
        other; where nobody has read as many, the one that has read the most.

    Raises
    ------
    StageError
        When nobody, or more than one, is called that; or when it has given no verdict.
    """
    if asked is not None:
        return _asked(study, judges, asked)
    if not judges:
        return None
    chosen, why = _preferred(judges)
    return chosen | {"why": why, "others": len(judges) - 1}


def _asked(study: Study, judges: list[Row], asked: str) -> Row:
    from erranal.errors import StageError
    from erranal.judge import naming

    found = naming.find(study, asked)
    for judge in judges:
        if (judge["judge_id"], judge["codebook_id"]) == tuple(found):
            return judge | {"why": "it was asked for by name", "others": len(judges) - 1}
    known = ", ".join(judge["label"] for judge in judges) or "nobody"
    raise StageError(f"the judge {asked!r} has given no verdict; {known} has: pass one of these")


def _preferred(judges: list[Row]) -> tuple[Row, str]:
    if len(judges) == 1:
        return judges[0], "it is the only judge"
    covering = [judge for judge in judges if (judge["coverage"] or 0) >= ENOUGH]
    if not covering:
        # The newest comes first, and max keeps the first of equals.
        most = max(judges, key=lambda judge: judge["ok"])
        return most, f"no judge has read {ENOUGH:.0%} of the errors, and this one has read the most"
    others = [judge for judge in covering if judge["kind"] != "rules"]
    chosen = (others or covering)[0]
    alike = others or covering
    if others and len(others) < len(covering):
        why = f"it has read at least {ENOUGH:.0%} of the errors, and rules give way to such a judge"
    elif len(alike) == 1:
        why = f"no other judge has read {ENOUGH:.0%} of the errors"
    else:
        why = f"it is the newest of those that have read at least {ENOUGH:.0%} of the errors"
    if others and len(others) < len(covering) and len(others) > 1:
        why += "; of several it is the newest"
    return chosen, why.replace("%", " %")


def assesses(judge: Row, code: str) -> bool:
    """Return whether a judge can give a code at all; one that does not say can give all."""
    assessed = judge["params"].get("assesses")
    return assessed is None or code in assessed
