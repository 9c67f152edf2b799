"""Histories and models as bytes and back: every field, every digit."""

from __future__ import annotations

import io
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from optimizer import (
    Control,
    FileError,
    Finding,
    History,
    Model,
    Severity,
    Spacing,
    fit,
    history_of_parquet,
    history_to_parquet,
    model_of_bytes,
    model_to_bytes,
    read_history,
)
from optimizer.history import Measure
from optimizer.tables.columns import MEASURES
from tests.service.running import MODEL, SHOP

MONEY = st.floats(0, 1e13, allow_subnormal=True)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
FREQUENCIES = {Spacing.DAY: "D", Spacing.WEEK: "7D", Spacing.MONTH: "MS"}


def numbers(draw, *shape):
    count = int(np.prod(shape))
    return np.array(draw(st.lists(MONEY, min_size=count, max_size=count))).reshape(shape)


@st.composite
def findings(draw):
    return Finding(
        code=draw(NAMES),
        severity=draw(st.sampled_from(Severity)),
        message=draw(NAMES),
        row=draw(st.none() | st.integers(0, 10**6)),
        column=draw(st.none() | NAMES),
        file=draw(st.none() | NAMES),
    )


@st.composite
def parts(draw):
    """Every field of a history by its name."""
    layout, spacing = (
        draw(st.sampled_from(["attributed", "aggregate"])),
        draw(st.sampled_from(Spacing)),
    )
    channels = tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    markets = draw(st.just([None]) | st.lists(NAMES, min_size=1, max_size=3, unique=True))
    periods = draw(st.integers(1, 4))
    by_period = (len(markets), periods)
    controls = draw(st.lists(NAMES, max_size=2, unique=True))
    kinds = st.sampled_from(["promotion", "holiday", "demand", "other"])
    return {
        "layout": layout,
        "spacing": spacing,
        "dates": pd.date_range("2020-01-01", periods=periods, freq=FREQUENCIES[spacing]),
        "channels": channels,
        "markets": tuple(markets),
        "spend": numbers(draw, *by_period, len(channels)),
        "revenue": numbers(draw, *by_period, *[len(channels)] * (layout == "attributed")),
        "controls": tuple(
            Control(name, draw(kinds), numbers(draw, *by_period)) for name in controls
        ),
        "population": draw(st.none() | st.just(numbers(draw, len(markets)))),
        "currency": draw(st.none() | st.sampled_from(["EUR", "₽"])),
        "findings": tuple(draw(st.lists(findings(), max_size=2))),
        "measures": tuple(
            Measure(name, numbers(draw, *by_period, len(channels)))
            for name in draw(st.lists(st.sampled_from(MEASURES), max_size=2, unique=True))
        ),
    }


def assert_same(one, other):
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
        assert one.shape == other.shape
    elif isinstance(one, pd.DatetimeIndex):
        assert list(one) == list(other)
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    elif isinstance(one, Control | Measure):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    else:
        assert one == other
        assert type(one) is type(other)


def assert_same_history(one, other):
    for field in fields(History):
        assert_same(getattr(one, field.name), getattr(other, field.name))


@given(parts=parts())
@examples(max_examples=60)
def test_every_field_of_a_history_comes_back_to_the_last_digit(parts):
    assert parts.keys() == {field.name for field in fields(History)} - {"content_hash"}
    history = History(**parts)
    assert_same_history(history, history_of_parquet(history_to_parquet(history)))


def test_the_same_history_is_the_same_bytes():
    history = read_history(SHOP)
    assert history_to_parquet(history) == history_to_parquet(history)


def test_a_read_history_comes_back_and_fits_the_same_curves():
    history = read_history(SHOP)
    again = history_of_parquet(history_to_parquet(history))
    assert_same_history(history, again)
    one, other = fit(history, draws=5), fit(again, draws=5)
    assert one.to_dict() == other.to_dict()
    assert model_of_bytes(model_to_bytes(one)).to_dict() == one.to_dict()
    assert model_of_bytes(model_to_bytes(one)).content_hash == one.content_hash


DRAWN = st.integers(1, 40).flatmap(
    lambda count: st.lists(st.floats(1e-6, 1e12), min_size=count, max_size=count)
)


@given(scale=DRAWN, usual=st.floats(0, 1e12), name=NAMES.filter(str.strip))
def test_every_digit_of_a_model_comes_back(scale, usual, name):
    channel = {
        "channel": name,
        "history_spend_per_period": usual,
        "curve": {"family": "log", "scale": scale, "rate": 0.02},
    }
    model = Model.from_dict({**MODEL, "channels": [channel]})
    again = model_of_bytes(model_to_bytes(model))
    assert again.to_dict() == model.to_dict()
    assert again == model


@pytest.mark.parametrize("cut", [0, 1, 50, -20, -1])
def test_cut_bytes_are_refused_as_what_they_are(cut):
    history = history_to_parquet(read_history(SHOP))
    model = model_to_bytes(Model.from_dict(MODEL))
    with pytest.raises(FileError, match="hold no history"):
        history_of_parquet(history[:cut])
    with pytest.raises(FileError, match="hold no model"):
        model_of_bytes(model[:cut])


def test_a_parquet_file_of_somebody_elses_is_refused(tmp_path):
    place = tmp_path / "table.parquet"
    pd.DataFrame({"date": ["2024-01-01"], "spend": [1.0]}).to_parquet(place)
    with pytest.raises(FileError, match="hold no history"):
        history_of_parquet(place.read_bytes())


def test_nothing_pickled_is_read():
    sink = io.BytesIO()
    np.savez(sink, document=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match="hold no model"):
        model_of_bytes(sink.getvalue())
