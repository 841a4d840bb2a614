"""The records that the page's browser shows, as columns of small numbers and pools of texts.

A record is an output; a case is an item under one model, prompt style and sample, whose outputs
under the different arms stand side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import judge_words
from erranal.report.blocks import Block, Pool, pack, pieces
from erranal.report.judges import assesses
from erranal.report.said import AGREEMENT, Said

if TYPE_CHECKING:
    from erranal.report.plain import Row
    from erranal.report.views import Arms
    from erranal.store import Study

DEFAULT_MAX = 50_000
_SHORT = 60
TRANSITIONS = ("both right", "lost", "gained", "both wrong", "not paired")
_FACETS = ("model", "arm", "style", "subject", "outcome", "code", "beside", "agreement", "split",
           "flag", "cluster", "transition")  # fmt: skip
_DETAIL = ("status", "finish_reason", "tokens_out", "line", "image", "rule", "detail", "extracted",
           "imported_outcome", "imported_extracted")  # fmt: skip


def blocks(
    study: Study, summary: dict[str, Any], arms: Arms, *, scorer: str, limit: int
) -> tuple[list[Block], dict[str, int]]:
    """Return the packed records and map, and how many records are shown of how many.

    Where a study has more outputs than ``limit``, whole cases are taken: first those that only
    some arms got right, then those nobody got right, then the rest, each kind in hashed order.
    """
    records = study.arrow("report_records", scorer=scorer, limit=limit).to_pylist()
    clusters = _clusters(study, summary)
    said = Said(study, summary, [r["output_id"] for r in records])
    codes = summary["codes"].get("codes", [])
    book = _Book(arms, codes, summary["clusters"].get("clusters", []), said)
    for case in _cases(records):
        book.add(case, clusters)
    size = {"shown": len(records), "total": summary["study"]["outputs"]}
    return [*book.blocks(size), _map(study, summary, book)], size


def _cases(records: list[Row]) -> list[list[Row]]:
    cases: dict[tuple[Any, ...], list[Row]] = {}
    for record in records:
        key = record["item_id"], record["model"], record["prompt_style"], record["sample"]
        cases.setdefault(key, []).append(record)
    return list(cases.values())


def _clusters(study: Study, summary: dict[str, Any]) -> dict[str, int]:
    if "missing" in summary["clusters"]:
        return {}
    chosen = summary["clusters"]["clustering"]["clustering_id"]
    table = study.arrow("report_cluster_of", clustering_id=chosen).to_pydict()
    return dict(zip(table["output_id"], table["cluster"], strict=True))


def transition(record: Row, case: list[Row]) -> int:
    """Return the index in TRANSITIONS of a record against its partner in the case.

    A compared arm's partner is the reference arm; the reference arm's partner is the last arm.
    """
    partner = case[-1] if record is case[0] else case[0]
    outcomes = case[0]["outcome"], (partner if record is case[0] else record)["outcome"]
    if partner is record or None in outcomes or "ungradable" in outcomes:
        return 4
    first, second = (outcome == "correct" for outcome in outcomes)
    return {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}[first, second]


class _Book:
    """Columns and pools of the records, filled case by case."""

    def __init__(self, arms: Arms, codes: list[Row], clusters: list[Row], judges: Said) -> None:
        self.arms, self.codes, self.judges = arms, codes, judges
        self.names = {facet: Pool() for facet in _FACETS}
        named = [code["code"] for code in codes]
        two = len(judges.judges) > 1
        for facet, values in (
            ("code", named),
            ("beside", named if two else []),
            ("agreement", AGREEMENT if two else []),
            ("transition", TRANSITIONS),
        ):
            for value in values:
                self.names[facet].add(value, value)
        self.terms = {str(c["cluster"]): c["terms"] or [] for c in clusters}
        self.texts, self.items = Pool(), Pool()
        self.columns: dict[str, list[Any]] = {
            name: [] for name in ("id", "item", "case", "text", "reasoning", "answer", *_FACETS)
        }
        self.details: list[Any] = []

    def add(self, case: list[Row], clusters: dict[str, int]) -> None:
        number = len(self.columns["case"])
        for record in case:
            self._add(record, number, clusters.get(record["output_id"]))
            self._put("transition", TRANSITIONS[transition(record, case)])
            self._add_said(self.judges.of(record["output_id"]), record)

    def _add(self, record: Row, number: int, cluster: int | None) -> None:
        columns = self.columns
        columns["id"].append(record["output_id"])
        columns["case"].append(number)
        columns["item"].append(self._item(record))
        columns["text"].append(
            self.texts.add(("r", record["response_hash"]), record["response"] or "")
        )
        reasoning = record["reasoning"]
        columns["reasoning"].append(
            self.texts.add(("t", reasoning), reasoning) if reasoning else -1
        )
        columns["answer"].append((record["extracted"] or "")[:_SHORT])
        for facet, value in (
            ("model", record["model"]),
            ("arm", record["arm"]),
            ("style", record["prompt_style"]),
            ("subject", record["subject"] or ""),
            ("outcome", record["outcome"] or "not scored"),
            ("cluster", cluster),
        ):
            self._put(facet, value)

    def _add_said(self, said: list[Row | None], record: Row) -> None:
        for facet, i in (("code", 0), ("beside", 1)):
            row = said[i] if i < len(said) else None
            codes = row["codes"] if row else None
            self.columns[facet].append(
                None if codes is None else [self.names[facet].add(c, c) for c in codes]
            )
        self._put("agreement", self.judges.agreement(said))
        self._put_all("split", self.judges.split(said))
        self._put_all("flag", self.judges.flags(said))
        self.details.append([[record[key] for key in _DETAIL], *said])

    def _put_all(self, facet: str, found: list[tuple[int, str]]) -> None:
        pool = self.names[facet]
        self.columns[facet].append([pool.add(one, f"{one[0]}:{one[1]}") for one in found])

    def _put(self, facet: str, value: Any) -> None:
        place = -1 if value is None else self.names[facet].add(value, value)
        self.columns[facet].append(place)

    def _item(self, record: Row) -> int:
        key = record["item_id"], record["question"], record["gold"]
        value = [
            record["item_id"],
            (record["gold"] or "")[:_SHORT],
            self.texts.add(("q", record["question"]), record["question"] or ""),
            self.texts.add(("c", key), [record["choices"], record["gold"]]),
        ]
        return self.items.add(key, value)

    def blocks(self, size: dict[str, int]) -> list[Block]:
        texts, text_starts = pieces("texts", self.texts.values)
        details, detail_starts = pieces("details", self.details)
        core = {
            "size": size,
            "names": {facet: pool.values for facet, pool in self.names.items()},
            "columns": self.columns,
            "items": self.items.values,
            "starts": {"texts": text_starts, "details": detail_starts},
            "titles": {code["code"]: code["title"] for code in self.codes},
            "hues": {arm: self.arms.hue(arm) for arm in self.names["arm"].values},
            "terms": self.terms,
            "judges": [self._judge(judge) for judge in self.judges.judges],
        }
        return [pack("core", core), *texts, *details]

    def _judge(self, judge: Row) -> Row:
        blind = [code["code"] for code in self.codes if not assesses(judge, code["code"])]
        return {"name": judge["label"], "kind": judge_words.kind(judge), "blind": blind}


def _map(study: Study, summary: dict[str, Any], book: _Book) -> Block:
    if "missing" in summary["clusters"]:
        return pack("map", None)
    chosen = summary["clusters"]["clustering"]["clustering_id"]
    table = study.arrow("report_map", clustering_id=chosen).to_pydict()
    place = {output_id: i for i, output_id in enumerate(book.columns["id"])}
    arms = book.arms.sort(table["arm"])
    return pack(
        "map",
        {
            "x": _spread(table["x"]),
            "y": _spread(table["y"]),
            "cluster": table["cluster"],
            "arm": [arms.index(arm) for arm in table["arm"]],
            "record": [place.get(output_id, -1) for output_id in table["output_id"]],
            "arms": arms,
            "hues": {arm: book.arms.hue(arm) for arm in arms},
        },
    )


def _spread(values: list[float]) -> list[int]:
    # Positions as whole numbers from 0 to 10,000: half a pixel on any screen.
    low, high = min(values, default=0.0), max(values, default=1.0)
    scale = 10_000 / ((high - low) or 1.0)
    return [round((value - low) * scale) for value in values]
