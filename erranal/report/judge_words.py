"""What the page says about a judge, in words: rules are never presented as a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from erranal.report import wording as w
from erranal.report.judges import ENOUGH, UNREAD, bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from erranal.report.plain import Row

KINDS = {
    "rules": "hand-written rules, not a model and not people",
    "llm": "a language model",
    "imported": "labels made elsewhere and imported",
    "human": "people, in a coding round",
}
_STATUSES = {
    "unparsed": "unparsed (the reply could not be read)",
    "invalid": "invalid",
    "refused": "refused",
    "failed": "failed",
    "pending": "not judged yet",
}
_MODES = {
    "json_schema": "held to the schema by the model's server",
    "json_object": "degraded: any JSON object was allowed, and was checked afterwards",
    "plain": "degraded: nothing held the replies to the schema; they were read as plain text and "
    "checked afterwards",
}
_MATCHES = {
    "exact": "found word for word",
    "normalised": "found but for spacing, case or signs",
    "fuzzy": "found in similar words with the same numbers",
    "unsupported": "not found in the text",
}
# What may be told of the parameters: an address or a folder may not.
_SETTINGS = (
    ("temperature", "temperature"),
    ("top_p", "top-p"),
    ("seed", "seed"),
    ("max_tokens", "at most this many tokens a reply:"),
)


def kind(judge: Row) -> str:
    """Say what kind of judge it is."""
    return KINDS.get(judge["kind"]) or str(judge["kind"])


def noun(judge: Row) -> str:
    """Name the judge in a sentence: ``the rules``, ``gpt-4o-mini``."""
    label = str(judge["label"])
    if judge["kind"] != "rules":
        return label
    return f"the {label}" if label.startswith("rules") else f"the rules {label}"


def cannot(judge: Row) -> str:
    """Begin a sentence about codes that the judge cannot give."""
    words = {
        "rules": "The rules cannot assess",
        "imported": f"The imported labels {judge['label']} have no place for",
    }
    return words.get(judge["kind"], f"{judge['label']} was not asked about")


def unread(judge: Row) -> Iterator[tuple[str, int]]:
    """Yield why errors have no readable verdict, and how many, as far as there are any."""
    for status in (*UNREAD, "pending"):
        if judge[status]:
            yield _STATUSES[status], judge[status]


def coverage(judge: Row) -> str:
    """Say how many of the errors were read, and what became of the others."""
    if judge["coverage"] is None:
        return f"{w.count(judge['readable'], 'output')} judged; no error has been graded"
    told = f"{judge['ok']:,} of {w.count(judge['errors'], 'error')} judged ({share(judge)})"
    rest = [f"{n:,} {words}" for words, n in unread(judge)]
    if not rest:
        return told
    return f"{told}; {w.listed(rest)}. What was not judged is missing: it is never counted as no"


def share(judge: Row) -> str:
    """Write the share of the errors that the judge has read."""
    # Rounding must not say that all were judged when some were not.
    whole = 0.0 if judge["coverage"] is None else judge["coverage"]
    return w.percent(min(whole, 0.999) if judge["ok"] < judge["errors"] else whole)


def facts(judge: Row) -> list[tuple[str, str]]:
    """Return everything the page tells of a judge, as pairs of term and text."""
    return [(term, text) for term, text in _facts(judge) if text]


def _facts(judge: Row) -> Iterator[tuple[str, str]]:
    yield "Judge", f"{judge['label']}: {kind(judge)}"
    if judge["kind"] == "llm":
        yield "Model", _model(judge)
        yield "Prompt", _prompt(judge)
    else:
        yield "Version", judge["version"]
    yield "Codebook", f"{judge['codebook']} {judge['codebook_version']} ({judge['codebook_id']})"
    yield "Coverage", coverage(judge)
    yield "Replies", modes(judge)
    yield "Votes", _samples(judge)
    yield "Quotes", quotes(judge)
    yield "Cost", cost(judge)


def _model(judge: Row) -> str:
    model = bare(judge["model"] or judge["name"])
    served = [name for name in map(bare, judge["served"] or []) if name not in model]
    return f"{model}, which answered as {w.listed(served)}" if served else model


def _prompt(judge: Row) -> str:
    params = judge["params"]
    asked = {"all": "all codes in one call", "each": "one call a code"}.get(params.get("ask"), "")
    parts = [f"version {judge['version']}", asked]
    known = ((words, params.get(name)) for name, words in _SETTINGS)
    parts += [f"{words} {value}" for words, value in known if value is not None]
    if params.get("shots"):
        parts.append(w.count(len(params["shots"]), "worked example"))
    for name, words in (("images", "picture"), ("reference", "response under the other arm")):
        if name in params:
            parts.append(f"{'with' if params[name] else 'without'} the {words}")
    if params.get("blind"):
        parts.append("without the names of the arms")
    return ", ".join(part for part in parts if part)


def modes(judge: Row) -> str:
    """Say how the replies were held to the schema, and that a lesser way is one."""
    known = [(mode, judge["modes"][mode]) for mode in _MODES if mode in judge["modes"]]
    return "; ".join(f"{n:,} {mode} ({_MODES[mode]})" for mode, n in known)


def _samples(judge: Row) -> str:
    if (judge["samples"] or 1) < 2:
        return ""
    return (
        f"up to {w.count(judge['samples'], 'reply', 'replies')} a record; the browser shows how "
        "many of them gave each code"
    )


def quotes(judge: Row) -> str:
    """Say how many of the quotes were found in the texts."""
    found = judge["quotes"]
    parts = [f"{found[match]:,} {words}" for match, words in _MATCHES.items() if match in found]
    total = sum(found.values())
    return f"{total:,}: {w.listed(parts)}" if total else ""


def lost_quotes(judge: Row) -> str:
    """Say how many of how many quotes are in no text; a dash where nothing was quoted."""
    total = sum(judge["quotes"].values())
    return f"{judge['quotes'].get('unsupported', 0):,} of {total:,}" if total else "–"


def degraded(judge: Row) -> str:
    """Say how many of how many replies were not held to the schema; a dash without replies."""
    total = sum(judge["modes"].values())
    return f"{total - judge['modes'].get('json_schema', 0):,} of {total:,}" if total else "–"


def cost(judge: Row) -> str:
    """Say what the verdicts have cost, in money, calls and tokens."""
    if judge["kind"] != "llm":
        return ""
    calls = w.count(judge["calls"], "call") if judge["calls"] else ""
    return "; ".join(part for part in (paid(judge), calls, _tokens(judge)) if part)


def paid(judge: Row) -> str:
    """Say what the verdicts have cost in US dollars; a price that is not known is not zero."""
    if judge["kind"] != "llm":
        return ""
    if judge["cost_usd"] is None:
        return "unknown: no price is known"
    if not judge["unpriced"]:
        return usd(judge["cost_usd"])
    return f"{usd(judge['cost_usd'])}, and {w.count(judge['unpriced'], 'call')} of unknown price"


def _tokens(judge: Row) -> str:
    if judge["tokens_in"] is None:
        return ""
    cached = f" ({judge['tokens_cached']:,} from the cache)" if judge["tokens_cached"] else ""
    return f"{judge['tokens_in']:,} tokens in{cached}, {judge['tokens_out'] or 0:,} out"


def usd(amount: float) -> str:
    """Write an amount in US dollars: ``$12.30``, ``$0.0042``."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 0.0001 else "under $0.0001"


def others(chosen: Row, judges: list[Row]) -> list[str]:
    """Say of every other judge how many of the errors it has read."""
    return [
        f"{judge['label']} ({kind(judge)}): {share(judge)} of the errors judged"
        + _other_book(judge, chosen)
        for judge in judges
        if (judge["judge_id"], judge["codebook_id"]) != (chosen["judge_id"], chosen["codebook_id"])
    ]


def _other_book(judge: Row, chosen: Row) -> str:
    if judge["codebook_id"] == chosen["codebook_id"]:
        return ""
    return f" under {judge['codebook']} {judge['codebook_version']}"


def rule() -> str:
    """Say which judge is shown when nobody asks for one."""
    return (
        f"Shown by default: the newest judge that has read at least {w.percent(ENOUGH, 0)} of the "
        "errors, rules only where there is no other; else the one that has read the most."
    )
