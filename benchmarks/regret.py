"""Decision regret: is the money spent better after following the advice?

In markets whose truth is known, fit on the history, follow the advice, and count what it earns
between keeping the historical split (0 %) and the best possible one (100 %), all under the same
bounds and budget. Run as ``python -m benchmarks.regret [--markets 50] [--seeds grade|tune]``.
Grading and tuning seeds never meet; nothing is tuned on the graded ones.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import curve_fit

from benchmarks.figures import figures
from benchmarks.split import best_split, recommend, steady
from optimizer import Scenario, plan
from optimizer.fitting.fit import fit
from optimizer.history import History
from optimizer.model import Hill, Model, ModelChannel
from optimizer.synthetic import Market, attributed_market, national_market

FloatArray = npt.NDArray[np.float64]

Solver = Callable[[Model, FloatArray, tuple[float, float], float], FloatArray]

#: First seeds of the two disjoint sets; a set never holds more than SET_SIZE markets.
FIRST_SEED = {"grade": 3_000_000, "tune": 0}
SET_SIZE = 100_000

FAMILIES: dict[str, Callable[[int], Market]] = {
    "attributed": attributed_market,
    "national": national_market,
}
METHODS = ("caution 0", "caution 0.5", "caution 1", "point optimum", "least squares")
LEAST_AVAILABLE = 0.005  # of the history's value; markets with less to win are left out
COVERAGE_POINTS = np.linspace(0.25, 1.5, 6)  # multiples of mean spend
SAME_VALUE = 1e-6  # relative loss that is rounding, not harm: plans are published in whole cents
RESULTS = Path(__file__).parent / "results" / "regret.json"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What each method's advice was worth in one market."""

    seed: int
    available: float  # best over history, share of the history's value
    captured: dict[str, float]
    regret: dict[str, float]  # best less advice, share of best
    coverage: float  # share of points of the true curves inside the 90 % band
    seconds: float  # of the fit
    moves: tuple[float, float]
    endogenous: bool


def main() -> None:
    """Print the table and write it as JSON."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--markets", type=int, default=50)
    reader.add_argument("--seeds", choices=sorted(FIRST_SEED), default="grade")
    reader.add_argument("--solver", choices=sorted(SOLVERS), default="plan")
    reader.add_argument("--family", choices=sorted(FAMILIES), action="append")
    asked = reader.parse_args()
    if not 1 <= asked.markets <= SET_SIZE:
        reader.error(f"--markets takes 1 to {SET_SIZE}: the two sets of seeds must not meet")
    families = asked.family or list(FAMILIES)
    seeds = range(FIRST_SEED[asked.seeds], FIRST_SEED[asked.seeds] + asked.markets)
    print(f"{asked.seeds} seeds {seeds[0]} to {seeds[-1]}, the same for each family")
    table = {
        family: [judge(FAMILIES[family], seed, SOLVERS[asked.solver]) for seed in seeds]
        for family in families
    }
    for family, outcomes in table.items():
        report(family, outcomes)
    pooled = [harmed(o, "caution 0.5") for rows in table.values() for o in graded(rows)]
    low, high = wilson(sum(pooled), len(pooled))
    share = sum(pooled) / max(len(pooled), 1)
    print(f"\npooled harm, caution 0.5: {share:.1%} of {len(pooled)} (95 %: {low:.1%}-{high:.1%})")
    print()
    kept = {family: graded(rows) for family, rows in table.items() if graded(rows)}
    print("\n".join(figures(kept, share, [o for rows in kept.values() for o in rows])))
    RESULTS.parent.mkdir(exist_ok=True)
    rows = {family: [dataclasses.asdict(o) for o in outs] for family, outs in table.items()}
    RESULTS.write_text(json.dumps({"seeds": asked.seeds, "families": rows}, indent=1))


def planned(
    model: Model, current: FloatArray, moves: tuple[float, float], caution: float
) -> FloatArray:
    """The split that `plan` publishes for one period, (n_channels,), currency."""
    scenario = Scenario(
        budget=round(float(current.sum()), 2),
        periods=1,
        objective="revenue",
        caution=caution,
        bounds=moves,
        current=dict(zip(model.names, current.tolist(), strict=True)),
    )
    rows = plan(model, scenario).to_dict()["allocation"]
    return np.array([row["spend"] for row in rows])


SOLVERS = {"plan": planned, "own": recommend}


def judge(make: Callable[[int], Market], seed: int, solve: Solver = planned) -> Outcome:
    """Fit one market, take every method's advice, and count what it earns in truth."""
    market = make(seed)
    current, moves = market.current, market.moves
    began = time.perf_counter()
    model = fit(market.history, seed=seed)
    seconds = time.perf_counter() - began
    point, naive = fit(market.history, seed=seed, draws=0), least_squares(market.history)
    advice = {
        "caution 0": solve(model, current, moves, 0.0),
        "caution 0.5": solve(model, current, moves, 0.5),
        "caution 1": solve(model, current, moves, 1.0),
        "point optimum": solve(point, current, moves, 0.0),
        "least squares": solve(naive, current, moves, 0.0),
    }
    history = value(market, current)
    best = max(
        value(market, best_split(market.responses, current, moves)),
        history,
        *(value(market, split) for split in advice.values()),
    )
    worth = {method: value(market, split) for method, split in advice.items()}
    room = max(best - history, 1e-12 * history)
    return Outcome(
        seed=seed,
        available=(best - history) / history,
        captured={m: float(np.clip((v - history) / room, -1e3, 1)) for m, v in worth.items()},
        regret={m: (best - v) / best for m, v in worth.items()},
        coverage=coverage(market, model),
        seconds=seconds,
        moves=moves,
        endogenous=market.endogenous,
    )


