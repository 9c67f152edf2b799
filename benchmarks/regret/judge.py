"""Fit one market by every method, follow each advice, and count what it earns in truth."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.regret.families import FAMILIES, NO_TESTS, OURS, POINT, TOTAL, Ground
from benchmarks.regret.scores import Advice
from benchmarks.split import best_split
from optimizer import Scenario, plan
from optimizer.model import Model
from optimizer.synthetic import Market

FloatArray = npt.NDArray[np.float64]
Bounds = tuple[float, float]

CAUTIONS = {"caution 0": 0.0, "caution 0.5": 0.5, "caution 1": 1.0}
BALANCED, PLUG_IN = "caution 0.5", "point optimum"
LIMITS: dict[str, Bounds | None] = {"±20 %": (0.8, 1.2), "0.5-2x": (0.5, 2.0), "free": None}
COVERAGE_POINTS = np.linspace(0.25, 1.5, 6)  # multiples of mean spend


@dataclass(frozen=True)
class Outcome:
    """What each advice was worth in one market."""

    family: str
    seed: int
    kind: str
    endogenous: bool
    moves: Bounds
    coverage: float  # share of points of the true curves inside our 90 % bands
    methods: dict[str, Advice]  # under the market's own bounds
    limits: dict[str, dict[str, Advice]]  # of our fit, under other bounds
    seconds: dict[str, float]  # of a processor: our fit and plan, other methods' fits


def judge(family: str, seed: int) -> Outcome:
    """One market of a family."""
    case = FAMILIES[family](seed)
    models, seconds = {}, {}
    for name, fitted in case.fits.items():
        began = time.process_time()
        models[name] = fitted()
        seconds[name] = time.process_time() - began
    ground = case.ground
    asked: dict[str, tuple[Model, float]] = {n: (models[OURS], c) for n, c in CAUTIONS.items()}
    asked[PLUG_IN] = (models[POINT], 0.0)
    rivals: dict[str, tuple[Model, float]] = {
        name: (model, CAUTIONS[BALANCED] if name in (NO_TESTS, TOTAL) else 0.0)
        for name, model in models.items()
        if name not in (OURS, POINT)
    }
    limits = {} if len(ground.history.markets) > 1 else LIMITS
    began = time.process_time()
    planned(models[OURS], ground.current, ground.moves, CAUTIONS[BALANCED])
    seconds["plan"] = time.process_time() - began
    return Outcome(
        family=family,
        seed=seed,
        kind=case.kind,
        endogenous=ground.endogenous,
        moves=ground.moves,
        coverage=coverage(ground, models[OURS]),
        methods=followed(ground, asked | rivals, ground.moves),
        limits={
            name: followed(ground, asked, bounds or unbounded(ground))
            for name, bounds in limits.items()
        },
        seconds=seconds,
    )


def followed(
    ground: Ground, asked: Mapping[str, tuple[Model, float]], bounds: Bounds
) -> dict[str, Advice]:
    """What each model's plan at its caution earns under these bounds."""
    worth = {
        name: value(ground, planned(model, ground.current, bounds, caution))
        for name, (model, caution) in asked.items()
    }
    history = value(ground, ground.current)
    best = max(value(ground, best_known(ground, bounds)), history, *worth.values())
    return {
        name: Advice(gain=v / history - 1.0, available=best / history - 1.0)
        for name, v in worth.items()
    }


def best_known(ground: Ground, bounds: Bounds) -> FloatArray:
    """The best split by the truth; by the allocator itself where cells are many."""
    if isinstance(ground, Market):
        return best_split(ground.responses, ground.current, bounds)
    return planned(ground.truth, ground.current, bounds, 0.0)


def unbounded(ground: Ground) -> Bounds:
    """Bounds within which any channel may take all of the money."""
    current = ground.current
    return 0.0, float(current.sum() / current.min())


def planned(model: Model, current: FloatArray, bounds: Bounds, caution: float) -> FloatArray:
    """The split that `plan` publishes for one period, (n_cells,), currency."""
    cells = [(entry.channel, entry.market) for entry in model.channels]
    spent: dict[str, float | dict[str, float]] = {}
    for (channel, market), money in zip(cells, current.tolist(), strict=True):
        if market is None:
            spent[channel] = money
        else:
            within = spent.setdefault(channel, {})
            assert isinstance(within, dict)
            within[market] = money
    scenario = Scenario(
        budget=round(float(current.sum()), 2),
        periods=1,
        objective="revenue",
        caution=caution,
        bounds=bounds,
        current=spent,
    )
    rows = plan(model, scenario).to_dict()["allocation"]
    found = {(row["channel"], row["market"]): row["spend"] for row in rows}
    return np.array([found[cell] for cell in cells])


def value(ground: Ground, split: FloatArray) -> float:
    """Incremental revenue per period of a split, by the truth."""
    return float(ground.responses(split).sum())


def coverage(ground: Ground, model: Model) -> float:
    """Share of points of the true steady curves of all cells inside the 90 % band."""
    usual = ground.history.spend.mean(axis=1).ravel()
    inside = []
    for factor in COVERAGE_POINTS.tolist():
        low, high = np.quantile(model.response(factor * usual), [0.05, 0.95], axis=0)
        truth = ground.responses(factor * usual)
        inside.append((low <= truth) & (truth <= high))
    return float(np.mean(inside))
