"""What is to be said of a panel: which cells have no curve, and what the others rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from optimizer.fitting.panel import LIKELIHOOD_POWER, PanelProblem
from optimizer.fitting.panel_data import PanelData
from optimizer.geography import repeated_channels
from optimizer.history import History
from optimizer.model import Diagnostic

#: Periods without revenue at the end of a history after which a market counts as closed.
CLOSED = 4
NAMED = 3  # markets named in a sentence; the rest are counted


def trading(data: PanelData) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Markets that still had revenue when the last one had, (n_markets,)."""
    end = int(np.flatnonzero(data.open.any(axis=0))[-1]) + 1
    return np.asarray(data.open[:, max(end - CLOSED, 0) : end].any(axis=1))


def panel_remarks(history: History, data: PanelData, problem: PanelProblem) -> list[Diagnostic]:
    """Everything worth saying of a panel as a panel; `history` as it was given."""
    return [
        *_sizes(history),
        *_without_curves(history, data),
        *_national(history, data),
        *_repeated(history),
        _pooling(problem),
        _clustering(problem),
    ]


def _sizes(history: History) -> Iterator[Diagnostic]:
    """How markets of different size are compared where population is unknown."""
    if history.population is None:
        yield Diagnostic(
            code="market_sizes",
            severity="warning",
            message="The history has no population, so markets are compared per unit of their own "
            "mean revenue: a market that sells much per head counts as a large one. Add a "
            "population column.",
        )


def _without_curves(history: History, data: PanelData) -> Iterator[Diagnostic]:
    """Markets and channels that have no curve, and why."""
    live = [history.markets[place] for place in data.markets]
    for market in history.markets:
        if market not in live:
            yield _left_out(None, market, f"{market} has no revenue, so it has no curves.")
    going = trading(data)
    for market, goes, spent in zip(live, going, data.spent, strict=True):
        if not goes:
            text = f"{market} has no revenue any more, so it has no curves; its past counts."
            yield _left_out(None, market, text)
        elif not spent.any():
            text = f"{market} has no spend, so it has no curves; it shows what moves revenue alone."
            yield _left_out(None, market, text)
    for i, channel in enumerate(history.channels):
        if i not in data.channels:
            text = f"{channel} has no spend in a market with revenue, so it has no curve."
            yield _left_out(channel, None, text)
            continue
        spent = data.spent[:, list(data.channels).index(i)]
        lacking = [live[g] for g in np.flatnonzero(going & data.spent.any(axis=1) & ~spent)]
        if lacking:
            text = f"{channel} has no spend in {_listed(lacking)}, so it has no curve there."
            market = lacking[0] if len(lacking) == 1 else None
            yield _left_out(channel, market, text)


def _left_out(channel: str | None, market: str | None, message: str) -> Diagnostic:
    return Diagnostic(
        code="left_out", channel=channel, market=market, severity="warning", message=message
    )


def _listed(names: Iterable[str | None]) -> str:
    """Names in a sentence, a few of them and how many more.

    Examples
    --------
    >>> _listed(["a"]), _listed(["a", "b"]), _listed("abcde")
    ('a', 'a and b', 'a, b, c and 2 more markets')
    """
    texts = [str(name) for name in names]
    if len(texts) > NAMED + 1:
        texts = [*texts[:NAMED], f"{len(texts) - NAMED} more markets"]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _national(history: History, data: PanelData) -> Iterator[Diagnostic]:
    """Channels whose markets cannot be told from one another."""
    for place in data.channels[data.national]:
        channel = history.channels[place]
        yield Diagnostic(
            code="national_channel",
            channel=channel,
            severity="warning",
            message=f"{channel} spends the same per head in all markets, so only its course over "
            "time says what it earns, as in a history of one market. Its doubt is large: vary it "
            "between markets to learn.",
        )


def _repeated(history: History) -> Iterator[Diagnostic]:
    """Channels whose spend was divided over the markets."""
    for place in repeated_channels(history):
        channel = history.channels[place]
        yield Diagnostic(
            code="repeated_spend",
            channel=channel,
            severity="warning",
            message=f"{channel} has the same spend in every market, so it was taken for the whole "
            "country's and divided over the markets by size. If each market did spend that much, "
            "give the channel another name in each.",
        )


def _pooling(problem: PanelProblem) -> Diagnostic:
    """How much the markets differ in what a channel earns."""
    return Diagnostic(
        code="market_differences",
        value=problem.pooled_sd,
        message="A channel's strength per head differs between markets by about "
        f"{np.expm1(problem.pooled_sd):.0%}; a market with little history leans on the others.",
    )


def _clustering(problem: PanelProblem) -> Diagnostic:
    """How much wider doubt is where every market counts as one observation."""
    wide = problem.likelihood_power < LIKELIHOOD_POWER
    words = "the bands were widened to match" if wide else "the bands allow for twice as much"
    return Diagnostic(
        code="clustered_doubt",
        value=problem.excess,
        severity="warning" if wide else "note",
        message="Counted market by market, as residuals of one market may hang together, the "
        f"variance of what was found is {problem.excess:.1f} times what the noise explains; "
        f"{words}.",
    )
