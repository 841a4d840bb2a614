"""Table and chart reading: small tables and bar charts in text, with options.

The options are the right answer and the results of going wrong in this very problem, as an item
writer would choose them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from erranal.demo.worked import Params, Step, Task, UnfitError, Worked

TOPICS = (
    ("Loaves sold per day", ("North", "East", "South", "West"), ("Mon", "Tue", "Wed")),
    ("Visitors per month", ("Museum", "Castle", "Garden", "Harbour"), ("May", "June", "July")),
    ("Parcels by depot", ("Dockside", "Mill Lane", "Airport"), ("Mon", "Tue", "Wed")),
    ("Trees planted per year", ("Oak", "Beech", "Maple", "Pine"), ("2021", "2022", "2023")),
    ("Loans by library branch", ("Hillside", "Station", "Old Town"), ("Jan", "Feb", "Mar")),
    (
        "Points by team and round",
        ("Blue", "Green", "Red", "Yellow"),
        ("Heat", "Semi-final", "Final"),
    ),
)
GOODS = (("Tea", "Coffee", "Cocoa"), ("Roses", "Tulips", "Lilies"), ("Pens", "Rulers", "Folders"))
BARS = (
    ("Mon", "Tue", "Wed", "Thu"),
    ("Bus", "Tram", "Bike", "Car"),
    ("Cats", "Dogs", "Birds", "Fish"),
)
ERRORS = (
    "reading.content_missed",
    "thinking.reasoning",
    "reading.value_misread",
    "thinking.calculation",
)

Drawn = tuple[str, str, Task]


def grid(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table in pipe notation under its title."""
    lines = [head, tuple("---" for _ in head), *rows]
    return title + "\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cells(rng: Random, rows: int, columns: int, low: int, high: int) -> dict[str, int]:
    return {f"{r}.{c}": rng.randint(low, high) for r in range(rows) for c in range(columns)}


def _sheet(topic: tuple[str, tuple[str, ...], tuple[str, ...]], cells: Params) -> str:
    title, rows, columns = topic
    body = [
        (name, *(str(cells[f"{r}.{c}"]) for c in range(len(columns))))
        for r, name in enumerate(rows)
    ]
    return grid(title, ("", *columns), body)


def together(rng: Random) -> Drawn:
    """Ask how far two rows together exceed a third in one column."""
    topic = rng.choice(TOPICS)
    _, rows, columns = topic
    cells = _cells(rng, len(rows), len(columns), 23, 89)
    (i, j, k), c = rng.sample(range(len(rows)), 3), rng.randrange(len(columns))
    question = (
        f"In the column {columns[c]}, by how much do {rows[i]} and {rows[j]} together exceed "
        f"{rows[k]}?"
    )

    def build(params: Params, variant: str) -> Worked:
        x, y, z = (params[f"{r}.{c}"] for r in (i, j, k))
        readings = (f"{rows[i]}: {x}", f"{rows[j]}: {y}", f"{rows[k]}: {z}")
        if variant == "missed":
            return Worked((readings[0], readings[2]), (Step("difference", x, "-", z),))
        add = Step(f"sum of {rows[i]} and {rows[j]}", x, "+", y)
        last = Step("sum of all three", "s1", "+", z)
        if variant == "right":
            last = Step("difference", "s1", "-", z)
        return Worked(readings, (add, last))

    used = {f"{r}.{c}": cells[f"{r}.{c}"] for r in (i, j, k)}
    return "tables", _sheet(topic, cells) + "\n\n" + question, Task(used, build)


def exceed(rng: Random) -> Drawn:
    """Ask by how much the total of one row exceeds that of another."""
    topic = rng.choice(TOPICS)
    rows = topic[1]
    cells = _cells(rng, len(rows), 3, 23, 69)
    i, j = rng.sample(range(len(rows)), 2)
    question = (
        f"Over all three columns, how much larger is the total of {rows[i]} than the total of "
        f"{rows[j]}?"
    )

    def build(params: Params, variant: str) -> Worked:
        a, b = ([params[f"{r}.{c}"] for c in range(3)] for r in (i, j))
        steps = [
            Step(f"first two of {rows[i]}", a[0], "+", a[1]),
            Step(f"first two of {rows[j]}", b[0], "+", b[1]),
        ]
        if variant == "missed":
            steps.append(Step("difference", "s1", "-", "s2"))
        else:
            op = "+" if variant == "reasoning" else "-"
            steps.append(Step(f"total of {rows[i]}", "s1", "+", a[2]))
            steps.append(Step(f"total of {rows[j]}", "s2", "+", b[2]))
            steps.append(Step("combined total" if op == "+" else "difference", "s3", op, "s4"))
        shown = 2 if variant == "missed" else 3
        readings = tuple(
            f"{rows[r]}: {', '.join(str(v) for v in values[:shown])}"
            for r, values in ((i, a), (j, b))
        )
        return Worked(readings, tuple(steps))

    used = {f"{r}.{c}": cells[f"{r}.{c}"] for r in (i, j) for c in range(3)}
    return "tables", _sheet(topic, cells) + "\n\n" + question, Task(used, build)


