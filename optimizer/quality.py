"""What a planner should know about a history before a curve is fitted to it.

Every check looks at the numbers alone and says what it saw in one sentence. Thresholds are set so
that real, noisy media data (flights of advertising, seasons, many idle weeks) raise no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import combinations

import numpy as np
import numpy.typing as npt

from optimizer.geography import repeated_channels
from optimizer.history import FEWEST_PERIODS, Finding, FloatArray, History, Severity
from optimizer.tables.findings import counted, there_are
from optimizer.tables.openings import closed_findings

ASKED_PERIODS = 60
LARGEST = 1e13  # beyond this a cent is no longer exact
WINDOW = 8  # periods on either side of a level shift
SHIFT = 7.0  # times: below a wrong unit (10, 1000) and above what budgets do, and
APART = 2.2  # times between the nearest values on either side
OUTLIER = 10.0  # times the usual high value
REVENUE_OUTLIER = 6.0  # times away from the local median of total revenue, and
REVENUE_SIGMAS = 6.0  # robust standard deviations of its log
LEAST_VARIATION = 0.1  # coefficient of variation of spend
COLLINEAR = 0.95  # correlation of two spends
MOSTLY_ZERO = 0.5  # share of periods
RARE = 10  # periods with spend, below which a curve is mostly belief
ALIKE = 0.83  # similarity of two names that may be one, mistyped, and
SHORTEST_NAME = 4  # letters
FREE_REVENUE = 0.01  # share of a channel's revenue that may come in periods without spend


def check(history: History) -> tuple[Finding, ...]:
    """All findings of a history: those made while reading it, then those of its numbers.

    Parameters
    ----------
    history : History

    Returns
    -------
    tuple of Finding
        Without repeats, so that checking twice says nothing twice.

    Examples
    --------
    >>> import pandas as pd
    >>> weeks = pd.date_range("2024-01-01", periods=40, freq="7D")
    >>> spend = np.linspace(50, 200, 40)
    >>> frame = pd.DataFrame({"date": weeks, "tv_spend": spend, "revenue": 900 + 2 * spend})
    >>> [found.code for found in check(History.from_frame(frame))]
    ['roles', 'few_periods', 'single_channel']
    """
    broken = list(_broken_numbers(history))
    found = [*history.findings, *broken, *_periods(history)]
    if not broken:
        for one_check in _CHECKS:
            found.extend(one_check(history))
    return tuple(dict.fromkeys(found))


def _warning(code: str, message: str, column: str | None = None) -> Finding:
    return Finding(code, Severity.WARNING, message, column=column)


def _broken_numbers(history: History) -> Iterator[Finding]:
    """Numbers no reader lets through, in a history made by hand."""
    for what, numbers in (("spend", history.spend), ("revenue", history.revenue)):
        if not np.isfinite(numbers).all():
            message = f"some {what} is not a finite number; replace NaN and infinity."
            yield Finding("non_finite_value", Severity.FATAL, message, column=what)
        elif bool((np.abs(numbers) > LARGEST).any()):
            message = f"some {what} is above 1e13; correct it or use a larger unit."
            yield Finding("number_too_large", Severity.FATAL, message, column=what)
    if bool((history.spend < 0).any()):
        message = "some spend is negative; book refunds where they were spent, or write 0."
        yield Finding("negative_spend", Severity.FATAL, message, column="spend")


def _periods(history: History) -> Iterator[Finding]:
    count = len(history.dates)
    if count < FEWEST_PERIODS:
        message = f"{there_are(count)}; at least {FEWEST_PERIODS} are needed."
        yield Finding("too_few_periods", Severity.FATAL, f"{message} Give a longer history.")
    elif count < ASKED_PERIODS:
        message = f"{there_are(count)}; curves from fewer than {ASKED_PERIODS} are uncertain"
        yield Finding("few_periods", Severity.NOTE, f"{message}, so keep bounds narrow.")


def _single_channel(history: History) -> Iterator[Finding]:
    if len(history.channels) == 1:
        yield _warning(
            "single_channel",
            f"{history.channels[0]} is the only channel; there is nothing to move budget to.",
        )


def _zero_share(history: History) -> Iterator[Finding]:
    shares = np.mean(history.spend == 0, axis=(0, 1))
    for channel, share in zip(history.channels, shares, strict=True):
        if 0 < _used(history, channel) < RARE:
            yield _warning(
                "rare_spend",
                f"only {counted(_used(history, channel), 'period')} with spend, so its curve is "
                "mostly belief; lock or exclude it.",
                channel,
            )
        elif MOSTLY_ZERO < share < 1:
            yield Finding(
                "mostly_zero_spend",
                Severity.NOTE,
                f"{share:.0%} of the periods have no spend; its curve rests on the others.",
                column=channel,
            )
        elif share == 1:
            yield _warning("zero_channel", "no spend at all; leave the channel out.", channel)


def _used(history: History, channel: str) -> int:
    """In how many periods a channel spends, in any market."""
    spend = history.spend[..., history.channels.index(channel)]
    return int((spend > 0).any(axis=0).sum())


def _similar_names(history: History) -> Iterator[Finding]:
    """A rare channel whose name is nearly another's may be that other, mistyped."""
    for one, other in combinations(history.channels, 2):
        rare, usual = sorted((one, other), key=lambda name: _used(history, name))
        if _used(history, rare) < RARE and _may_be_one(rare, usual):
            yield _warning(
                "similar_names",
                f'channels "{rare}" ({counted(_used(history, rare), "period")}) and "{usual}" are '
                "nearly one name and were kept apart; correct it if they are one.",
                rare,
            )


