"""Which family of curves, which carryover: chosen by how well the future is forecast, if asked.

Every candidate is fitted; then the second half of the history is forecast block by block, each
block by curves refitted to what was before it, and the log density of what really came is summed.
The carryover is chosen first, then the family of curves. Another replaces the usual one only where
it is clearly better: by two standard errors of the difference, and by a few units of log density
at least, since among several candidates chance alone may look like evidence.

References
----------
.. [1] Burkner et al. (2020), Approximate Leave-Future-Out Cross-Validation for Bayesian Time Series
   Models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimizer.errors import DocumentError, Fault, nearest
from optimizer.fitting import noise
from optimizer.fitting.aggregate import AggregateProblem
from optimizer.fitting.attributed import AttributedProblem
from optimizer.fitting.backtest import log_densities
from optimizer.fitting.mode import find_mode
from optimizer.fitting.panel_market import is_panel, panel_contrasts
from optimizer.fitting.priors import Beliefs, channel_priors
from optimizer.fitting.structure import CARRYOVERS, CURVES, USUAL, Structure, refuse_structure
from optimizer.history import History
from optimizer.model import Diagnostic, Evidence, StructureRecord

FloatArray = npt.NDArray[np.float64]
PriorEdits = Mapping[str, Mapping[str, tuple[float, float]]]

AUTO = "auto"
BLOCKS = tuple(np.linspace(0.5, 1.0, 7).tolist())
CLEAR = 2.0  # standard errors of a difference in log density
LEAST = 4.0  # units of log density


@dataclass(frozen=True)
class Chosen:
    """The structure a fit takes, with its priors and, where it was chosen, the evidence."""

    structure: Structure
    beliefs: Beliefs
    evidence: tuple[Evidence, ...] = ()

    @property
    def record(self) -> StructureRecord | None:
        """What the fit takes for granted, as the Model document holds it; None: the usual."""
        if self.structure == USUAL and not self.evidence:
            return None
        own = self.structure
        return StructureRecord(
            curve=own.curve,
            carryover=own.carryover,
            baseline=own.baseline,
            drift=own.drift,
            evidence=self.evidence,
        )

    @property
    def remarks(self) -> list[Diagnostic]:
        """What was asked for, or chosen, in words; nothing of the usual."""
        return [*_about(self.structure), *_about_choice(self.structure, self.evidence)]


def candidates(
    history: History, *, curve: str, carryover: str, baseline: str, drift: float
) -> tuple[Structure, ...]:
    """The structures that options leave open, the first the one to beat.

    Raises
    ------
    DocumentError
        An option is unknown, or the history's layout has no use for it.
    """
    known = {
        "curve": (curve, (*CURVES, AUTO)),
        "carryover": (carryover, (*CARRYOVERS, AUTO)),
        "baseline": (baseline, ("trend", "smooth")),
    }
    faults = tuple(
        Fault(f"/{key}", f'no {key} "{value}"; {nearest(value, options)}')
        for key, (value, options) in known.items()
        if value not in options
    )
    if faults:
        raise DocumentError("fit's options", faults)
    late = CARRYOVERS if history.layout == "aggregate" else CARRYOVERS[:1]
    found = tuple(
        Structure(curve=form, carryover=kept, baseline=baseline, drift=drift)  # type: ignore[arg-type]
        for kept in (late if carryover == AUTO else (carryover,))
        for form in (CURVES if curve == AUTO else (curve,))
    )
    for structure in found:
        refuse_structure(structure, history.layout, len(history.markets))
    return found


def choose(
    history: History, found: Sequence[Structure], priors: PriorEdits | None, seed: int
) -> Chosen:
    """The structure that forecasts clearly best, or the first.

    Raises
    ------
    DocumentError
        An edit of the priors is of none of the structures.
    """
    beliefs = [
        channel_priors(history, _edits(priors, structure, found, history), structure)
        for structure in found
    ]
    if len(found) == 1:
        return Chosen(found[0], beliefs[0])
    scores: dict[int, FloatArray] = {}

    def score(place: int) -> FloatArray:
        if place not in scores:
            scores[place] = np.concatenate(list(_scores(history, beliefs[place], seed)))
        return scores[place]

    best = 0
    for alike in ("curve", "carryover"):  # the carryover of the usual curve, then the curve
        leader, start = best, score(best)
        for place, structure in enumerate(found):
            if getattr(structure, alike) == getattr(found[leader], alike):
                gain = _evidence(structure, score(place) - start)
                if _is_clear(gain) and score(place).sum() > score(best).sum():
                    best = place
    evidence = tuple(_evidence(found[place], scores[place] - scores[0]) for place in sorted(scores))
    return Chosen(found[best], beliefs[best], evidence)


def _edits(
    priors: PriorEdits | None, own: Structure, found: Sequence[Structure], history: History
) -> PriorEdits | None:
    """The planner's edits that one structure reads; what none reads stays, to be refused."""
    read = set(own.parameters(history.layout))
    others = {name for each in found for name in each.parameters(history.layout)} - read
    return priors and {
        channel: {name: pair for name, pair in edits.items() if name not in others}
        for channel, edits in priors.items()
    }


