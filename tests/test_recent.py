"""Values kept to be used again: the last few, whoever asks, and never in a copy."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from optimizer import Model, Scenario, plan
from optimizer.recent import Recent

DRAWS = np.exp(0.2 * np.random.default_rng(1).standard_normal(50))
CHANNELS = [
    {
        "channel": name,
        "history_spend_per_period": 100.0,
        "curve": {"family": "log", "scale": list(900 * DRAWS), "rate": 0.01},
    }
    for name in ("tv", "radio")
]


def test_only_the_last_are_kept():
    made, kept = [], Recent[int](most=2)
    for key in (1, 2, 1, 3, 1, 2):
        kept.get(key, lambda key=key: made.append(key) or key)
    assert made == [1, 2, 3, 2]


def test_a_copy_and_a_pickle_start_empty():
    kept = Recent[int](most=2)
    kept.get("a", lambda: 1)
    for other in (copy.deepcopy(kept), pickle.loads(pickle.dumps(kept))):
        assert other.get("a", lambda: 2) == 2


def test_one_model_answers_many_threads_as_it_answers_one():
    model = Model.from_dict({"channels": CHANNELS})
    budgets = [1_000.0 * 4.0**power for power in range(6)]  # each wants tables of its own reach
    asked = [Scenario(periods=5, budget=budget, bounds=[0, 9]) for budget in budgets]
    alone = [plan(Model.from_dict({"channels": CHANNELS}), one).split for one in asked]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: plan(model, one).split, asked * 8))
    assert together == alone * 8
