"""A reply held to a JSON schema while it is written, and closed before it runs out of tokens.

The grammar engine is llguidance. It says which tokens may come next; the rest is here: text that
has no alternative is written without asking the model, free strings and lists get a bound of their
own, and a reply always keeps enough tokens back to end as valid JSON. So even a model with random
weights gives verdicts that can be read.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from erranal.models.chat import ChatFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llguidance import LLMatcher
    from numpy.typing import NDArray

    from erranal.models.chat import ChatRequest

MAX_CHARACTERS = 2000  # a string that has no bound of its own, so that one cannot eat the reply
MAX_ITEMS = 32  # a list that has no bound of its own
ANY_OBJECT = {"type": "object"}
# One way to lay out an object, the one of json.dumps; escapes without \u, which would let NUL in.
_LAYOUT: Any = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "json_allowed_escapes": '"\\bfnrt',
}
_CLOSERS = '"}],0'  # tried in this order on the shortest way to the end


class Grammars:
    """Grammars over one tokenizer; schemas seen before are not compiled again.

    Parameters
    ----------
    tokenizer
        A fast transformers tokenizer.
    ends
        Ids of the tokens that end a reply.
    """

    def __init__(self, tokenizer: Any, ends: Iterable[int]) -> None:
        from llguidance.hf import from_tokenizer

        self.tokenizer = from_tokenizer(tokenizer, eos_token=sorted(ends))
        sizes = [len(self.tokenizer.decode_bytes([i])) for i in range(self.tokenizer.vocab_size)]
        self._sizes = np.array(sizes, dtype=np.int32)
        self._closers = self._single_tokens(_CLOSERS)
        self._matcher = lru_cache(maxsize=256)(self._compile)

    def guide(self, request: ChatRequest) -> Guide | None:
        """Return what holds the reply to a request to its schema, None for a plain request.

        Raises
        ------
        ChatFailure
            When the schema uses something that cannot be enforced.
        """
        if request.mode == "plain":
            return None
        use_schema = request.mode == "json_schema" and request.schema is not None
        schema = bounded(request.schema) if use_schema and request.schema else ANY_OBJECT
        matcher = self._matcher(json.dumps(schema)).deep_copy()
        return Guide(self, matcher, request.max_tokens)

    def closing(self, matcher: LLMatcher, limit: int) -> list[int] | None:
        """Return tokens that end the reply from here, None when ``limit`` of them are not enough.

        The way is short, not the shortest: strings and lists are closed, choices go to the longest
        token, which is the one that leaves least to write.
        """
        ahead = matcher.deep_copy()
        path: list[int] = []
        while not ahead.is_accepting():
            step = ahead.compute_ff_tokens() or [self._closest(ahead)]
            path += step
            if len(path) > limit or not ahead.consume_tokens(step):
                return None
        return path

    def _closest(self, matcher: LLMatcher) -> int:
        allowed = mask(matcher)[: len(self._sizes)]
        closer = next((token for token in self._closers if allowed[token]), None)
        return int((self._sizes * allowed).argmax()) if closer is None else closer

    def _compile(self, schema: str) -> LLMatcher:
        from llguidance import LLMatcher

        grammar = LLMatcher.grammar_from_json_schema(schema, overrides=_LAYOUT)
        matcher = LLMatcher(self.tokenizer, grammar, log_level=0)
        if matcher.is_error():
            raise _unenforceable(matcher)
        return matcher

    def _single_tokens(self, characters: str) -> list[int]:
        found = [self.tokenizer.tokenize_str(character) for character in characters]
        return [tokens[0] for tokens in found if len(tokens) == 1]


class Guide:
    """One reply on its way through a grammar.

    Attributes
    ----------
    cut
        Whether the reply had to be closed early, since it would not have ended within its tokens.
    """

    def __init__(self, grammars: Grammars, matcher: LLMatcher, budget: int) -> None:
        self.cut = False
        self._grammars = grammars
        self._matcher = matcher
        self._left = budget
        self._forced: list[int] = []
        # None where not even the shortest reply fits: then it is cut wherever it is.
        self._closing = grammars.closing(matcher, budget)

    @property
    def done(self) -> bool:
        """Whether nothing can follow, or nothing that is left to write is needed."""
        return self._matcher.is_stopped() or (self._left <= 0 and self.complete)

    @property
    def complete(self) -> bool:
        """Whether what is written so far is a whole reply."""
        return bool(self._matcher.is_accepting())

    def only_token(self) -> int | None:
        """Return the next token where the grammar leaves one, written the way it is tokenized."""
        if not self._forced:
            self._forced = self._matcher.compute_ff_tokens()
        return self._forced[0] if self._forced else None

    def allowed(self) -> NDArray[np.bool_]:
        """Return which tokens may come next, shape (at least the vocabulary,)."""
        return mask(self._matcher)

    def take(self, token: int) -> int:
        """Write one token, or the first of the way to the end where there is no room for it.

        Returns
        -------
        int
            The token that was written.
        """
        self._left -= 1
        self._consume(token)
        self._forced = self._forced[1:] if self._forced[:1] == [token] else []
        if self._closing is None:
            return token
        instead = self._closing[0] if self._closing else token
        way = self._way_to_end(token, self._closing)
        if way is not None:
            self._closing = way
            return token
        self._matcher.rollback(1)
        self._consume(instead)
        self._closing, self._forced, self.cut = self._closing[1:], [], True
        return instead

    def _consume(self, token: int) -> None:
        if not self._matcher.consume_token(token):
            raise _unenforceable(self._matcher)

    def _way_to_end(self, token: int, known: list[int]) -> list[int] | None:
        """Return the known way to the end where it still leads there, or another that fits."""
        if known[:1] == [token]:
            return known[1:]
        if len(known) <= self._left:
            ahead = self._matcher.deep_copy()
            valid = ahead.validate_tokens(known) == len(known) and ahead.consume_tokens(known)
            if valid and ahead.is_accepting():
                return known
        return self._grammars.closing(self._matcher, self._left)


def mask(matcher: LLMatcher) -> NDArray[np.bool_]:
    """Return which tokens may come next, shape (the vocabulary rounded up to 32,)."""
    bits = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    return np.unpackbits(bits, bitorder="little").astype(bool)


def _unenforceable(matcher: LLMatcher) -> ChatFailure:
    reason = matcher.get_error().partition("\n")[0]
    return ChatFailure("bad_request", f"the schema cannot be enforced: {reason}")


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with bounds on strings and lists that have none.

    Only for the grammar in process: what is sent to servers stays as it is.
    """
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    result = {key: _bounded_below(key, value) for key, value in schema.items()}
    fixed = {"enum", "const", "pattern", "format", "maxLength"} & schema.keys()
    if "string" in kinds and not fixed:
        result["maxLength"] = max(MAX_CHARACTERS, schema.get("minLength", 0))
    if "array" in kinds and "maxItems" not in schema:
        result["maxItems"] = max(MAX_ITEMS, schema.get("minItems", 0))
    return result


def _bounded_below(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties", "$defs", "definitions"):
        return {name: bounded(part) if _is_schema(part) else part for name, part in value.items()}
    if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        return [bounded(part) if _is_schema(part) else part for part in value]
    if key in ("items", "additionalProperties") and _is_schema(value):
        return bounded(value)
    return value


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict)
