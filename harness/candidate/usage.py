"""What the model spent, and what that costs at list prices on the day of the commit. Unknown stays unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import genai_prices
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price

from harness.candidate.values import Prices, Usage

CACHED_UNKNOWN = "cached input tokens are not stated: the true cost is this or more"


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars, recomputed from tokens and as reported; None where unknown, `why_unknown` then says why.

    `prices` names the snapshot of the price list, `priced_as` the provider and model that it knows.
    """

    recomputed_usd: float | None
    reported_usd: float | None
    prices: str
    priced_as: str | None = None
    why_unknown: str = ""
    notes: tuple[str, ...] = ()

    @property
    def reported_to_recomputed(self) -> float | None:
        """How many times the recomputed cost the reported one is; None where either is unknown, or nought."""
        if self.reported_usd is None or not self.recomputed_usd:
            return None
        return round(self.reported_usd / self.recomputed_usd, 3)


def cost(usage: Usage, model: str | None, date: datetime | None) -> Cost:
    """The cost of `usage` by `model` at the list prices of `date` (aware; the commit's)."""
    if usage.prices is not None and usage.input_tokens is not None and usage.output_tokens is not None:
        return _by_own_prices(usage, usage.input_tokens, usage.output_tokens, usage.prices)
    snapshot = f"genai-prices {genai_prices.__version__}"
    missing = _missing(usage, model, date)
    if missing or model is None:
        return Cost(None, usage.reported_cost_usd, snapshot, why_unknown=f"{missing} not stated")
    cached = usage.cached_input_tokens
    # The price list's input count includes the cached tokens; the manifest's does not.
    tokens = PricedUsage(
        input_tokens=(usage.input_tokens or 0) + (cached or 0),
        cache_read_tokens=cached or 0,
        output_tokens=usage.output_tokens,
    )
    try:
        price = calc_price(tokens, model, genai_request_timestamp=date)
    except LookupError:
        return Cost(None, usage.reported_cost_usd, snapshot, why_unknown=f"the price list does not know {model}")
    return Cost(
        recomputed_usd=float(price.total_price),
        reported_usd=usage.reported_cost_usd,
        prices=snapshot,
        priced_as=f"{price.provider.id}/{price.model.id}",
        notes=(CACHED_UNKNOWN,) if cached is None else (),
    )


def _by_own_prices(usage: Usage, input_tokens: int, output_tokens: int, prices: Prices) -> Cost:
    cached_price = prices.input if prices.cached_input is None else prices.cached_input
    total = input_tokens * prices.input + (usage.cached_input_tokens or 0) * cached_price + output_tokens * prices.output
    notes = (CACHED_UNKNOWN,) if usage.cached_input_tokens is None else ()
    return Cost(total / 1e6, usage.reported_cost_usd, "the operator's own, [usage.prices]", notes=notes)


def _missing(usage: Usage, model: str | None, date: datetime | None) -> str:
    needed = {
        "the model": model,
        "the commit's date": date,
        "input tokens": usage.input_tokens,
        "output tokens": usage.output_tokens,
    }
    return ", ".join(name for name, value in needed.items() if value is None)
