"""Transactions, order by order, as what the models need of each customer.

Every change to what the file says is a finding: refunds are netted, orders of one day are one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from optimizer.customers.columns import roles_of_orders, tell_roles
from optimizer.customers.netting import netted
from optimizer.errors import HistoryError
from optimizer.tables.cells import Table, decimal_mark, is_blank, numbers
from optimizer.tables.dates import NO_DAY, days_of, iso
from optimizer.tables.findings import Finding, Notebook, UnusableHistoryError

FloatArray = npt.NDArray[np.float64]

APART = 182  # days without an order, beyond which dates
FEW = 0.01  # of all rows are strays


class UnusableTransactionsError(UnusableHistoryError):
    """Transactions have fatal findings: all are carried, the first few are in the text."""

    def __str__(self) -> str:
        return super().__str__().replace("The history", "The transactions file", 1)


@dataclass(frozen=True, slots=True)
class Transactions:
    """One row per customer (n,): when and how often they ordered, and for how much."""

    segment: npt.NDArray[Any]  # (n,), str; "" where the file names none
    repeats: FloatArray  # (n,), orders after the first
    recency: FloatArray  # (n,), weeks from the first order to the last
    age: FloatArray  # (n,), weeks from the first order to as_of
    first_order: FloatArray  # (n,), currency
    repeat_mean: FloatArray  # (n,), currency; 0 for one-time buyers
    as_of: dt.date
    currency: str | None = None
    findings: tuple[Finding, ...] = field(default=())

    @property
    def content_hash(self) -> str:
        """``sha256:`` of the customers' numbers and segments."""
        digest = hashlib.sha256("\0".join(self.segment.tolist()).encode())
        for numbers_ in (self.repeats, self.recency, self.age, self.first_order, self.repeat_mean):
            digest.update(np.ascontiguousarray(numbers_, dtype="<f8").tobytes())
        return f"sha256:{digest.hexdigest()}"

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        as_of: dt.date | None = None,
    ) -> Transactions:
        """From a data frame of orders: customer, date, amount[, segment][, currency].

        Raises
        ------
        UnusableTransactionsError
            With every fatal finding: unreadable dates, text in amounts, two currencies.
        HistoryError
            A column is missing or could be several.
        """
        table = Table(
            frame.set_axis([str(name) for name in frame.columns], axis=1),
            np.arange(2, len(frame) + 2),
        )
        return transactions_of_table(table, Notebook(), columns=columns, as_of=as_of)


def transactions_of_table(
    table: Table,
    notebook: Notebook,
    *,
    columns: Mapping[str, str] | None = None,
    as_of: dt.date | None = None,
) -> Transactions:
    """As :meth:`Transactions.from_frame`, from a table with its file and rows."""
    roles = roles_of_orders(table, columns or {})
    tell_roles(table, roles, notebook)
    try:
        orders = _orders(table, roles, notebook)
        currency = _currency(table, roles.get("currency"), notebook)
        notebook.raise_if_fatal()
    except UnusableHistoryError as found:
        raise UnusableTransactionsError(found.findings) from None
    orders, last = _until(orders, as_of, notebook)
    orders = netted(orders, notebook)
    if orders.empty:
        raise HistoryError("No order is left in the transactions. Check dates and amounts.")
    return _summary(orders, last, currency, notebook)