def takings(rng: Random) -> Drawn:
    """Ask what the sales of two goods come to at their prices."""
    goods = rng.choice(GOODS)
    cells = {f"n{r}": rng.randint(12, 48) for r in range(3)}
    cells |= {f"p{r}": rng.randint(3, 19) for r in range(3)}
    i, j = rng.sample(range(3), 2)
    body = [(name, str(cells[f"n{r}"]), str(cells[f"p{r}"])) for r, name in enumerate(goods)]
    sheet = grid("Sales of one day", ("", "Sold", "Price in dollars"), body)
    question = f"How many dollars do the sales of {goods[i]} and {goods[j]} come to together?"

    def build(params: Params, variant: str) -> Worked:
        (n, p), (m, q) = ((params[f"n{r}"], params[f"p{r}"]) for r in (i, j))
        readings = (f"{goods[i]}: {n} at {p} dollars", f"{goods[j]}: {m} at {q} dollars")
        first = Step(f"sales of {goods[i]} in dollars", n, "*", p)
        if variant == "missed":
            return Worked(readings[:1], (first,))
        if variant == "reasoning":
            count = Step("items sold", n, "+", m)
            return Worked(readings, (count, Step("takings in dollars", "s1", "*", p)))
        second = Step(f"sales of {goods[j]} in dollars", m, "*", q)
        return Worked(readings, (first, second, Step("takings in dollars", "s1", "+", "s2")))

    used = {f"{kind}{r}": cells[f"{kind}{r}"] for r in (i, j) for kind in "np"}
    return "tables", f"{sheet}\n\n{question}", Task(used, build)


def bars(rng: Random) -> Drawn:
    """Ask how much two bars of a chart stand for, given its key."""
    names, key = rng.choice(BARS), rng.choice((3, 4, 5, 6, 8))
    cells = {name: rng.randint(4, 17) for name in names}
    chart = "\n".join(f"{name:<5}| {'#' * cells[name]} {cells[name]}" for name in names)
    i, j = rng.sample(names, 2)
    question = f"What do the bars for {i} and {j} stand for together?"

    def build(params: Params, variant: str) -> Worked:
        x, y, unit = params[i], params[j], params["key"]
        readings: tuple[str, ...] = (f"bar for {i}: {x}", f"bar for {j}: {y}", f"key: {unit}")
        add = Step("marks in both bars", x, "+", y)
        if variant == "missed":
            return Worked(readings[:2], (add,))
        if variant == "reasoning":
            first = Step(f"value of {i}", x, "*", unit)
            return Worked(readings, (first, Step("sum", "s1", "+", y)))
        return Worked(readings, (add, Step("value of both bars", "s1", "*", unit)))

    text = f"Bar chart (each # stands for {key}, the number behind a bar counts its marks)"
    used = {i: cells[i], j: cells[j], "key": key}
    return "charts", f"{text}\n\n{chart}\n\n{question}", Task(used, build)


def largest(rng: Random) -> Drawn:
    """Ask which row has the largest total."""
    topic = rng.choice([topic for topic in TOPICS if len(topic[1]) == 4])
    _, rows, columns = topic
    cells = _cells(rng, 4, 3, 21, 69)
    question = f"Which row has the largest total over {columns[0]}, {columns[1]} and {columns[2]}?"

    def build(params: Params, variant: str) -> Worked:
        table = [[params[f"{r}.{c}"] for c in range(3)] for r in range(4)]
        readings = tuple(f"{rows[r]}: {a}, {b}, {c}" for r, (a, b, c) in enumerate(table))
        steps = [Step(f"first two of {rows[r]}", a, "+", b) for r, (a, b, _) in enumerate(table)]
        verdict = "The largest of these is {answer}."
        if variant == "reasoning":
            steps = [Step(f"change of {rows[r]}", v[2], "-", v[0]) for r, v in enumerate(table)]
            among = tuple((name, f"s{r + 1}") for r, name in enumerate(rows))
            return Worked(readings, tuple(steps), among=among, verdict=verdict)
        if variant == "missed":
            among = tuple((name, f"s{r + 1}") for r, name in enumerate(rows))
            shown = tuple(f"{rows[r]}: {a}, {b}" for r, (a, b, _) in enumerate(table))
            return Worked(shown, tuple(steps), among=among, verdict=verdict)
        steps += [Step(f"total of {rows[r]}", f"s{r + 1}", "+", v[2]) for r, v in enumerate(table)]
        among = tuple((name, f"s{r + 5}") for r, name in enumerate(rows))
        return Worked(readings, tuple(steps), among=among, verdict=verdict)

    return "tables", _sheet(topic, cells) + "\n\n" + question, Task(cells, build, rows)


KINDS: tuple[Callable[[Random], Drawn], ...] = (together, exceed, takings, bars, largest)


def options(task: Task, rng: Random) -> tuple[str, ...]:
    """Return four or five options in ascending order, the right answer and likely wrong ones.

    Raises
    ------
    UnfitError
        If the ways of going wrong do not lead to three other answers.
    """
    found = {task.right.answer} | {task.wrong(code, rng).answer for code in ERRORS}
    if len(found) < 4:
        raise UnfitError("too few different options")
    return tuple(sorted(found, key=int))


def task(kind: Callable[[Random], Drawn], rng: Random) -> tuple[str, str, Task]:
    """Return subject, question and task of one drawn table, with its options."""
    subject, question, drawn = kind(rng)
    choices = drawn.choices or options(drawn, rng)
    return subject, question, replace(drawn, choices=choices)
