"""What shapes a prompt beside the codebook: one value, which the judge's fingerprint covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from erranal.errors import StageError
from erranal.judge.shots import Shot

if TYPE_CHECKING:
    from erranal.codebook import Codebook

Ask = Literal["all", "each"]

NONE = "none"
GAP = "codebook gap"
SOURCES = ("response", "reasoning", "question", "choices", "reference", "status")


@dataclass(frozen=True, slots=True)
class Style:
    """How a judge asks.

    Parameters
    ----------
    ask
        ``all`` codes in one call, or ``each`` code in a call of its own.
    reference
        Whether the same item's response under the other arm is shown.
    response_first
        Show the coded response before the reference; the default is after it. A judge whose
        verdicts change with this is swayed by position.
    examples
        Whether the codebook's worked examples are shown.
    codes
        Only these are asked about; None for all of the book.
    shots
        Coded records to show as examples.
    text_limit
        Longest text shown whole, in characters; of a longer one the middle is left out.
    top_logprobs
        Alternatives to ask for per token when one code is asked about; 0 for none.
    exact
        Whether the schema says all that a reply must keep to: more than servers take.
    """

    ask: Ask = "all"
    reference: bool = True
    response_first: bool = False
    examples: bool = True
    codes: tuple[str, ...] | None = None
    shots: tuple[Shot, ...] = ()
    text_limit: int = 12_000
    max_tokens: int = 2_000
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    top_logprobs: int = 0
    exact: bool = False


def asked(book: Codebook, style: Style) -> tuple[str, ...]:
    """Return the codes that are asked about, in the order of the book.

    Raises
    ------
    StageError
        When a code is not in the book, or none is left.
    """
    known = tuple(code.code for code in book.codes)
    if style.codes is None:
        return known
    unknown = [code for code in style.codes if code not in known]
    if unknown or not style.codes:
        what = f"no code {unknown[0]!r}" if unknown else "no code to ask about"
        raise StageError(f"{what} in the codebook {book.name!r}: it has {', '.join(known)}")
    wanted = frozenset(style.codes)
    return tuple(code for code in known if code in wanted)


def sources(style: Style) -> tuple[str, ...]:
    """Return the names of the texts that a quote may come from."""
    return tuple(name for name in SOURCES if style.reference or name != "reference")
