"""Schedules of 52 weeks x 10 channels with carryover, against cvxpy and Clarabel.

Run ``python -m benchmarks.schedule [--runs 7]``. Both solve the same problem in the same scaled
variables, the stocks, on one thread; ours includes its proof and whole cents. "Clarabel" is the
time its solver reports; "cvxpy" adds posing the problem to it. S-shaped cases have no rival that
proves anything: there the gap is what is reported, and the gain over an even schedule.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median

import cvxpy
import numpy as np

from benchmarks.report import keep, print_table
from optimizer import Model
from optimizer.allocation.schedule import ScheduleFound, solve_schedule
from optimizer.allocation.schedule_search import inside_start
from optimizer.allocation.stocks import FloatArray, ScheduleProblem
from optimizer.curves import HillCurve, LogCurve, MichaelisMentenCurve

SEED = 52
WEEKS, CHANNELS, DRAWS = 52, 10, 200
LARGEST_GAP = 8e-8
LEAST_SPEEDUP = 8.0


@dataclass(frozen=True)
class Measured:
    """One case: how good, how fast, and how fast the rival."""

    found: ScheduleFound
    milliseconds: float
    rival_value: float
    rival_milliseconds: float
    rival_solver_milliseconds: float


def usual_spend(rng: np.random.Generator) -> FloatArray:
    """Usual spend (n,) per week, currency."""
    return np.round(np.exp(rng.normal(9.0, 0.7, CHANNELS)), 2)


def concave(family: str, *, is_limited: bool = False, tail: int | None = None) -> ScheduleProblem:
    """A year's schedule over ten channels, retention up to 0.8, as last year's budget."""
    rng = np.random.default_rng(SEED)
    usual = usual_spend(rng)
    retention = rng.uniform(0.0, 0.8, CHANNELS)
    carried = usual / (1.0 - retention) * rng.uniform(0.3, 1.5, CHANNELS)
    height, bend = rng.uniform(2.0, 4.0, CHANNELS), rng.uniform(0.7, 2.0, CHANNELS)
    curve = {
        "log": LogCurve(usual * height, bend / usual),
        "Michaelis-Menten": MichaelisMentenCurve(height * usual, usual / bend, np.ones(CHANNELS)),
        "S-shaped": HillCurve(height * usual, usual / bend, 1.0 + bend),
    }[family]
    budget = round(float(usual.sum()) * WEEKS, 2)
    share = (0.5, 1.4) if is_limited else (0.0, 2.0 * WEEKS)
    floor, cap = (np.tile(np.round(part * usual, 2), (WEEKS, 1)) for part in share)
    return ScheduleProblem(
        cells=tuple(f"channel {i}" for i in range(CHANNELS)),
        gains=curve,
        retention=retention,
        carried=carried,
        floor=floor,
        cap=cap,
        lower=np.round(0.5 * WEEKS * usual, 2),
        upper=np.round(2.0 * WEEKS * usual, 2),
        least_total=budget,
        most_total=budget,
        reference=np.tile(usual, (WEEKS, 1)),
        smooth=0.05 if is_limited else None,
        tail=tail,
    )


def cautious(slope: float) -> ScheduleProblem:
    """The same year with draws around Hill curves and caution 0.5."""
    base, rng = concave("S-shaped"), np.random.default_rng(SEED + 1)

    def around(centre: float, most: float = np.inf) -> list[float]:
        return np.minimum(centre * np.exp(0.3 * rng.normal(size=DRAWS)), most).tolist()

    channels = []
    for i, usual in enumerate(base.reference[0]):
        curve = {"family": "hill", "ceiling": around(3.0 * usual), "half_saturation": around(usual)}
        curve["slope"] = around(0.9 * slope, slope)
        channels.append({"channel": str(i), "history_spend_per_period": usual, "curve": curve})
    tables = Model.from_dict({"channels": channels}).tabulated(base.level_range[1].max(axis=0))
    return replace(base, gains=tables, caution=0.5)


def rival(posed: ScheduleProblem) -> tuple[float, float, float]:
    """Value, milliseconds in all, milliseconds in Clarabel; stocks in units of usual spend."""
    started = time.perf_counter()
    unit = posed.reference[0]
    steps = np.arange(posed.n_counted - posed.n_periods + 1)[:, None]
    stock = cvxpy.Variable((posed.n_periods, CHANNELS))
    first = stock[:1] - (posed.retention * posed.carried / unit)[None]
    rest = stock[1:] - cvxpy.multiply(
        np.tile(posed.retention, (posed.n_periods - 1, 1)), stock[:-1]
    )
    spend = cvxpy.vstack([first, rest])
    earned, worth = [], float(unit.mean())
    for i, r in enumerate(posed.retention):
        tail = cvxpy.multiply((r ** steps[:, 0]), stock[-1, i] * np.ones(steps.size))
        level = (1.0 - r) * cvxpy.hstack([stock[:-1, i], tail])
        earned.append(_earned(posed, i, level) / worth)
    money = cvxpy.multiply(np.tile(unit, (posed.n_periods, 1)), spend) / worth
    totals = cvxpy.sum(money, axis=0)
    rows = [spend >= posed.floor / unit, totals >= posed.lower / worth]
    rows += [totals <= posed.upper / worth, cvxpy.sum(totals) == posed.most_total / worth]
    if posed.smooth is not None:
        rows += [spend <= posed.cap / unit]
        rows += [cvxpy.abs(spend[1:] - spend[:-1]) <= posed.smooth * spend[:-1]]
    asked = cvxpy.Problem(cvxpy.Maximize(cvxpy.sum(cvxpy.hstack(earned))), rows)
    asked.solve(solver=cvxpy.CLARABEL, max_threads=1)
    seconds = time.perf_counter() - started
    value = float(asked.value) * worth - float(posed.carried_gain.sum())
    return value, 1e3 * seconds, 1e3 * float(asked.solver_stats.solve_time)


def _earned(posed: ScheduleProblem, i: int, level: cvxpy.Expression) -> cvxpy.Expression:
    """What a channel earns at levels in units of its usual spend."""
    curve, unit = posed.mean_gain, posed.reference[0, i]
    if isinstance(curve, LogCurve):
        return curve.scale[i] * cvxpy.sum(cvxpy.log1p(curve.rate[i] * unit * level))
    assert isinstance(curve, MichaelisMentenCurve)
    scaled = level * (unit / curve.half_saturation[i])
    return curve.ceiling[i] * cvxpy.sum(1.0 - cvxpy.inv_pos(1.0 + scaled))


def timed(solve: Callable[[], ScheduleFound], runs: int) -> tuple[ScheduleFound, float]:
    """The answer and the median milliseconds of finding it."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        found = solve()
        seconds.append(time.perf_counter() - started)
    return found, 1e3 * median(seconds)


