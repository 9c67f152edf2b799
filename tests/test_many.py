"""The same models from one process and from several; a bad series and a dead worker stop none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from optimizer import History, HistoryError, Scenario, SeriesTable, fit, fit_many, plan, plan_many
from optimizer.many import seed_of
from optimizer.workers import LOST, spread
from tests.errands import deadly, deadly_once, squared
from tests.many_cases import rows, table, with_bad_series

BY = ["market", "brand"]
SAME = 1e-9  # of a number, wherever it was computed


def numbers(models) -> dict:
    """Every number of every curve, by key."""
    return {
        key: np.concatenate(
            [
                np.ravel([entry.curve.ceiling, entry.curve.half_saturation, entry.curve.slope])
                for entry in model.channels
            ]
        )
        for key, model in models.items()
    }


def assert_same(found, wanted):
    found, wanted = numbers(found), numbers(wanted)
    assert list(found) == list(wanted)
    for key, values in wanted.items():
        np.testing.assert_allclose(found[key], values, rtol=SAME, atol=0.0)


@pytest.fixture(scope="module")
def many():
    """Four good series and three bad ones, fitted in one process."""
    series = SeriesTable.from_frame(with_bad_series(table(4)), BY)
    return series, fit_many(series, workers=1, draws=20)


def test_every_series_is_the_fit_of_its_own_history(many):
    _, fits = many
    for number, (key, model) in enumerate(fits.models.items()):
        alone = fit(History.from_frame(rows(number)), seed=seed_of(1, key), draws=20)
        assert_same({key: model}, {key: alone})


def test_a_bad_series_is_a_finding_and_stops_no_other(many):
    _, fits = many
    codes = {key[0]: [finding.code for finding in found] for key, found in fits.failed.items()}
    assert codes == {
        "text": ["text_in_number"],
        "silent": ["no_spend"],
        "short": ["too_few_periods"],
    }
    assert len(fits.models) == 4


def test_processes_give_what_one_process_gives(many):
    series, fits = many
    beside = fit_many(series, workers=2, draws=20)
    assert_same(beside.models, fits.models)
    assert beside.failed == fits.failed
    assert list(beside.failed) == list(fits.failed)


def test_neither_order_nor_company_changes_a_model(many):
    _, fits = many
    backwards = [part for _, part in table(6).groupby(BY)][::-1]
    again = fit_many(SeriesTable.from_frame(pd.concat(backwards), BY), workers=1, draws=20)
    assert list(again.models)[-4:] == list(fits.models)[::-1]
    assert_same({key: again.models[key] for key in fits.models}, fits.models)


def test_other_seeds_draw_otherwise(many):
    series, fits = many
    other = numbers(fit_many(series, workers=1, draws=20, seed=2).models)
    assert all(np.any(other[key] != values) for key, values in numbers(fits.models).items())


def test_pairs_of_key_and_history_do_as_well():
    pairs = ((f"shop {number}", History.from_frame(rows(number))) for number in range(2))
    fits = fit_many(pairs, workers=1, draws=0)
    assert list(fits.models) == [("shop 0",), ("shop 1",)]


def test_a_key_that_comes_twice_is_refused():
    history = History.from_frame(rows(0))
    with pytest.raises(HistoryError, match="north comes twice"):
        fit_many([("north", history), ("north", history)], workers=1, draws=0)


def test_an_unknown_option_is_said_once_and_before_any_fit():
    with pytest.raises(TypeError, match="drawz"):
        fit_many(iter(()), workers=1, drawz=5)


def test_the_share_done_rises_to_one():
    told: list[float] = []
    fit_many(SeriesTable.from_frame(table(3), BY), workers=1, draws=0, progress=told.append)
    assert told == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_plans_of_many_models_are_the_plans_of_each(many):
    _, fits = many
    scenario = Scenario(periods=13)
    plans = plan_many(fits.models, scenario, workers=2)
    assert set(plans.plans) == set(fits.models)
    for key, model in fits.models.items():
        assert plans.plans[key].to_dict() == plan(model, scenario).to_dict()


def test_a_budget_for_every_key_and_one_that_cannot_be():
    fits = fit_many(SeriesTable.from_frame(table(3), BY), workers=1, draws=0)
    first, second, _ = fits.models
    current = sum(c.history_spend_per_period for c in fits.models[first].channels)
    fair = Scenario(periods=13, budget=round(13 * current, 2))
    plans = plan_many(fits.models, {first: fair, second: Scenario(periods=13, budget=1.0,
                      channels={"tv": {"min": 2.0}})}, workers=1)  # fmt: skip
    assert list(plans.plans) == [first]
    assert [found.code for found in plans.failed[second]] == ["infeasible_constraints"]


def test_every_item_comes_back_once_from_processes():
    found = sorted(spread(squared, range(50), workers=2))
    assert found == [(number, number * number) for number in range(50)]


def test_the_item_that_ends_its_worker_is_given_up_and_no_other():
    found = dict(spread(deadly, range(12), workers=2))
    assert found.pop(5) is LOST
    assert found == {number: number for number in range(12) if number != 5}


def test_what_a_dead_worker_held_is_done_again(tmp_path):
    items = [(number, str(tmp_path / "died")) for number in range(12)]
    found = list(spread(deadly_once, items, workers=2))
    assert sorted(number for (number, _), _ in found) == list(range(12))
    assert all(item[0] == result for item, result in found)


@pytest.mark.parametrize("workers", [1, 2])
def test_items_are_taken_as_workers_become_free(workers):
    taken = 0

    def counted():
        nonlocal taken
        for number in range(40):
            taken += 1
            yield number

    for place, _ in enumerate(spread(squared, counted(), workers=workers)):
        assert taken <= place + 1 + 3 * workers


def test_a_fault_of_the_items_themselves_ends_the_run():
    def broken():
        yield 1
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        list(spread(squared, broken(), workers=2))
