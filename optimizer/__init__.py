"""Saturating response curves, fitted, and budgets split over them with a proof."""

from typing import TYPE_CHECKING, Any

from optimizer.amounts import sure
from optimizer.archive import Archive
from optimizer.cells import PlanWarning
from optimizer.compare import compare
from optimizer.comparison import Comparison, Difference, Move
from optimizer.curve_points import curve_points
from optimizer.errors import (
    ClusterError,
    DocumentError,
    Fault,
    FileError,
    FitError,
    HistoryError,
    InfeasibleError,
    OptimizerError,
    ProblemError,
    SolverError,
)
from optimizer.fit_report import FitReport
from optimizer.frontier import frontier
from optimizer.frontier_document import Frontier, FrontierPoint, RiskFrontier
from optimizer.model import Diagnostic, Model
from optimizer.plan import plan, what_if
from optimizer.plan_document import AllocationRow, Plan
from optimizer.risk_frontier import risk_frontier
from optimizer.scenario import Scenario
from optimizer.sensitivity import sensitivity
from optimizer.sensitivity_document import Sensitivity
from optimizer.version import VERSION
from optimizer.workbooks import full_workbook, plans_workbook

if TYPE_CHECKING:
    from optimizer.customers.document import Customers
    from optimizer.customers.transactions import Transactions, UnusableTransactionsError
    from optimizer.customers.value import value_customers
    from optimizer.experiments import NoTestError, propose_tests
    from optimizer.experiments_document import Experiments, ProposedTest
    from optimizer.files import (
        parse_history,
        parse_lift_tests,
        read_document,
        read_geo_revenue,
        read_history,
        read_lift_tests,
        read_series,
        read_transactions,
        write_whole,
    )
    from optimizer.fitting.fit import fit
    from optimizer.folders import open_archive
    from optimizer.funnels import funnel
    from optimizer.geo_revenue import GeoRevenue
    from optimizer.geo_test import GeoTestError, GeoTestResult, analyse_geo_test
    from optimizer.history import Control, History, Spacing, UnusableHistoryError
    from optimizer.lift_test_table import lift_test_record
    from optimizer.lift_tests import LiftTest, UnusableTestsError
    from optimizer.many import ManyFits, ManyPlans, fit_many, plan_many
    from optimizer.packing import (
        history_of_parquet,
        history_to_parquet,
        model_of_bytes,
        model_to_bytes,
    )
    from optimizer.peek import Peek, peek_tables
    from optimizer.quality import check
    from optimizer.series import SeriesTable
    from optimizer.tables.findings import Finding, Severity
    from optimizer.tables.texts import parse_document

__version__ = VERSION

# What reads and fits histories loads slower libraries, so it is imported on first use.
_ON_FIRST_USE = {
    "Customers": "optimizer.customers.document",
    "Transactions": "optimizer.customers.transactions",
    "UnusableTransactionsError": "optimizer.customers.transactions",
    "read_transactions": "optimizer.files",
    "value_customers": "optimizer.customers.value",
    "Control": "optimizer.history",
    "Experiments": "optimizer.experiments_document",
    "Finding": "optimizer.tables.findings",
    "GeoRevenue": "optimizer.geo_revenue",
    "GeoTestError": "optimizer.geo_test",
    "GeoTestResult": "optimizer.geo_test",
    "History": "optimizer.history",
    "LiftTest": "optimizer.lift_tests",
    "ManyFits": "optimizer.many",
    "ManyPlans": "optimizer.many",
    "NoTestError": "optimizer.experiments",
    "ProposedTest": "optimizer.experiments_document",
    "SeriesTable": "optimizer.series",
    "Severity": "optimizer.tables.findings",
    "Spacing": "optimizer.history",
    "UnusableHistoryError": "optimizer.history",
    "UnusableTestsError": "optimizer.lift_tests",
    "analyse_geo_test": "optimizer.geo_test",
    "check": "optimizer.quality",
    "fit": "optimizer.fitting.fit",
    "fit_many": "optimizer.many",
    "funnel": "optimizer.funnels",
    "history_of_parquet": "optimizer.packing",
    "history_to_parquet": "optimizer.packing",
    "lift_test_record": "optimizer.lift_test_table",
    "model_of_bytes": "optimizer.packing",
    "model_to_bytes": "optimizer.packing",
    "Peek": "optimizer.peek",
    "open_archive": "optimizer.folders",
    "parse_document": "optimizer.tables.texts",
    "parse_history": "optimizer.files",
    "parse_lift_tests": "optimizer.files",
    "peek_tables": "optimizer.peek",
    "plan_many": "optimizer.many",
    "propose_tests": "optimizer.experiments",
    "read_document": "optimizer.files",
    "read_geo_revenue": "optimizer.files",
    "read_history": "optimizer.files",
    "read_lift_tests": "optimizer.files",
    "read_series": "optimizer.files",
    "write_whole": "optimizer.files",
}

__all__ = [
    "AllocationRow",
    "Archive",
    "ClusterError",
    "Comparison",
    "Control",
    "Customers",
    "Diagnostic",
    "Difference",
    "DocumentError",
    "Experiments",
    "Fault",
    "FileError",
    "Finding",
    "FitError",
    "FitReport",
    "Frontier",
    "FrontierPoint",
    "GeoRevenue",
    "GeoTestError",
    "GeoTestResult",
    "History",
    "HistoryError",
    "InfeasibleError",
    "LiftTest",
    "ManyFits",
    "ManyPlans",
    "Model",
    "Move",
    "NoTestError",
    "OptimizerError",
    "Peek",
    "Plan",
    "PlanWarning",
    "ProblemError",
    "ProposedTest",
    "RiskFrontier",
    "Scenario",
    "Sensitivity",
    "SeriesTable",
    "Severity",
    "SolverError",
    "Spacing",
    "Transactions",
    "UnusableHistoryError",
    "UnusableTestsError",
    "UnusableTransactionsError",
    "__version__",
    "analyse_geo_test",
    "check",
    "compare",
    "curve_points",
    "fit",
    "fit_many",
    "frontier",
    "full_workbook",
    "funnel",
    "history_of_parquet",
    "history_to_parquet",
    "lift_test_record",
    "model_of_bytes",
    "model_to_bytes",
    "open_archive",
    "parse_document",
    "parse_history",
    "parse_lift_tests",
    "peek_tables",
    "plan",
    "plan_many",
    "plans_workbook",
    "propose_tests",
    "read_document",
    "read_geo_revenue",
    "read_history",
    "read_lift_tests",
    "read_series",
    "read_transactions",
    "risk_frontier",
    "sensitivity",
    "sure",
    "value_customers",
    "what_if",
    "write_whole",
]


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_ON_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
