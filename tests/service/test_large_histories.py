"""The largest history that is taken is read within the shipped limits of time and memory."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from api.jobs.bounds import MOST_CHANNELS, MOST_COLUMNS, MOST_ROWS
from api.settings import Settings
from tests.service.running import serving

CHANNELS, WEEKS = 8, 156
MARKETS = MOST_ROWS // (CHANNELS * WEEKS)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table():
    """A row for every week, market and channel, money to the cent."""
    rng = np.random.default_rng(1)
    weeks = pd.date_range("2022-01-03", periods=WEEKS, freq="7D").strftime("%Y-%m-%d")
    markets = [f"market {number:03d}" for number in range(MARKETS)]
    channels = [f"channel {number}" for number in range(CHANNELS)]
    rows = pd.MultiIndex.from_product(
        [markets, weeks, channels], names=["market", "date", "channel"]
    )
    spend, revenue = rng.gamma(2.0, 500.0, len(rows)), rng.gamma(2.0, 900.0, len(rows))
    return rows.to_frame(index=False).assign(spend=spend.round(2), revenue=revenue.round(2))


def test_a_million_rows_are_one_history_as_text_and_as_parquet(table, tmp_path):
    files = {"text.csv": table.to_csv(index=False).encode(), "typed.parquet": parquet(table)}
    hashes = set()
    settings = Settings(folder=tmp_path, port=0, _env_file=None)
    with serving(settings) as service, service.client() as client:
        for name, data in files.items():
            answer = client.post("/v1/histories", files={"file": (name, data)})
            assert answer.status_code == 201, answer.text
            assert len(answer.json()["summary"]["markets"]) == MARKETS
            hashes.add(answer.json()["content_hash"])
    assert len(hashes) == 1


def test_a_table_as_wide_and_as_long_as_is_taken_is_read(tmp_path):
    """No two numbers are alike, so that nothing is held once."""
    days, columns = 9_000, MOST_COLUMNS - 2
    rng = np.random.default_rng(2)
    named = [f"channel {number} spend" for number in range(MOST_CHANNELS)]
    named += [f"control {number}" for number in range(columns - MOST_CHANNELS)]
    numbers = rng.uniform(1_000, 9_999, (days, columns)).round(2)
    table = pd.DataFrame(numbers, columns=named).assign(
        revenue=rng.uniform(1e5, 1e6, days).round(2)
    )
    table.insert(0, "date", pd.date_range("1999-01-01", periods=days).strftime("%Y-%m-%d"))
    files = {"file": ("wide.csv", table.to_csv(index=False).encode())}
    settings = Settings(folder=tmp_path, port=0, _env_file=None)
    with serving(settings) as service, service.client() as client:
        answer = client.post("/v1/histories", files=files)
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["summary"]["channels"]) == MOST_CHANNELS


def parquet(table: pd.DataFrame) -> bytes:
    memory = io.BytesIO()
    table.to_parquet(memory)
    return memory.getvalue()
