"""What one new customer is worth: the first order, and the discounted orders after it.

value = margin x (first order + order value x sum_j discount(t_j) (E[X(t_j)] - E[X(t_j-1)])),
over 104 weeks. Each segment's models are pooled toward the whole's, and all draws are joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.customers import purchases, spending
from optimizer.customers.document import (
    Customers,
    CustomersFinding,
    CustomersProvenance,
    Segment,
    Worth,
)
from optimizer.customers.mode import Mode, find_mode
from optimizer.customers.purchases import Purchases, expected_orders
from optimizer.customers.spending import Spending, order_value
from optimizer.customers.transactions import Transactions
from optimizer.errors import DocumentError, Fault, FitError
from optimizer.version import VERSION

FloatArray = npt.NDArray[np.float64]

WEEKS = 104
WEEKS_PER_YEAR = 365.25 / 7
FEWEST_CUSTOMERS, FEWEST_REPEATERS = 100, 20  # ESTIMATION: else the pooled value
SEGMENT_SD = 0.3  # of a log parameter between segments
STREAM = 7  # of random numbers: plans pair these draws with a model's, which must not be alike


@dataclass(frozen=True, slots=True)
class _Models:
    """The two models of one group of customers, and their draws (N, k)."""

    modes: tuple[Mode, Mode]
    logs: tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class _Terms:
    """What an order earns, and when."""

    margin: float
    discount_rate: float  # a year


def value_customers(
    transactions: Transactions,
    *,
    margin: float = 1.0,
    discount_rate: float = 0.1,
    seed: int = 1,
    draws: int = 400,
) -> Customers:
    """The value of one new customer, by segment, with its interval.

    Parameters
    ----------
    transactions : Transactions
    margin : float
        Share of an order that is earned, above 0.
    discount_rate : float
        A year, at least 0.
    seed, draws : int
        The same seed gives the same document.

    Raises
    ------
    FitError
        Fewer than 100 customers, or than 20 who ordered again.
    DocumentError
        A margin or discount rate out of range.
    """
    _check(transactions, margin, discount_rate)
    own_stream = np.random.SeedSequence(seed, spawn_key=(STREAM,))
    terms, rng = _Terms(margin, discount_rate), np.random.default_rng(own_stream)
    unit = float(transactions.repeat_mean[transactions.repeats > 0].mean())
    everyone = np.ones(transactions.repeats.size, dtype=bool)
    whole = _fitted(transactions, everyone, unit, None, rng, draws)
    total = _segment("all", transactions, everyone, (whole, whole), (terms, unit), rng)
    names = sorted({name for name in transactions.segment.tolist() if name})
    segments, findings = [], []
    for name in names:
        members = transactions.segment == name
        own = None
        if _is_enough(transactions, members):
            own = _fitted(transactions, members, unit, whole, rng, draws)
        else:
            findings.append(_too_small(name, transactions, members))
        found = _segment(name, transactions, members, (own, whole), (terms, unit), rng)
        segments.append(found if own else _like_the_whole(found, total))
    return Customers(
        currency=transactions.currency,
        as_of=transactions.as_of,
        margin=margin,
        discount_rate=discount_rate,
        weeks=WEEKS,
        whole=total,
        segments=tuple(segments),
        findings=(*_told(transactions), *findings),
        provenance=CustomersProvenance(
            romi=VERSION, transactions=transactions.content_hash, seed=seed
        ),
    )


def _check(transactions: Transactions, margin: float, discount_rate: float) -> None:
    if not 0.0 < margin <= 10.0:
        raise DocumentError(
            "request", (Fault("/margin", "must be above 0 and at most 10, such as 0.4 for 40 %"),)
        )
    if not 0.0 <= discount_rate <= 10.0:
        raise DocumentError("request", (Fault("/discount_rate", "must be 0 or more, such as 0.1"),))
    everyone = np.ones(transactions.repeats.size, dtype=bool)
    if not _is_enough(transactions, everyone):
        again = int((transactions.repeats > 0).sum())
        raise FitError(
            f"The transactions hold {everyone.size} customers, {again} of whom ordered again; a "
            f"value needs at least {FEWEST_CUSTOMERS} and {FEWEST_REPEATERS}. Give a longer export."
        )


def _is_enough(transactions: Transactions, members: npt.NDArray[np.bool_]) -> bool:
    repeaters = int((transactions.repeats[members] > 0).sum())
    return int(members.sum()) >= FEWEST_CUSTOMERS and repeaters >= FEWEST_REPEATERS


def _fitted(  # noqa: PLR0913, PLR0917  (a group, and what it is pooled toward)
    transactions: Transactions,
    members: npt.NDArray[np.bool_],
    unit: float,
    whole: _Models | None,
    rng: np.random.Generator,
    draws: int,
) -> _Models:
    """Both models of some customers; pooled toward the whole's where given."""
    repeats, again = transactions.repeats[members], transactions.repeats[members] > 0
    bought = Purchases.of(repeats, transactions.recency[members], transactions.age[members])
    spent = Spending(repeats[again], transactions.repeat_mean[members][again] / unit)
    modes, logs = [], []
    for place, (likelihood, model, size) in enumerate(
        (
            (bought.log_likelihood, purchases, repeats.size),
            (spent.log_likelihood, spending, int(again.sum())),
        )
    ):
        centre, sd = model.CENTRE, model.SD
        moved = np.zeros((draws, centre.size))
        if whole is not None:
            centre, sd = whole.modes[place].at, np.full(centre.size, SEGMENT_SD)
            moved = whole.logs[place] - centre
        mode = find_mode(likelihood, centre, sd, size)
        modes.append(mode)
        logs.append(mode.around(moved, rng))
    return _Models((modes[0], modes[1]), (logs[0], logs[1]))


