"""When each of several markets is open: from its first revenue to its last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from optimizer.tables.findings import Finding, Severity

Bools = npt.NDArray[np.bool_]


def opening_times(earned: Bools) -> Bools:
    """Periods from each market's first with revenue to its last, (n_markets, n_periods).

    Examples
    --------
    >>> opening_times(np.array([[False, True, False, True, False]])).astype(int)
    array([[0, 1, 1, 1, 0]])
    """
    begun = np.logical_or.accumulate(earned, axis=1)
    ends = np.logical_or.accumulate(earned[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(begun & ends)


def closed_findings(
    markets: Sequence[str | None], days: Sequence[str], earned: Bools
) -> Iterator[Finding]:
    """A finding for every market that starts late, ends early or never has revenue.

    Parameters
    ----------
    markets : sequence of str, n_markets
    days : sequence of str, n_periods, as they are to be written
    earned : ndarray of shape (n_markets, n_periods), where there is revenue
    """
    for market, own in zip(markets, earned, strict=True):
        periods = np.flatnonzero(own)
        if not periods.size:
            yield Finding(
                "market_without_revenue",
                Severity.WARNING,
                f"market {market} has no revenue at all; it has no part in a fit. Check its rows.",
            )
            continue
        first, last = int(periods[0]), int(periods[-1])
        if first > 0:
            yield Finding(
                "late_market",
                Severity.WARNING,
                f"market {market} has revenue from {days[first]} on; the periods before count as "
                "not yet open, and teach nothing of it.",
            )
        if last < own.size - 1:
            yield Finding(
                "closed_market",
                Severity.WARNING,
                f"market {market} has revenue up to {days[last]}; the periods after count as "
                "closed, and teach nothing of it.",
            )
