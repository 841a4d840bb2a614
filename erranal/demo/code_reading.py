"""Code reading: short programs of our own and what they print.

Each builder executes its program by hand, as steps; nothing is ever run from text. Of the variants
"missed" overlooks a line, "reasoning" executes the lines in a wrong way, and "knowledge" holds a
false belief about Python, which the remark states.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from erranal.demo.worked import Params, Step, Task, UnfitError, Worked

Drawn = tuple[str, str, Task]


def _program(text: str) -> str:
    return f"What does this Python program print?\n\n```python\n{text}\n```"


def loop(rng: Random) -> Drawn:
    """Draw a program: a sum over a range."""
    drawn = {"s": rng.randint(3, 19), "lo": rng.randint(2, 5), "d": rng.randint(3, 9)}
    drawn["hi"] = drawn["lo"] + rng.randint(3, 4)
    code = (
        "total = {s}\nfor k in range({lo}, {hi}):\n    total = total + k\n"
        "total = total - {d}\nprint(total)"
    )

    def build(params: Params, variant: str) -> Worked:
        lo, hi, d = params["lo"], params["hi"], params["d"]
        if hi <= lo:
            raise UnfitError("a loop without a pass")
        remark = f"range({lo}, {hi}) gives the numbers from {lo} to {hi - 1}"
        if variant == "knowledge":
            hi += 1
            remark = f"range({lo}, {hi - 1}) gives the numbers from {lo} to {hi - 1}, both included"
        steps: list[Step] = []
        for k in range(lo, hi):
            left = f"s{len(steps)}" if steps else params["s"]
            steps.append(Step(f"total after k = {k}", left, "+", k))
            if variant == "reasoning":
                steps.append(
                    Step(f"total at the end of pass {k - lo + 1}", f"s{len(steps)}", "-", d)
                )
        if variant not in {"missed", "reasoning"}:
            steps.append(Step("final total", f"s{len(steps)}", "-", d))
        return Worked((f"total starts at {params['s']}",), tuple(steps), (remark,))

    return "loops", _program(code.format(**drawn)), Task(drawn, build)


def halving(rng: Random) -> Drawn:
    """Draw a program: floor division in a loop."""
    drawn = {"n": rng.randint(41, 97), "m": rng.randint(3, 9)}
    code = (
        "n = {n}\nrounds = 0\nwhile n > 5:\n    n = n // 2\n    rounds = rounds + 1\n"
        "print(n * {m} + rounds)"
    )

    def build(params: Params, variant: str) -> Worked:
        n, steps = params["n"], []
        remark = "// divides and drops the remainder"
        while n > 5:
            if variant == "knowledge" and n % 2:
                remark = "// rounds a half up to the next whole number"
                steps.append(Step("number rounded up to even", n, "+", 1))
                n += 1
            steps.append(Step("new n", n, "//", 2))
            n //= 2
        rounds = sum(step.op == "//" for step in steps)
        if variant == "reasoning":
            steps.append(Step("sum in the bracket", n, "+", rounds))
            steps.append(Step("value printed", f"s{len(steps)}", "*", params["m"]))
            return Worked((f"n starts at {params['n']}",), tuple(steps), (remark,))
        steps.append(Step("product", n, "*", params["m"]))
        if variant != "missed":
            steps.append(Step("value printed", f"s{len(steps)}", "+", rounds))
        return Worked((f"n starts at {params['n']}",), tuple(steps), (remark,))

    return "loops", _program(code.format(**drawn)), Task(drawn, build)


def piece(rng: Random) -> Drawn:
    """Draw a program: a slice of a list."""
    drawn = {name: rng.randint(11, 49) for name in "abcde"} | {"k": rng.randint(3, 9)}
    code = "values = [{a}, {b}, {c}, {d}, {e}]\npart = values[1:3]\nprint(sum(part) + {k})"

    def build(params: Params, variant: str) -> Worked:
        b, c, d, k = (params[name] for name in "bcdk")
        steps = [Step("sum of the part", b, "+", c)]
        remark = f"values[1:3] holds the items at index 1 and 2, which are {b} and {c}"
        if variant == "knowledge":
            steps.append(Step("sum with the last item", "s1", "+", d))
            remark = f"values[1:3] runs up to and including index 3, so it holds {b}, {c} and {d}"
        if variant == "reasoning":
            steps = [Step("first item raised", b, "+", k), Step("second item raised", c, "+", k)]
            steps.append(Step("value printed", "s1", "+", "s2"))
        elif variant != "missed":
            steps.append(Step("value printed", f"s{len(steps)}", "+", k))
        return Worked((), tuple(steps), (remark,))

    return "lists", _program(code.format(**drawn)), Task(drawn, build)


def default(rng: Random) -> Drawn:
    """Draw a program: a function with a default argument."""
    drawn = {"by": rng.randint(3, 6), "c": rng.randint(4, 15), "e": rng.randint(7, 9)}
    drawn |= {"a": rng.randint(11, 19), "b": rng.randint(4, 9)}
    code = "def scale(x, by={by}):\n    return x * by + {c}\n\nprint(scale({a}) + scale({b}, {e}))"

    def build(params: Params, variant: str) -> Worked:
        by, c, a, b, e = (params[name] for name in ("by", "c", "a", "b", "e"))
        remark = f"the first call uses the default {by}, the second one passes {e}"
        if variant == "knowledge":
            remark, e = f"the default by={by} is fixed when it is given, so both calls use it", by
        first, second = Step("first product", a, "*", by), Step("second product", b, "*", e)
        if variant in {"missed", "reasoning"}:
            steps = [first, second, Step("sum of the calls", "s1", "+", "s2")]
            if variant == "reasoning":
                steps.append(Step("value printed", "s3", "+", c))
            return Worked((), tuple(steps), (remark,))
        steps = [first, Step("first call", "s1", "+", c), second]
        steps += [Step("second call", "s3", "+", c), Step("value printed", "s2", "+", "s4")]
        return Worked((), tuple(steps), (remark,))

    return "functions", _program(code.format(**drawn)), Task(drawn, build)


def letters(rng: Random) -> Drawn:
    """Draw a program: length and index of a string."""
    word = rng.choice(("planet", "garden", "window", "silver", "butter", "market"))
    place = rng.randint(1, 4)
    drawn = {"m": rng.randint(6, 19), "d": rng.randint(2, 9)}
    code = f'word = "{word}"\nplace = word.index("{word[place]}")\n'
    code += "print(len(word) * {m} - place * {d})"
    # "butter" has its t twice: index finds the first one.
    place = word.index(word[place])

    def build(params: Params, variant: str) -> Worked:
        at = place + 1 if variant == "knowledge" else place
        start = "1" if variant == "knowledge" else "0"
        remark = f'positions count from {start}, so "{word[place]}" is at {at}; the length is 6'
        steps = [Step("length times number", 6, "*", params["m"])]
        if variant == "reasoning":
            steps += [
                Step("difference", "s1", "-", at),
                Step("value printed", "s2", "*", params["d"]),
            ]
        elif variant != "missed":
            steps.append(Step("position times number", at, "*", params["d"]))
            steps.append(Step("value printed", "s1", "-", "s2"))
        return Worked((), tuple(steps), (remark,))

    return "strings", _program(code.format(**drawn)), Task(drawn, build)


def boxes(rng: Random) -> Drawn:
    """Draw a program: floor division and remainder."""
    drawn = {"n": rng.randint(31, 95), "k": rng.randint(6, 12), "w": rng.randint(3, 9)}
    code = "eggs = {n}\nfull = eggs // {k}\nrest = eggs % {k}\nprint(full * {w} + rest)"

    def build(params: Params, variant: str) -> Worked:
        n, k, w = params["n"], params["k"], params["w"]
        rest = n % k
        remark = f"eggs % {k} is the remainder {rest}"
        if variant == "knowledge":
            remark, rest = f"eggs % {k} is the quotient {n // k}", n // k
        steps = [Step("full boxes", n, "//", k)]
        if variant == "reasoning":
            steps += [Step("sum in the bracket", w, "+", rest), Step("value", "s1", "*", "s2")]
        else:
            steps.append(Step("weighted boxes", "s1", "*", w))
        if variant in {"right", "knowledge"}:
            steps.append(Step("value printed", "s2", "+", rest))
        return Worked((f"eggs: {n}",), tuple(steps), (remark,))

    return "arithmetic", _program(code.format(**drawn)), Task(drawn, build)


def branch(rng: Random) -> Drawn:
    """Draw a program: a condition with two branches."""
    drawn = {name: rng.randint(14, 59) for name in "ab"} | {"m": rng.randint(3, 8)}
    code = "a = {a}\nb = {b}\nif a > b:\n    c = a - b\nelse:\n    c = a + b\nc = c * {m}\nprint(c)"

    def build(params: Params, variant: str) -> Worked:
        a, b, m = params["a"], params["b"], params["m"]
        bigger = a > b
        remark = f"{a} is {'larger' if bigger else 'not larger'} than {b}"
        if variant == "knowledge":
            if bigger:
                remark += ", and the else block comes last, so its assignment to c is what stays"
            else:
                remark += ", and a block under if is always carried out before else is looked at"
            bigger = not bigger
        if variant == "reasoning":
            bigger = b > a
            remark = f"a > b asks whether {b} is larger, which it {'is' if bigger else 'is not'}"
        steps = [Step("value of c", a, "-" if bigger else "+", b)]
        if variant != "missed":
            steps.append(Step("value printed", "s1", "*", m))
        return Worked((f"a: {a}", f"b: {b}"), tuple(steps), (remark,))

    return "conditions", _program(code.format(**drawn)), Task(drawn, build)


def stock(rng: Random) -> Drawn:
    """Draw a program: updates of a dictionary."""
    drawn = {"a": rng.randint(21, 58), "c": rng.randint(12, 19), "d": rng.randint(3, 9)}
    code = (
        'stock = {{"nuts": {a}}}\nstock["nuts"] += {c}\nstock["bolts"] = stock["nuts"] - {d}\n'
        'print(stock["nuts"] + stock["bolts"])'
    )

    def build(params: Params, variant: str) -> Worked:
        a, c, d = params["a"], params["c"], params["d"]
        remark = '+= adds to the value that is stored under "nuts"'
        steps = [Step("nuts", a, "+", c), Step("bolts", "s1", "-", d)]
        if variant == "knowledge":
            remark = f'+= puts the new value {c} in place of the old one under "nuts"'
            steps = [Step("bolts", c, "-", d), Step("value printed", c, "+", "s1")]
        elif variant == "missed":
            remark = f'"nuts" stands at {a}'
            steps = [Step("bolts", a, "-", d), Step("value printed", a, "+", "s1")]
        elif variant == "reasoning":
            steps[1] = Step("bolts", a, "-", d)
        if len(steps) == 2 and steps[1].label == "bolts":
            steps.append(Step("value printed", "s1", "+", "s2"))
        return Worked((f"nuts: {a}",), tuple(steps), (remark,))

    return "dictionaries", _program(code.format(**drawn)), Task(drawn, build)


def nested(rng: Random) -> Drawn:
    """Draw a program: two nested loops."""
    drawn = {"r": rng.randint(3, 8), "c": rng.randint(3, 9), "w": rng.randint(2, 6)}
    drawn["d"] = rng.randint(4, 12)
    code = (
        "hits = 0\nfor row in range({r}):\n    for column in range({c}):\n"
        "        hits = hits + {w}\nprint(hits - {d})"
    )

    def build(params: Params, variant: str) -> Worked:
        r, c = params["r"], params["c"]
        remark = f"the outer loop makes {r} passes and the inner one {c}"
        if variant == "knowledge":
            r, c = r + 1, c + 1
            remark = f"range({r - 1}) counts 0 to {r - 1}, {r} passes, and the inner loop makes {c}"
        passes = Step("number of passes", r, "+" if variant == "reasoning" else "*", c)
        steps = [passes, Step("hits", "s1", "*", params["w"])]
        if variant != "missed":
            steps.append(Step("value printed", "s2", "-", params["d"]))
        return Worked((), tuple(steps), (remark,))

    return "loops", _program(code.format(**drawn)), Task(drawn, build)


KINDS: tuple[Callable[[Random], Drawn], ...] = (
    loop,
    halving,
    piece,
    default,
    letters,
    boxes,
    branch,
    stock,
    nested,
)