def measured(posed: ScheduleProblem, runs: int) -> Measured:
    """Ours and the rival's in turn, the same problem again and again."""
    solve_schedule(replace(posed))
    rival(posed)
    ours, others = [], []
    for _ in range(runs):
        found, milliseconds = timed(lambda: solve_schedule(replace(posed)), 1)
        ours.append(milliseconds)
        others.append(rival(posed))
    value, whole, inner = (median(part) for part in zip(*others, strict=True))
    return Measured(found, median(ours), value, whole, inner)


def against_clarabel(runs: int) -> dict[str, dict[str, float]]:
    """Every concave case: gap, times, and the rival's value relative to ours."""
    cases = {
        "log": concave("log"),
        "log, no tail": concave("log", tail=0),
        "log, caps, floors, steps": concave("log", is_limited=True),
        "Michaelis-Menten": concave("Michaelis-Menten"),
        "Michaelis-Menten, no tail": concave("Michaelis-Menten", tail=0),
        "Michaelis-Menten, caps, floors, steps": concave("Michaelis-Menten", is_limited=True),
    }
    figures = {}
    for name, posed in cases.items():
        case = measured(posed, runs)
        value = case.found.certificate.value
        figures[name] = {
            "gap": case.found.certificate.gap,
            "ms": case.milliseconds,
            "cvxpy + Clarabel, ms": case.rival_milliseconds,
            "Clarabel alone, ms": case.rival_solver_milliseconds,
            "times faster": case.rival_milliseconds / case.milliseconds,
            "times faster than its solver": case.rival_solver_milliseconds / case.milliseconds,
            "rival over ours": case.rival_value / value - 1.0,
        }
    return figures


def without_a_rival(runs: int) -> dict[str, dict[str, float]]:
    """S-shaped and cautious cases: gap, time, gain over spending the same evenly."""
    cases = {
        "S-shaped": concave("S-shaped"),
        "S-shaped, caps, floors, steps": concave("S-shaped", is_limited=True),
        f"{DRAWS} concave draws, caution 0.5": cautious(1.0),
        f"{DRAWS} S-shaped draws, caution 0.5": cautious(2.0),
    }
    figures = {}
    for name, posed in cases.items():
        found, milliseconds = timed(lambda posed=posed: solve_schedule(replace(posed)), runs)  # type: ignore[misc]
        even, _, _ = inside_start(posed)
        gain = found.certificate.value / posed.objective(even) - 1.0
        figures[name] = {
            "gap": found.certificate.gap,
            "ms": milliseconds,
            "gain over even": gain,
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    proved, others = against_clarabel(runs), without_a_rival(max(runs // 3, 1))
    head = ["concave", "gap", "ms", "cvxpy ms", "Clarabel ms", "x cvxpy", "x Clarabel", "its value"]
    rows = [
        [
            name,
            f"{case['gap']:.0e}",
            *(f"{case[key]:.0f}" for key in list(case)[1:4]),
            *(f"{case[key]:.1f}" for key in list(case)[4:6]),
            f"{case['rival over ours']:+.0e}",
        ]
        for name, case in proved.items()
    ]
    print_table(f"{WEEKS} weeks x {CHANNELS} channels, median of {runs}, one thread", head, rows)
    rows = [
        [name, f"{case['gap']:.0e}", f"{case['ms']:.0f}", f"{case['gain over even']:+.1%}"]
        for name, case in others.items()
    ]
    print_table("No rival proves these", ["case", "gap", "ms", "over even"], rows)
    as_posed = [case for name, case in proved.items() if "no tail" not in name]
    gap = max(case["gap"] for case in proved.values())
    speed = min(case["times faster"] for case in as_posed)
    print(f"{'held' if gap <= LARGEST_GAP else 'MISSED':8}gap {gap:.0e}, at most {LARGEST_GAP:.0e}")
    word = "held" if speed >= LEAST_SPEEDUP else "MISSED"
    print(f"{word:8}{speed:.1f} times faster at least, {LEAST_SPEEDUP:.0f} wanted; tail counted")
    keep("schedule", {"against Clarabel": proved, "no rival": others})


if __name__ == "__main__":
    main()
