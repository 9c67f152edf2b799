"""Saturating response curves, fitted, and budgets split over them with a proof."""

from optimizer.errors import (
    DocumentError,
    Fault,
    FileError,
    FitError,
    HistoryError,
    InfeasibleError,
    NotBuiltError,
    OptimizerError,
    ProblemError,
    SolverError,
)
from optimizer.model import Model
from optimizer.plan import Plan, plan, what_if
from optimizer.scenario import Scenario
from optimizer.version import VERSION as __version__

__all__ = [
    "DocumentError",
    "Fault",
    "FileError",
    "FitError",
    "HistoryError",
    "InfeasibleError",
    "Model",
    "NotBuiltError",
    "OptimizerError",
    "Plan",
    "ProblemError",
    "Scenario",
    "SolverError",
    "__version__",
    "plan",
    "what_if",
]