def _distinct(table: Table, column: str) -> tuple[Table, npt.NDArray[np.intp]]:
    """The different cells of a column, each at its first row, and where they stand."""
    codes, cells = pd.factorize(table.frame[column], use_na_sentinel=False)
    first = np.full(len(cells), len(codes), dtype=np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    frame = table.frame[[column]].iloc[first].reset_index(drop=True)
    return Table(frame, table.rows[first], table.file, table.usual_mark), codes


def _orders(table: Table, roles: Mapping[str, str], notebook: Notebook) -> pd.DataFrame:
    """The rows as customer, day, amount, segment, row; those without a customer left out."""
    dates, at = _distinct(table, roles["date"])
    day = days_of(dates, roles["date"], notebook)[at]
    amounts, at = _distinct(table, roles["amount"])
    texts = [cell for cell in amounts.frame[roles["amount"]].tolist() if isinstance(cell, str)]
    mark = decimal_mark(texts, amounts.usual_mark)
    if mark is None:
        notebook.fatal(
            "ambiguous_numbers",
            "amounts do not tell a decimal mark from a thousands mark; write them as 1234.5.",
            column=roles["amount"],
            file=table.file,
        )
    amount = numbers(amounts, roles["amount"], mark or ".", notebook)[at]
    found = pd.DataFrame({"day": day, "amount": amount, "row": table.rows})
    for role in ("customer", "segment"):
        found[role] = _words(table, roles[role]) if role in roles else ""
    again = table.frame.duplicated().to_numpy()
    _left_out(
        found,
        again,
        "duplicate_row",
        "{n} rows repeat an earlier row; they were left out.",
        notebook,
        table.file,
    )
    found = found[~again]
    for code, column, blank, message in (
        ("blank_customer", "customer", "", "{n} rows name no customer; they were left out."),
        ("blank_amount", "amount", 0.0, "{n} rows have no amount; they were left out."),
    ):
        marked = (found[column].isna() | (found[column] == blank)).to_numpy()
        _left_out(found, marked, code, message, notebook, table.file)
        found = found[~marked]
    return found[found["day"] != NO_DAY]


def _words(table: Table, column: str) -> npt.NDArray[Any]:
    distinct, at = _distinct(table, column)
    words = [
        "" if is_blank(cell) or cell != cell else " ".join(str(cell).split())  # noqa: PLR0124 (NaN)
        for cell in distinct.frame[column].tolist()
    ]
    return np.array(words, dtype=object)[at]


def _left_out(  # noqa: PLR0913, PLR0917  (rows, and what is said of them)
    rows: pd.DataFrame,
    marked: npt.NDArray[np.bool_],
    code: str,
    message: str,
    notebook: Notebook,
    file: str | None,
) -> None:
    count = int(marked.sum())
    if count:
        first = int(rows["row"].to_numpy()[np.argmax(marked)])
        notebook.warning(code, f"{message.format(n=count)}", row=first, file=file)


def _currency(table: Table, column: str | None, notebook: Notebook) -> str | None:
    if column is None:
        return None
    codes = sorted({str(word) for word in _words(table, column)} - {""})
    if len(codes) > 1:
        notebook.fatal(
            "two_currencies",
            f"{' and '.join(codes[:4])} are mixed; convert all amounts to one currency.",
            column=column,
            file=table.file,
        )
    return codes[0] if codes else None


def _until(
    orders: pd.DataFrame, as_of: dt.date | None, notebook: Notebook
) -> tuple[pd.DataFrame, int]:
    """The orders up to the last day of the data, and that day."""
    days = orders["day"].to_numpy()
    if as_of is None:
        orders = _without_strays(orders, notebook)
        return orders, int(orders["day"].max()) if len(orders) else 0
    last = (as_of - dt.date(1970, 1, 1)).days
    _left_out(
        orders,
        days > last,
        "future_date",
        f"{{n}} rows are dated after {as_of}; they were left out.",
        notebook,
        None,
    )
    return orders[days <= last], last


def _without_strays(orders: pd.DataFrame, notebook: Notebook) -> pd.DataFrame:
    """The orders without the few whose dates stand far before or after all others."""
    days = np.sort(orders["day"].to_numpy())
    gaps = np.flatnonzero(np.diff(days) > APART) + 1  # rows before each gap
    few = FEW * days.size
    early, late = gaps[gaps <= few], gaps[days.size - gaps <= few]
    first = days[early.max()] if early.size else days[:1].sum()
    last = days[late.min() - 1] if late.size else days[-1:].sum()
    stray = ~orders["day"].between(first, last).to_numpy()
    _left_out(
        orders,
        stray,
        "date_apart",
        f"{{n}} rows are dated half a year or more apart from all others, which run from "
        f"{iso(int(first))} to {iso(int(last))}; they were left out.",
        notebook,
        None,
    )
    return orders[~stray]


def _summary(
    orders: pd.DataFrame, last: int, currency: str | None, notebook: Notebook
) -> Transactions:
    """One row per customer, from orders sorted by customer and day."""
    codes = pd.factorize(orders["customer"])[0]
    starts = np.flatnonzero(np.r_[True, np.diff(codes) != 0])
    count = np.diff(np.r_[starts, codes.size]).astype(np.float64)
    day = orders["day"].to_numpy(dtype=np.float64)
    amount, segment = orders["amount"].to_numpy(), orders["segment"].to_numpy().astype(str)
    first, ends = day[starts], starts + count.astype(np.int64) - 1
    repeats = count - 1.0
    total = np.add.reduceat(amount, starts) - amount[starts]
    strays = int(np.unique(codes[(segment != segment[starts][codes]) & (segment != "")]).size)
    if strays:
        notebook.note(
            "two_segments",
            f"{strays} customers stand in several segments; the first order's counts.",
        )
    blank = int((segment[starts] == "").sum())
    if 0 < blank < starts.size:
        notebook.warning(
            "blank_segment",
            f"{blank} customers have no segment; they count for all customers only.",
        )
    once = float(np.mean(repeats == 0.0))
    notebook.note("one_time_buyers", f"{once:.0%} of {starts.size} customers ordered once.")
    return Transactions(
        segment[starts],
        repeats,
        (day[ends] - first) / 7.0,
        (last - first) / 7.0,
        amount[starts],
        np.where(repeats > 0.0, total / np.maximum(repeats, 1.0), 0.0),
        dt.date.fromisoformat(iso(last)),
        currency,
        tuple(notebook.findings),
    )
