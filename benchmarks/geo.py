"""What markets side by side are worth: a geo panel against the national total of its own data.

In geo markets whose truth is known, both are fitted on one history and asked for a split between
channels, under the same decision rule, budget and bounds; what the splits earn in truth is
counted as in `benchmarks.regret`. With ``--by-market`` the panel also plans every channel in every
market, counted against the best such plan. Run as ``python -m benchmarks.geo [--markets 20]
[--first 1000] [--national-channels 0] [--by-market]``.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

from benchmarks.regret.families import by_channel
from benchmarks.regret.judge import best_known, coverage, planned, value
from benchmarks.regret.scores import LEAST_AVAILABLE, SAME_VALUE
from benchmarks.regret.seeds import FIRST_SEED
from optimizer.fitting.fit import fit
from optimizer.model import Model
from optimizer.synthetic_geo import GeoMarket, geo_market

CAUTION = 0.5


@dataclass(frozen=True)
class Contest:
    """One geo market: what panel and total earn of what can be won."""

    seed: int
    available: float
    panel: float  # captured
    total: float  # captured
    panel_coverage: float  # cells' true curves inside the 90 % bands
    total_coverage: float
    seconds: float  # of the panel's fit
    by_market: float | None = None  # captured of what a split over all cells can win


def main() -> None:
    """Print one line a market and the medians."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--markets", type=int, default=20)
    reader.add_argument("--first", type=int, default=1000)
    reader.add_argument("--national-channels", type=int, default=0)
    reader.add_argument("--by-market", action="store_true")
    asked = reader.parse_args()
    if asked.first + asked.markets > FIRST_SEED["grade"]:
        reader.error("these seeds grade benchmarks.regret; take lower ones")
    print("seed   available  captured: panel  total   90 % bands: panel  total   fit s")
    contests = []
    for seed in range(asked.first, asked.first + asked.markets):
        market = geo_market(seed, national_channels=asked.national_channels)
        contest = judge(market, seed, by_market=asked.by_market)
        contests.append(contest)
        print(
            f"{seed:<9}{contest.available:>7.1%}{contest.panel:>16.0%}{contest.total:>7.0%}"
            f"{contest.panel_coverage:>19.0%}{contest.total_coverage:>7.0%}{contest.seconds:>8.2f}",
            flush=True,
        )
    report(contests)


def judge(market: GeoMarket, seed: int, *, by_market: bool = False) -> Contest:
    """Fit the panel and the total, plan per channel with both, and count what the plans earn."""
    national = market.national
    current, moves = national.current, market.moves
    began = time.process_time()
    panel = fit(market.history, seed=seed)
    seconds = time.process_time() - began
    total = fit(national.history, seed=seed)
    splits = [planned(m, current, moves, CAUTION) for m in (by_channel(panel), total)]
    history = value(national, current)
    worth = [value(national, split) for split in splits]
    best = max(value(national, best_known(national, moves)), history, *worth)
    room = max(best - history, 1e-12 * history)
    return Contest(
        seed=seed,
        available=(best - history) / history,
        panel=float(np.clip((worth[0] - history) / room, -1e3, 1)),
        total=float(np.clip((worth[1] - history) / room, -1e3, 1)),
        panel_coverage=coverage(market, panel),
        total_coverage=coverage(national, total),
        seconds=seconds,
        by_market=captured_by_market(market, panel) if by_market else None,
    )


def captured_by_market(market: GeoMarket, panel: Model) -> float:
    """What the panel's plan over all cells captures of what the best such plan wins."""
    current, moves = market.current, market.moves
    history = value(market, current)
    worth = value(market, planned(panel, current, moves, CAUTION))
    best = value(market, best_known(market, moves))
    room = max(best - history, worth - history, 1e-12 * history)
    return float(np.clip((worth - history) / room, -1e3, 1))


def report(contests: list[Contest]) -> None:
    """Medians, harm and coverage."""
    kept = [c for c in contests if c.available >= LEAST_AVAILABLE]
    print(f"\n{len(kept)} of {len(contests)} markets with something to win; caution {CAUTION:g}")
    for name in ("panel", "total"):
        captured = np.clip([getattr(c, name) for c in kept], -1, 1)
        harm = np.mean([getattr(c, name) * c.available < -SAME_VALUE for c in kept])
        cover = np.mean([getattr(c, f"{name}_coverage") for c in contests])
        print(
            f"{name:6} captures {np.median(captured):.0%} median, {captured.mean():.0%} mean; "
            f"harm {harm:.0%}; 90 % bands cover {cover:.1%}"
        )
    cells = [c.by_market for c in contests if c.by_market is not None]
    if cells:
        captured = np.clip(cells, -1, 1)
        harm = np.mean(captured < 0)
        print(
            f"by market, the panel captures {np.median(captured):.0%} median, "
            f"{captured.mean():.0%} mean of what a split over all cells can win; harm {harm:.0%}"
        )
    gain = np.median([c.panel for c in kept]) - np.median([c.total for c in kept])
    print(f"the panel's median is {100 * gain:.0f} points above the total's")


if __name__ == "__main__":
    main()
