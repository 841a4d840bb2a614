"""Solutions in words: how the simulated models say what they worked out."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from erranal.demo import phrases
from erranal.demo.bank import LETTERS, Item
from erranal.demo.worked import Equation, Solution


@dataclass(frozen=True)
class Voice:
    """Habits of one response.

    Attributes
    ----------
    layout : str
        "prose", "lines", "numbered" or "bold".
    terse : bool
        Leaves out introduction, readings and check.
    """

    model: str
    modality: str
    times: str
    divide: str
    thousands: str
    layout: str
    terse: bool


def draw_voice(model: str, modality: str, terse: float, rng: Random) -> Voice:
    """Draw the habits of one response."""
    layouts = ("prose", "lines", "numbered") if model == "sim-small" else ("lines", "bold", "prose")
    return Voice(
        model,
        modality,
        rng.choice("××**x"),
        rng.choice("÷/"),
        rng.choice(("", "", ",")),
        rng.choice(layouts),
        rng.random() < terse,
    )


def equation_text(equation: Equation, voice: Voice) -> str:
    """Return "12 × 20 = 240" in the voice's signs."""
    op = {"*": voice.times, "/": voice.divide}.get(equation.op, equation.op)
    left, right, result = (
        f"{number:{voice.thousands}}" for number in (equation.left, equation.right, equation.result)
    )
    return f"{left} {op} {right} = {result}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(equation: Equation, voice: Voice, rng: Random) -> str:
    form = rng.choice(phrases.EQUATIONS)
    return _capital(form.format(label=equation.label, eq=equation_text(equation, voice)))


def _lay_out(lines: list[str], voice: Voice) -> list[str]:
    if not lines:
        return []
    if voice.layout == "prose":
        return [" ".join(lines)]
    if voice.layout == "numbered":
        return ["\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))]
    if voice.layout == "bold":
        return [
            "\n".join(f"**Step {number}.** {line}" for number, line in enumerate(lines, 1)),
        ]
    return ["\n".join(lines)]


def steps(solution: Solution, voice: Voice, rng: Random) -> list[str]:
    """Return the paragraphs of a chain of thought, without its final answer."""
    parts = []
    if not voice.terse:
        parts.append(rng.choice(phrases.OPENINGS[voice.modality]))
        if solution.readings and rng.random() < 0.7:
            parts.append(rng.choice(phrases.READINGS).format(r="; ".join(solution.readings)))
    lines = []
    for remark in solution.remarks:
        sentence = remark.endswith(".")
        lines.append(remark if sentence else rng.choice(phrases.REMARKS).format(r=remark))
    lines += [_line(equation, voice, rng) for equation in solution.equations]
    if solution.verdict:
        lines.append(solution.verdict.format(answer=solution.answer))
    return parts + _lay_out(lines, voice)


def _fields(item: Item, answer: str, thousands: str) -> dict[str, str]:
    if item.choices:
        return {"letter": item.label(answer), "text": answer}
    number = int(answer)
    if item.unit == "$":
        return {"n": f"${number:{thousands}}", "long": f"${number:{thousands}}.00", "plain": answer}
    shown = f"{number:{thousands}}"
    return {"n": shown, "long": f"{shown} {item.unit}".strip(), "plain": answer}


def bare(item: Item, answer: str, rng: Random) -> str:
    """Return an answer without any step."""
    forms = phrases.BARE_CHOICES if item.choices else phrases.BARE_NUMBERS
    return rng.choice(forms).format(**_fields(item, answer, ""))


def final(item: Item, answer: str, voice: Voice, rng: Random) -> str:
    """Return the closing line with the final answer, now and then with an aside after it."""
    forms = phrases.CHOICE_FINALS if item.choices else phrases.NUMBER_FINALS
    form = rng.choices(forms, phrases.FINAL_WEIGHTS[voice.model])[0]
    line = form.format(**_fields(item, answer, voice.thousands))
    if line.startswith("Answer:") and rng.random() < 0.1:
        return f"{line}\n{_aside(item, answer, rng)}"
    return line


def check(voice: Voice, rng: Random) -> list[str]:
    """Return a sentence that claims a check, now and then."""
    return [rng.choice(phrases.CHECKS)] if not voice.terse and rng.random() < 0.3 else []


def _aside(item: Item, answer: str, rng: Random) -> str:
    if not item.choices:
        return rng.choice(phrases.NUMBER_ASIDES).format(k=rng.randint(2, 3))
    others = [LETTERS[k] for k, choice in enumerate(item.choices) if choice != answer]
    return rng.choice(phrases.CHOICE_ASIDES).format(other=rng.choice(others))
