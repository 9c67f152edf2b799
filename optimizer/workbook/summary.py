"""The sheet Summary: the plan in one sentence, its totals with their doubt, its warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optimizer.amounts import about, interval, sure
from optimizer.workbook.book import Book, Page

WIDTHS = (30, 20, 18, 18)
TOTALS = (
    ("spend", "cents unit"),
    ("revenue", "money unit"),
    ("profit", "money unit"),
    ("romi", "ratio"),
    ("uplift", "money unit"),
)
NAMES = {
    "romi": "ROMI",
    "revenue": "incremental revenue",
    "uplift": "gain over the current split",
}
GAINS = {"profit": "profit", "customer_value": "customer value"}  # objective -> its money
SAME = 0.011  # currency; apart by no more than rounding to the cent


def add_summary(book: Book, plan: Mapping[str, Any]) -> None:
    """Write the sheet."""
    page = book.page("Summary", WIDTHS)
    page.title(plan.get("name") or "Plan")
    page.sentence(headline(plan), "lead")
    page.row += 1
    _length(page, plan)
    page.part("What it brings")
    _totals(page, plan["totals"])
    chance = plan["totals"]["uplift"].get("probability_positive")
    page.row += 1
    page.fact("chance that the gain is positive", chance, "chance")
    proof = plan.get("certificate")
    if proof:
        page.part("How good it is")
        page.sentence(f"Proof: {proof['statement']} (by {plan['route']}).")
    warnings = list(_warnings(plan))
    if warnings:
        page.part("Before you act on it")
        for sentence in warnings:
            page.sentence(sentence)


def headline(plan: Mapping[str, Any]) -> str:
    """The plan in one sentence."""
    unit = f" {plan['currency']}" if plan.get("currency") else ""
    what = "The best split of" if plan.get("certificate") else "This split of"
    head = f"{what} {plan['totals']['spend']:,.2f}{unit}".replace(".00", "", 1)
    gain = plan["totals"]["uplift"]
    if all(abs(row["spend"] - row["current_spend"]) < SAME for row in plan["allocation"]):
        return f"{head} is the current split: there is no gain to expect."
    kind = GAINS.get(plan["objective"], "revenue")
    mean = gain["mean"] or 0.0
    verb, other = ("earns", "more") if mean >= 0.0 else ("earns", "less")
    said = f"{head} {verb} {about(abs(mean))}{unit} {other} {kind} than the current split"
    if gain.get("p05") is None or gain.get("probability_positive") is None:
        return f"{said}; how sure that is cannot be said without draws."
    ends = sorted((gain["p05"], gain["p95"])) if mean >= 0.0 else (-gain["p95"], -gain["p05"])
    return f"{said} ({interval(*ends)}); {sure(gain['probability_positive'])} sure it earns more."


def _length(page: Page, plan: Mapping[str, Any]) -> None:
    """When the plan runs and what it was judged by."""
    period = plan.get("period", "week")
    length = f"{plan['periods']} {period}{'s'[: plan['periods'] != 1]}"
    start = f" from {plan['start']}" if plan.get("start") else ""
    page.fact("plan", length + start)
    page.fact("judged by", plan["objective"])


def _totals(page: Page, totals: Mapping[str, Any]) -> None:
    """Every total with its mean and interval, by its own form."""
    certain = all((totals[key] or {}).get("p05") is None for key, _ in TOTALS[1:])
    ends = () if certain else ("p05", "p95")
    headings = ("", "mean", "5 % are below", "5 % are above")
    for place in range(2 + len(ends)):
        page.put(place, headings[place], "heading text" if place == 0 else "heading")
    page.row += 1
    for key, form in TOTALS:
        figures = totals[key] if key != "spend" else {"mean": totals[key]}
        page.put(0, NAMES.get(key, key))
        for place, end in enumerate(("mean", *ends), start=1):
            page.put(place, figures.get(end), form)
        page.row += 1


def _warnings(plan: Mapping[str, Any]) -> Iterator[str]:
    """Each warning once, channels that share a sentence's wording kept apart."""
    yield from dict.fromkeys(f"•  {warning['message']}" for warning in plan.get("warnings") or ())