def _scores(history: History, beliefs: Beliefs, seed: int) -> Iterator[FloatArray]:
    """Log density of each held-out period, market by market or of a panel as a whole."""
    if is_panel(history):
        rng = np.random.default_rng(seed)
        panel = find_mode(panel_contrasts(history, beliefs), rng)
        yield log_densities(panel, BLOCKS, rng).sum(axis=1)
        return
    for market in range(len(history.markets)):
        keep = np.flatnonzero(history.spend[market].sum(axis=0) > 0)
        if keep.size == 0 or history.revenue[market].sum() <= 0:
            continue
        rng = np.random.default_rng([seed, market])
        if history.layout == "aggregate":
            whole = find_mode(AggregateProblem.of(history, market, keep, beliefs), rng)
            yield log_densities(whole, BLOCKS, rng).sum(axis=1)
        else:
            each = find_mode(AttributedProblem.of(history, market, keep, beliefs), rng)
            yield log_densities(each, BLOCKS, rng).sum(axis=1)


def _evidence(structure: Structure, difference: FloatArray) -> Evidence:
    """The sum of differences by period, with the standard error of dependent ones."""
    carried = float(np.clip(noise.autocorrelation(difference), 0.0, 0.9))
    inflation = (1 + carried) / (1 - carried)
    return Evidence(
        curve=structure.curve,
        carryover=structure.carryover,
        difference=float(difference.sum()),
        standard_error=float(np.sqrt(difference.size * difference.var() * inflation)),
    )


def _is_clear(evidence: Evidence) -> bool:
    return evidence.difference > max(CLEAR * evidence.standard_error, LEAST)


def _about(structure: Structure) -> Iterator[Diagnostic]:
    """What an unusual structure means."""
    if structure.unusual:
        yield Diagnostic(code="structure", message=f"The fit takes {structure.in_words}.")


def _about_choice(structure: Structure, evidence: tuple[Evidence, ...]) -> Iterator[Diagnostic]:
    """By how much the choice forecasts better than what it replaced, or than the runner-up."""
    if not evidence:
        return
    first, others = evidence[0], evidence[1:]
    mine = next(
        e for e in evidence if (e.curve, e.carryover) == (structure.curve, structure.carryover)
    )
    forms = {id(e): _form(e, evidence) for e in evidence}
    usual = forms[id(first)]
    if mine is first:
        closest = max(others, key=lambda each: each.difference)
        message = (
            f"Of {len(evidence)} forms none forecasts the second half of the history clearly "
            f"better than {usual}, which stays. The nearest, {forms[id(closest)]}, differs by "
            f"{closest.difference:+.1f} in log density (standard error "
            f"{closest.standard_error:.1f})."
        )
    else:
        message = (
            f"The fit takes {forms[id(mine)]}: it forecasts the second half of the history better "
            f"than {usual}, by {mine.difference:.1f} in log density (standard error "
            f"{mine.standard_error:.1f})."
        )
    yield Diagnostic(code="structure_chosen", value=mine.difference, message=message)


def _form(one: Evidence, among: tuple[Evidence, ...]) -> str:
    """A form by what tells it from the others."""
    parts = {
        f"the curve {one.curve}": len({e.curve for e in among}) > 1,
        f"{one.carryover} carryover": len({e.carryover for e in among}) > 1,
    }
    return " with ".join(words for words, tells in parts.items() if tells)