def _may_be_one(one: str, other: str) -> bool:
    """Whether two names differ as by a slip of the keyboard; tv1 and tv2 are meant to differ."""
    first, second = one.casefold(), other.casefold()
    if first == second or min(len(first), len(second)) < SHORTEST_NAME:
        return False  # capital letters are told of while reading
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    edits = [step for step in matcher.get_opcodes() if step[0] != "equal"]
    changed = "".join(first[a:b] + second[c:d] for _, a, b, c, d in edits)
    one_edit = len(edits) == 1 and max(edits[0][2] - edits[0][1], edits[0][4] - edits[0][3]) == 1
    return (one_edit or matcher.ratio() >= ALIKE) and not changed.isdecimal()


def _markets(history: History) -> Iterator[Finding]:
    """When the markets of an aggregate history are open, and which of them spend."""
    if history.layout == "attributed" or len(history.markets) == 1:
        return
    days = [date.date().isoformat() for date in history.dates]
    yield from closed_findings(history.markets, days, history.revenue != 0)
    for market, spend in zip(history.markets, history.spend, strict=True):
        if not spend.any():
            yield Finding(
                "market_without_spend",
                Severity.NOTE,
                f"market {market} has no spend; it has no curve, but shows what moves revenue "
                "without media.",
            )


def _repeated_spend(history: History) -> Iterator[Finding]:
    """Figures of the whole country that stand in every market's rows."""
    for place in repeated_channels(history):
        yield _warning(
            "repeated_spend",
            f"its spend is the same in all {len(history.markets)} markets, as if the whole "
            "country's stood in every row; a fit divides it over the markets. Give each market "
            "its own, or its share.",
            history.channels[place],
        )


def _constant_spend(history: History) -> Iterator[Finding]:
    mean, spread = history.spend.mean(axis=1), history.spend.std(axis=1)  # (n_markets, n_channels)
    for number, channel in enumerate(history.channels):
        used = mean[:, number] > 0
        if used.any() and bool((spread[used, number] < LEAST_VARIATION * mean[used, number]).all()):
            yield _warning(
                "constant_spend",
                f"spend varies by less than {LEAST_VARIATION:.0%}, so its effect cannot be "
                "learned; test another level.",
                channel,
            )


def _collinear_spend(history: History) -> Iterator[Finding]:
    moves = (history.spend - history.spend.mean(axis=1, keepdims=True)).reshape(
        -1, len(history.channels)
    )
    size = np.sqrt((moves**2).sum(axis=0))
    for one, other in combinations(range(len(history.channels)), 2):
        if size[one] * size[other] > 0:
            alike = float(moves[:, one] @ moves[:, other] / size[one] / size[other])
            if abs(alike) > COLLINEAR:
                yield _warning(
                    "collinear_spend",
                    f"{history.channels[one]} and {history.channels[other]} are spent in step "
                    f"(correlation {alike:.2f}), so their effects cannot be told apart; "
                    "move one without the other, or test one.",
                    history.channels[one],
                )


def _series(history: History) -> Iterator[tuple[str, str | None, FloatArray, FloatArray]]:
    """Every series of money: what it is, its channel, its values, and the spend behind it."""
    alone = np.ones(len(history.dates))
    for market_number, market in enumerate(history.markets):
        where = f" in {market}" if market else ""
        for number, channel in enumerate(history.channels):
            spend = history.spend[market_number, :, number]
            yield f"spend{where}", channel, spend, alone
            if history.layout == "attributed":
                yield f"revenue{where}", channel, history.revenue[market_number, :, number], spend
        if history.layout == "aggregate":
            yield f"revenue{where}", None, history.revenue[market_number], alone


