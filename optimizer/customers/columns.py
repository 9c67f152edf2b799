"""Which column of the transactions plays which part: as given, or by usual names."""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.errors import HistoryError, nearest
from optimizer.tables.cells import Table
from optimizer.tables.columns import shortened
from optimizer.tables.findings import ROLES, Notebook, stopped
from optimizer.tables.headers import folded

USUAL = {
    "customer": (
        "customer",
        "customer_id",
        "client",
        "client_id",
        "user_id",
        "kunde",
        "kundennummer",
    ),
    "date": ("date", "order_date", "day", "transaction_date", "datum", "created_at"),
    "amount": ("amount", "order_value", "revenue", "total", "sales", "betrag", "umsatz"),
    "segment": ("segment", "channel", "acquisition_channel", "source", "medium", "kanal"),
    "currency": ("currency", "currency_code", "waehrung", "währung"),
}
NEEDED = ("customer", "date", "amount")


def roles_of_orders(table: Table, given: Mapping[str, str]) -> dict[str, str]:
    """Role -> column, as given or by usual names."""
    names = list(table.frame.columns)
    where = f"{table.file}: " if table.file else ""
    found = {}
    for role, column in given.items():
        if role not in USUAL:
            raise HistoryError(
                f'{where}columns has no key "{role}"; {stopped(nearest(role, USUAL))}'
            )
        if column not in names:
            hint = stopped(nearest(column, names))
            raise HistoryError(f'{where}there is no column "{column}" (given as {role}); {hint}')
        found[role] = column
    for role, usual in USUAL.items():
        fits = [name for name in names if folded(name) in usual and name not in found.values()]
        if role not in found and len(fits) > 1:
            raise HistoryError(
                f'{where}"{fits[0]}" and "{fits[1]}" could each be the {role}. Say which.'
            )
        if role not in found and fits:
            found[role] = fits[0]
    missing = [role for role in NEEDED if role not in found]
    if missing:
        raise HistoryError(
            f"{where}no {missing[0]} column was recognised among {', '.join(names[:20])}. "
            "Transactions need a customer, a date and an amount in every row."
        )
    return found


def tell_roles(table: Table, roles: Mapping[str, str], notebook: Notebook) -> None:
    """Write down which column was taken for what, and which for nothing."""
    told = "; ".join(f"{role}: {column}" for role, column in roles.items())
    notebook.note(ROLES, f"columns taken: {told}.", file=table.file)
    left = [f'"{name}"' for name in table.frame.columns if name not in roles.values()]
    if left:
        notebook.note("ignored_columns", f"columns not used: {shortened(left)}.", file=table.file)
