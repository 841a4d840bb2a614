"""Results of batch files on their way into the table of calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from erranal.judge import calls
from erranal.judge.batches import ledger
from erranal.models.chat import ChatReply

if TYPE_CHECKING:
    from erranal.models.batch_results import BadLine, Result
    from erranal.models.chat import ChatFailure
    from erranal.models.prices import Price
    from erranal.store import Study

LANDED_AT_ONCE = 1_000
PROBLEMS = 50  # that are told in words; all are counted
LANDED = ("answered", "refused", "failed")
COUNTS = ("results", *LANDED, "returned", "known", "unknown", "unreadable")
# Of what trouble with one request means here: `unusable` would have stopped a run, so the requests
# are due again rather than failed.
_BECOMES = {"refused": "refused", "rate_limited": "returned", "unusable": "returned"}


@dataclass
class Landing:
    """One study's calls as results arrive, with what is told of it.

    Attributes
    ----------
    price_of
        Gives the list price of a model at a URL.
    exports
        By batch file, the export that wrote it.
    problems
        The first of what was left out, in words.
    batches
        The batch files that results belong to.
    """

    study: Study
    price_of: Callable[[str, str | None], Price | None]
    exports: Mapping[str, str]
    problems: list[str] = field(default_factory=list)
    batches: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def land(self, path: Path) -> dict[str, Any]:
        """Land the results of one file a thousand at a time and return what became of them."""
        from erranal.models import batch_results

        self.counts = Counter()
        results = batch_results.read(path, self._bad)
        while some := list(islice(results, LANDED_AT_ONCE)):
            self._land(path, some)
        return {"file": str(path)} | {name: self.counts[name] for name in COUNTS}

    def _land(self, path: Path, results: list[Result]) -> None:
        asked = self._asked(results)
        landed: dict[str, dict[str, Any]] = {}
        returned = []
        for result in results:
            self.counts["results"] += 1
            key, export = ledger.key_of(result.name)
            if (row := landed.get(key) or asked.get(key)) is None:
                self.counts["unknown"] += 1
                self._tell(path, result.line, f"no call {key!r} in this study")
                continue
            becomes = _status(result.outcome)
            if not _is_news(row["status"], becomes, self.exports.get(row["batch"]) == export):
                self.counts["known"] += 1
                continue
            if becomes == "returned":
                returned.append(key)
                self._tell(path, result.line, str(result.outcome))
            else:
                landed[key] = self._answered(row, becomes, result.outcome)
        returned = [key for key in dict.fromkeys(returned) if key not in landed]
        self.counts.update([row["status"] for row in landed.values()], returned=len(returned))
        self._write(list(landed.values()), returned)

    def _asked(self, results: list[Result]) -> dict[str, dict[str, Any]]:
        rows = self.study.arrow(
            "batch_calls", calls=list({ledger.key_of(one.name)[0] for one in results})
        )
        found = {row["call_id"]: row for row in rows.to_pylist()}
        self.batches |= {row["batch"] for row in found.values() if row["batch"]}
        return found

    def _answered(
        self, row: dict[str, Any], status: str, outcome: ChatReply | ChatFailure
    ) -> dict[str, Any]:
        """Return the row of a call with its answer."""
        if isinstance(outcome, ChatReply):
            cost = _cost(self.price_of(row["model"], row["url"]), outcome)
            got = {
                "reply": outcome.text,
                "finish_reason": outcome.finish_reason,
                "served_model": outcome.model,
                "tokens_in": outcome.tokens_in,
                "tokens_cached": outcome.tokens_cached,
                "tokens_out": outcome.tokens_out,
                "cost_usd": cost,
                "error": None,
            }
        else:
            got = {"reply": None, "error": str(outcome)}
        return {**row, **got, "status": status, "attempts": 1}

    def _write(self, rows: list[dict[str, Any]], returned: list[str]) -> None:
        filed = itemgetter("judge_id", "codebook_id")
        for (judge_id, codebook_id), own in groupby(sorted(rows, key=filed), key=filed):
            answers = [calls.answer_of(row) for row in own]
            calls.land(self.study, answers, [], judge_id=judge_id, codebook_id=codebook_id)
        if returned:
            with self.study.write() as tx:
                tx.execute("batch_release", None, calls=returned)

    def _bad(self, line: BadLine) -> None:
        self.counts["unreadable"] += 1
        self._tell(line.path, line.line, line.problem)

    def _tell(self, path: Path, line: int, problem: str) -> None:
        if len(self.problems) < PROBLEMS:
            self.problems.append(f"{path.name} line {line}: {problem}")


def _status(outcome: ChatReply | ChatFailure) -> str:
    if isinstance(outcome, ChatReply):
        return "answered"
    return _BECOMES.get(outcome.trouble, "failed")


def _is_news(stands: str, becomes: str, same_export: bool) -> bool:
    """Return whether a result changes a call: an answer is kept, and goes before a failure.

    A failure in an earlier batch says nothing of a call that has been exported again since.
    """
    if becomes == "answered":
        return stands != "answered"
    return stands == "exported" and same_export


def _cost(price: Price | None, reply: ChatReply) -> float | None:
    from erranal.models import batch_files

    if price is None or reply.tokens_in is None or reply.tokens_out is None:
        return None
    cached, written = reply.tokens_cached or 0, reply.tokens_written or 0
    return batch_files.SHARE * price.cost(reply.tokens_in, cached, reply.tokens_out, written)
