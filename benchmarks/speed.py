"""Seconds and megabytes of the main job, one thread.

Run ``python -m benchmarks.speed``: fit and plan of 10 channels x 156 weeks with 400 draws, each
layout in a process of its own so that its peak memory is its own; then re-planning a 12-channel
model inside one process. Medians over the runs.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from statistics import median

import numpy as np

from benchmarks.report import keep, print_table
from optimizer import Model, Scenario, fit, plan
from optimizer.history import Spacing
from optimizer.synthetic import attributed_market, national_market

RUNS = 5
REPLANS = 40
SEED = 7


def fit_and_plan(layout: str) -> dict[str, float]:
    """Seconds of one fit and one plan, and the process's peak memory."""
    if layout == "attributed":
        market = attributed_market(SEED, n_channels=10, n_periods=156, spacing=Spacing.WEEK)
    else:
        market = national_market(SEED, n_channels=10, n_periods=156)
    started = time.perf_counter()
    model = fit(market.history, seed=1)
    fitted = time.perf_counter()
    answer = plan(model, Scenario(periods=13, objective="profit"))
    planned = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return {
        "fit, s": fitted - started,
        "plan, s": planned - fitted,
        "peak, MB": peak,
        "gap": answer.certificate.gap if answer.certificate else np.nan,
    }


def in_a_fresh_process(layout: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.speed", "--once", layout]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def twelve_channels(draws: int) -> Model:
    """A hand-written model of twelve Hill curves, half of them S-shaped."""
    rng = np.random.default_rng(SEED)

    def around(centre: float, sd: float) -> float | list[float]:
        return (centre * np.exp(sd * rng.normal(size=draws))).tolist() if draws else centre

    channels = []
    for number in range(12):
        usual = float(np.exp(rng.normal(9.0, 0.7)))
        curve = {
            "family": "hill",
            "ceiling": around(usual * float(np.exp(rng.normal(1.0, 0.4))), 0.4),
            "half_saturation": around(1.3 * usual, 0.4),
            "slope": around(float(rng.uniform(0.7, 2.0)), 0.2),
        }
        channels.append(
            {"channel": f"channel {number}", "history_spend_per_period": usual, "curve": curve}
        )
    return Model.from_dict({"channels": channels})


def replan(draws: int, caution: float) -> float:
    """Processor milliseconds of a plan at a new budget, the model's first plan not counted."""
    model = twelve_channels(draws)
    total = 13.0 * sum(entry.history_spend_per_period or 0.0 for entry in model.channels)
    plan(model, Scenario(periods=13, caution=caution))
    seconds = []
    for number in range(REPLANS):
        scenario = Scenario(
            periods=13, caution=caution, budget=round(total * (0.8 + 0.01 * number), 2)
        )
        started = time.process_time()
        plan(model, scenario)
        seconds.append(time.process_time() - started)
    return 1e3 * median(seconds)


def main() -> None:
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(fit_and_plan(sys.argv[2])))
        return
    rows, figures = [], {}
    for layout in ("attributed", "aggregate"):
        runs = [in_a_fresh_process(layout) for _ in range(RUNS)]
        figures[layout] = {key: median(run[key] for run in runs) for key in runs[0]}
        seconds = figures[layout]["fit, s"] + figures[layout]["plan, s"]
        shown = [f"{figures[layout][key]:.2f}" for key in ("fit, s", "plan, s")]
        peak, gap = figures[layout]["peak, MB"], figures[layout]["gap"]
        rows.append([layout, *shown, f"{seconds:.2f}", f"{peak:.0f}", f"{gap:.0e}"])
    head = ["10 channels x 156 weeks, 400 draws", "fit, s", "plan, s", "both, s", "peak MB", "gap"]
    print_table(f"Median of {RUNS} fresh processes, one thread", head, rows)
    cases = [("no draws", 0, 0.0), ("400 draws, caution 0", 400, 0.0)]
    cases.append(("400 draws, caution 0.5", 400, 0.5))
    found = {name: replan(draws, caution) for name, draws, caution in cases}
    rows = [[name, f"{milliseconds:.1f}"] for name, milliseconds in found.items()]
    print_table(
        f"Re-planning 12 hand-written channels, median of {REPLANS} budgets",
        ["model", "ms"],
        rows,
    )
    keep("speed", figures | {"replan, ms": found})


if __name__ == "__main__":
    main()