def value(market: Market, split: FloatArray) -> float:
    """Incremental revenue per period of a split, by the truth."""
    return float(market.responses(split).sum())


def coverage(market: Market, model: Model) -> float:
    """Share of points of the true steady curves inside the 90 % band."""
    points = COVERAGE_POINTS[:, None] * market.history.spend[0].mean(axis=0)
    low, high = np.quantile(steady(model, points), [0.05, 0.95], axis=0)
    truth = market.responses(points)
    return float(((low <= truth) & (truth <= high)).mean())


def least_squares(history: History) -> Model:
    """The naive peer: a Hill curve per channel by curve_fit, on its own or on all revenue."""
    channels = []
    for i, name in enumerate(history.channels):
        spend = history.spend[0, :, i]
        attributed = history.layout == "attributed"
        revenue = history.revenue[0, :, i] if attributed else history.revenue[0]
        ceiling, half, slope = naive_hill(spend, revenue, intercept=not attributed)
        curve = Hill(ceiling=ceiling, half_saturation=half, slope=slope)
        channels.append(ModelChannel(channel=name, curve=curve))
    return Model(channels=channels)


def naive_hill(
    spend: FloatArray, revenue: FloatArray, *, intercept: bool
) -> tuple[float, float, float]:
    """Ceiling, half-saturation and slope by least squares, an intercept beside if asked."""
    usual, unit = spend.mean(), revenue.mean()

    def hill(u: FloatArray, top: float, half: float, slope: float, level: float) -> FloatArray:
        return np.asarray(top * u**slope / (u**slope + half**slope) + level * intercept)

    bounds = ([0.0, 0.01, 0.2, 0.0], [100.0, 100.0, 6.0, 10.0])
    start = [1.0, 1.0, 1.0, 0.5]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, _ = curve_fit(hill, spend / usual, revenue / unit, start, bounds=bounds)
    except RuntimeError:  # no convergence: the peer has no better idea than its start
        found = np.array(start)
    return float(found[0] * unit), float(found[1] * usual), float(found[2])


def graded(outcomes: list[Outcome]) -> list[Outcome]:
    """The markets with something to win."""
    return [o for o in outcomes if o.available >= LEAST_AVAILABLE]


def harmed(outcome: Outcome, method: str) -> bool:
    """Whether following the advice is worse than doing nothing."""
    return outcome.captured[method] * outcome.available < -SAME_VALUE


def wilson(harms: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share."""
    if count == 0:
        return 0.0, 1.0
    share, wide = harms / count, z**2 / count
    middle = (share + wide / 2) / (1 + wide)
    half = z / (1 + wide) * np.sqrt(share * (1 - share) / count + wide / (4 * count))
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def report(family: str, outcomes: list[Outcome]) -> None:
    """One family's lines."""
    kept = graded(outcomes)
    if not kept:
        print(f"\n{family}: no market with something to win")
        return
    cover = np.mean([o.coverage for o in outcomes])
    seconds = np.median([o.seconds for o in outcomes])
    print(
        f"\n{family}: {len(kept)} of {len(outcomes)} markets with something to win; "
        f"90 % bands cover {cover:.1%}; fit {seconds:.2f} s a market"
    )
    print(f"{'':16}{'captured %':>20}{'harm %':>24}{'regret %':>10}{'less point optimum':>22}")
    print(f"{'':16}{'median':>10}{'mean':>10}{'(95 %)':>24}{'mean':>10}{'(standard error)':>22}")
    for method in METHODS:
        captured = 100 * np.clip([o.captured[method] for o in kept], -1, 1)
        harms = sum(harmed(o, method) for o in kept)
        low, high = wilson(harms, len(kept))
        regret = 100 * np.array([o.regret[method] for o in kept])
        paired = regret - 100 * np.array([o.regret["point optimum"] for o in kept])
        error = paired.std(ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.inf
        share = f"{100 * harms / len(kept):.0f} ({100 * low:.0f}-{100 * high:.0f})"
        against = f"{paired.mean():+.2f} ({error:.2f})"
        print(
            f"{method:16}{np.median(captured):>10.0f}{captured.mean():>10.0f}"
            f"{share:>24}{regret.mean():>10.2f}{against:>22}"
        )


if __name__ == "__main__":
    main()