def _segment(  # noqa: PLR0913, PLR0917  (a group, its models, its terms)
    name: str,
    transactions: Transactions,
    members: npt.NDArray[np.bool_],
    models: tuple[_Models | None, _Models],
    terms: tuple[_Terms, float],
    rng: np.random.Generator,
) -> Segment:
    """One group's row; without models of its own, the whole's with the doubt between segments."""
    own, whole = models
    deal, unit = terms
    logs = (
        own.logs
        if own
        else tuple(drawn + SEGMENT_SD * rng.standard_normal(drawn.shape) for drawn in whole.logs)
    )
    pooled = order_value(whole.logs[1], np.ones(len(logs[1])))
    each = unit * order_value(logs[1], pooled)
    counted_on = np.ones_like(members) if own is None else members
    first = transactions.first_order[counted_on]
    error = float(first.std() / np.sqrt(first.size) / first.mean())
    noise = _alongside(np.log(each), _shared(transactions, counted_on), rng)
    firsts = first.mean() * np.exp(error * noise - 0.5 * error**2)
    counted, discounted = _orders(logs[0], deal.discount_rate)
    value = deal.margin * (firsts + each * discounted)
    low, high = np.quantile(value, (0.05, 0.95))
    return Segment(
        segment=name,
        customers=int(members.sum()),
        repeaters=int((transactions.repeats[members] > 0).sum()),
        first_order=float(first.mean()),
        order_value=float(np.median(each)),
        orders=float(counted.mean()),
        value=Worth(mean=float(value.mean()), p05=float(low), p95=float(high)),
        is_pooled=own is None,
        draws=value.tolist(),
    )


def _shared(transactions: Transactions, members: npt.NDArray[np.bool_]) -> float:
    """Correlation of the errors of the mean first order and of the order value.

    Both come from the same customers, as far as these ordered again.
    """
    again = members & (transactions.repeats > 0)
    first, later = transactions.first_order[again], transactions.repeat_mean[again]
    if again.sum() < FEWEST_REPEATERS or first.std() == 0.0 or later.std() == 0.0:
        return 0.0
    between = max(float(np.corrcoef(first, later)[0, 1]), 0.0)
    return between * float(np.sqrt(again.sum() / members.sum()))


def _alongside(drawn: FloatArray, correlation: float, rng: np.random.Generator) -> FloatArray:
    """Standard normal numbers (N,) that correlate with what was drawn (N,)."""
    spread = float(drawn.std())
    own = rng.standard_normal(drawn.size)
    if spread == 0.0:
        return own
    alongside = correlation * (drawn - drawn.mean()) / spread
    return np.asarray(alongside + np.sqrt(1.0 - correlation**2) * own)


def _orders(logs: FloatArray, discount_rate: float) -> tuple[FloatArray, FloatArray]:
    """Repeat orders (N,) of a new customer in the horizon: counted, and discounted."""
    r, alpha, a, b = np.exp(logs).T[..., None]
    weeks = np.arange(WEEKS + 1.0)
    orders = expected_orders(weeks, r=r, alpha=alpha, a=a, b=b)
    discount = (1.0 + discount_rate) ** (-weeks[1:] / WEEKS_PER_YEAR)
    return orders[:, -1], np.asarray(np.diff(orders, axis=1) @ discount)


def _like_the_whole(found: Segment, whole: Segment) -> Segment:
    """A small segment: centred on the whole's value, its own draws say the doubt."""
    factor = whole.value.mean / found.value.mean
    worth = found.value
    return found.model_copy(
        update={
            "order_value": whole.order_value,
            "orders": whole.orders,
            "value": Worth(
                mean=worth.mean * factor, p05=worth.p05 * factor, p95=worth.p95 * factor
            ),
            "draws": [draw * factor for draw in found.draws],
        }
    )


def _too_small(
    name: str, transactions: Transactions, members: npt.NDArray[np.bool_]
) -> CustomersFinding:
    again = int((transactions.repeats[members] > 0).sum())
    return CustomersFinding(
        code="small_segment",
        severity="warning",
        message=f"{name} has {int(members.sum())} customers, {again} of whom ordered again; below "
        f"{FEWEST_CUSTOMERS} and {FEWEST_REPEATERS} the value of all customers is taken.",
    )


def _told(transactions: Transactions) -> list[CustomersFinding]:
    return [
        CustomersFinding(
            code=found.code,
            severity="warning" if found.severity == "warning" else "note",
            message=found.message,
            row=found.row,
            column=found.column,
            file=found.file,
        )
        for found in transactions.findings
    ]
