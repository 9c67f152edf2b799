"""The shipped example as a file to download, in either layout."""

from __future__ import annotations

import csv
import io
from functools import cache

from api.serving.example import FOLDER

#: Layout -> the name its file is saved under.
EXAMPLES = {"attributed": "example-by-channel.csv", "aggregate": "example-by-week.csv"}


@cache
def example_csv(layout: str) -> str:
    """The example's history as CSV."""
    text = (FOLDER / "history.csv").read_text(encoding="utf-8")
    return text if layout == "attributed" else _by_week(text)


def _by_week(text: str) -> str:
    """Rows of date, channel, spend and revenue as one row a date, revenue added up."""
    weeks: dict[str, dict[str, float]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        week = weeks.setdefault(row["date"], {"revenue": 0.0})
        week["revenue"] += float(row["revenue"])
        week[f"{row['channel']}_spend"] = float(row["spend"])
    spends = sorted({name for week in weeks.values() for name in week} - {"revenue"})
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["date", *spends, "revenue"])
    for date, week in weeks.items():
        money = [*(week.get(name, 0.0) for name in spends), week["revenue"]]
        writer.writerow([date, *(f"{amount:.2f}" for amount in money)])
    return sink.getvalue()
