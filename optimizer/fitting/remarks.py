"""What is to be said of a history before any market of it is fitted, and of what is left out."""

from __future__ import annotations

from optimizer.fitting.incrementality import Factors, about_increments
from optimizer.fitting.priors import Beliefs
from optimizer.history import History
from optimizer.model import Diagnostic


def remarks(history: History, beliefs: Beliefs, factors: Factors | None) -> list[Diagnostic]:
    """What is true of the history as a whole; no factors: lift tests told about increments."""
    found = []
    if history.layout == "attributed" and factors is not None:
        found += about_increments(history.channels, factors)
    if not beliefs.same_currency:
        found.append(
            Diagnostic(
                code="spend_unit",
                severity="warning",
                message="Spend does not look like the revenue's currency: the belief about "
                "returns was taken from media's usual share of revenue. "
                "ROAS and ROMI mean little until both are in one currency.",
            )
        )
    return found


def left_out(channel: str, market: str | None) -> Diagnostic:
    """A channel left out because nothing was spent on it, or nothing came in."""
    return Diagnostic(
        code="left_out",
        channel=channel,
        market=market,
        severity="warning",
        message=f"{channel} has no spend, or its market no revenue, so it has no curve and "
        "is left out.",
    )