def _level_shifts(history: History) -> Iterator[Finding]:
    for what, channel, values, causes in _series(history):
        used = np.flatnonzero((values > 0) & (causes > 0))
        shift = largest_shift(values[used])
        if shift is not None and not _is_caused(causes[used], shift[0]):
            place, ratio = shift
            day = history.dates[used[place]].date().isoformat()
            times = f"{ratio:,.0f} times" if ratio > 1 else f"1/{1 / ratio:,.0f} of"
            yield _warning(
                "level_shift",
                f"from {day} on, the {what} is {times} what it was; "
                "check for a change of unit or currency.",
                channel or "revenue",
            )


def _is_caused(causes: FloatArray, place: int) -> bool:
    """Whether a revenue moved because its spend did (always 1 where the series is a spend)."""
    before = np.median(causes[max(place - WINDOW, 0) : place])
    after = np.median(causes[place : place + WINDOW])
    return not 0.5 < after / before < 2


def largest_shift(values: FloatArray) -> tuple[int, float] | None:
    """The place of the largest lasting jump of a positive series and its ratio, if there is one.

    A jump lasts when the values just before and just after it do not come near each other.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Positive money per period.

    Examples
    --------
    >>> largest_shift(np.array([5.0] * 10 + [5000.0] * 10))
    (10, 1000.0)
    >>> largest_shift(np.linspace(1.0, 100.0, 50)) is None
    True
    """
    if len(values) < 2 * WINDOW:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(np.log(values), WINDOW)
    usual, least, most = np.median(windows, axis=1), windows.min(axis=1), windows.max(axis=1)
    step = usual[WINDOW:] - usual[:-WINDOW]
    apart = np.maximum(least[WINDOW:] - most[:-WINDOW], least[:-WINDOW] - most[WINDOW:])
    scores = np.where((np.abs(step) > np.log(SHIFT)) & (apart > np.log(APART)), apart, 0.0)
    best = int(np.argmax(scores))
    if scores[best] <= 0:
        return None
    return best + WINDOW, round(float(np.exp(step[best])), 6)


def _outliers(history: History) -> Iterator[Finding]:
    for what, channel, values, _ in _series(history):
        places = _total_outliers(values) if channel is None else _burst_outliers(values)
        for place in places[:3]:
            day = history.dates[place].date().isoformat()
            yield _warning(
                "outlier",
                f"the {what} of {values[place]:,.0f} on {day} is far from all others; "
                "correct it if it is a mistake (a fit gives it less weight).",
                channel or "revenue",
            )


def _burst_outliers(values: FloatArray) -> npt.NDArray[np.intp]:
    """Values ten times above what the series usually reaches when it is on."""
    used = values[values > 0]
    if len(used) < 12:
        return np.array([], dtype=np.intp)
    found = np.flatnonzero(values > OUTLIER * np.quantile(used, 0.9))
    return found if len(found) <= 3 else np.array([], dtype=np.intp)


def _total_outliers(values: FloatArray) -> npt.NDArray[np.intp]:
    """Values far above or below the median of their neighbourhood, and rare."""
    half = 6
    least = max(float(np.median(np.abs(values))) / 1000, np.finfo(float).tiny)
    logs = np.log(np.maximum(values, least))
    padded = np.pad(logs, half, mode="reflect")
    local = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    off = np.abs(logs - local)
    usual = 1.4826 * float(np.median(off))  # the standard deviation, were the noise Gaussian
    found = np.flatnonzero(off > max(np.log(REVENUE_OUTLIER), REVENUE_SIGMAS * usual))
    return found if len(found) <= max(3, len(values) // 50) else np.array([], dtype=np.intp)


def _free_revenue(history: History) -> Iterator[Finding]:
    if history.layout == "aggregate":
        return
    free = np.where(history.spend == 0, np.maximum(history.revenue, 0.0), 0.0).sum(axis=(0, 1))
    total = np.maximum(history.revenue, 0.0).sum(axis=(0, 1))
    for channel, lost, whole in zip(history.channels, free, total, strict=True):
        if lost > FREE_REVENUE * whole:
            yield _warning(
                "revenue_without_spend",
                f"{lost / whole:.0%} of its revenue comes in periods without spend; "
                "check that spend is complete, or expect effects that last.",
                channel,
            )


_CHECKS = (
    _markets,
    _repeated_spend,
    _single_channel,
    _similar_names,
    _zero_share,
    _constant_spend,
    _collinear_spend,
    _level_shifts,
    _outliers,
    _free_revenue,
)
