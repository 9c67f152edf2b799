"""Bring the page's catalogues of the core's sentences up to date: `python -m docs.catalogues`.

The templates are read from the source (see ``docs.messages``). New ones come in untranslated,
those the code no longer says go, translations stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from babel.messages.catalog import Catalog

from docs.expressions import Source
from docs.messages import messages
from docs.po_files import ROOT, PoFile

FILE = PoFile("core", "Sentences of the core, written by `python -m docs.catalogues`", counts=False)

#: Where nothing is said to a reader of the page, by the start of the path.
UNHEARD = {
    "the command line": (
        "api/cli.py",
        "api/client.py",
        "api/commands",
        "api/errors.py",
        "api/output.py",
        "api/remote.py",
        "api/services.py",
        "api/serving/doctor.py",
        "api/serving/operators.py",
        "api/settings.py",
        "api/store/backup.py",
        "api/supervise.py",
        "api/terminal",
        "optimizer/customers/columns.py",
        "optimizer/customers/mode.py",
        "optimizer/customers/netting.py",
        "optimizer/customers/purchases.py",
        "optimizer/customers/spending.py",
        "optimizer/customers/transactions.py",
        "optimizer/customers/value.py",
        "optimizer/experiments",
        "optimizer/folders.py",
        "optimizer/geo_",
        "optimizer/many.py",
        "optimizer/series.py",
        "optimizer/workers.py",
        "optimizer/archive.py",
    ),
    "descriptions for programs": ("api/routes", "api/schemas.py", "optimizer/__init__.py"),
    "workbooks, in English": ("optimizer/workbook",),
    "made-up histories": ("optimizer/misspecified_", "optimizer/synthetic"),
}
#: The page has its own words in a catalogue of its own; what it refuses is told as the core's is.
PAGE = ("api/page/", "RequestError")
#: What stands nowhere as a sentence: our words for placeholders that have a name, joints, phrases
#: that are put together from parts, complaints of libraries.
WORDS = (
    *("budget", "caution", "channel", "comparison", "control", "customers", "currency", "excluded"),
    *("frontier", "group", "history", "job", "key", "locked", "margin", "market", "maximum"),
    *("minimum", "model", "objective", "periods", "plan", "population", "profit", "revenue"),
    *("scenario", "segment", "spend", "split", "start", "unit", "day", "week", "month", "date"),
    *("{0}: {1}", "{0}; {1}", "{0}, {1}", "{0} ({1})"),
    *("budget at least {0}", "budget at most {0}", "{0} minimum", "{0} maximum", "group {0}"),
    *("target cac", "target profit", "target revenue", "target romi"),
    *("raise the budget by {0} to {1}", "lower the budget by {0} to {1}"),
    *("budget: {0}", "caution: {0}", "margin: {0}", "margin of {0}: {1}", "model: {0}"),
    *("objective: {0}", "periods: {0}", "split: {0}", "start: {0}"),
    *("given in {0}", "none in {0}", "sought in {0}"),
    *("channel: {0}", "clicks: {0}", "controls: {0}", "currency: {0}", "customers: {0}"),
    *("date: {0}", "impressions: {0}", "market: {0}", "orders: {0}", "population: {0}"),
    *("revenue: {0}", "spend: {0}", "revenue 0", "spend 0"),
    *("{number} day", "{number} days", "{number} week", "{number} weeks", "{number} month"),
    *("{number} months", "{number} period", "{number} periods", "{number} pair", "{number} pairs"),
    *("{number} control column", "{number} control columns", "over 99 %", "under 1 %"),
    *("the mean so far {number}", "a straight line {number}"),
    "the same periods of last year {number}",
    "the curve {0} with {1} carryover",
    *("a PDF document", "a database", "a picture"),
    *("must be above {0}", "must be at least {0}", "must be at most {0}", "must be below {0}"),
    "must be a finite number",
    "unable to parse input string as an integer, exceeded maximum size",
    "list should have at least {0} item after validation, not {1}",
)


@cache
def templates() -> dict[str, list[str]]:
    """Template -> the files that say it, both in order."""
    found: dict[str, set[str]] = {word: {"docs/catalogues.py"} for word in WORDS}
    for source in _sources():
        for template in messages(source, only=PAGE[1] if source.name.startswith(PAGE[0]) else ""):
            found.setdefault(template, set()).add(source.name)
    return {template: sorted(found[template]) for template in sorted(found)}


def _sources() -> Iterator[Source]:
    silent = tuple(start for starts in UNHEARD.values() for start in starts)
    for package in ("api", "optimizer"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if not path.relative_to(ROOT).as_posix().startswith(silent):
                yield Source.of(path, ROOT)


def text(language: str) -> str:
    """A language's catalogue as its file has to be: every template, with what is translated."""
    known, made = FILE.kept(language), Catalog(locale=language)
    for template, files in templates().items():
        old = known.get(template)
        told = old.string if old else ""
        made.add(template, told, [(file, 0) for file in files]).flags.clear()
    return FILE.text(made)


if __name__ == "__main__":
    FILE.write(text)
