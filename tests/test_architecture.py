"""The picture of the code, held against its imports: arrows point down, and the core is pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: A row imports the rows beneath it, not those above and not its neighbours. A name stands for a
#: module, or for a package with all that is in it.
ROWS = (
    ("api.cli",),
    ("api.commands",),
    ("api.remote",),
    ("api.client",),
    ("api.main", "api.supervise"),
    ("api.door", "api.gate"),
    ("api.routes", "api.page"),
    ("api.page.plans",),
    ("api.page.frame",),
    ("api.page.words",),
    ("api.auth",),
    ("api.services", "api.serving", "api.terminal"),
    ("api.jobs",),
    ("api.output", "api.store"),
    ("api.logs", "api.problems", "api.schemas", "api.settings"),
    ("api.errors",),
    ("optimizer",),
    ("optimizer.folders",),
    ("optimizer.files", "optimizer.many"),
    (
        "optimizer.risk_frontier",
        "optimizer.sensitivity",
        "optimizer.experiments",
        "optimizer.workbooks",
    ),
    ("optimizer.plan", "optimizer.frontier"),
    ("optimizer.compare",),
    ("optimizer.differences",),
    ("optimizer.settings",),
    ("optimizer.comparison", "optimizer.reasons"),
    ("optimizer.frontier_document",),
    ("optimizer.shadow_prices",),
    ("optimizer.notices", "optimizer.outcome", "optimizer.scheduling"),
    ("optimizer.plan_document",),
    (
        "optimizer.sensitivity_document",
        "optimizer.experiments_document",
    ),
    ("optimizer.workbook",),
    ("optimizer.curve_points",),
    ("optimizer.enough_budget",),
    ("optimizer.cells",),
    ("optimizer.contradictions",),
    ("optimizer.demands",),
    ("optimizer.limits", "optimizer.delivery", "optimizer.timing"),
    ("optimizer.customer_values",),
    ("optimizer.periods",),
    (
        "optimizer.synthetic_geo",
        "optimizer.synthetic_experiments",
        "optimizer.synthetic_hard",
        "optimizer.misspecified_shops",
    ),
    ("optimizer.scenario", "optimizer.synthetic", "optimizer.synthetic_shops", "optimizer.funnels"),
    ("optimizer.rules", "optimizer.sources"),
    ("optimizer.packing",),
    (
        "optimizer.allocation",
        "optimizer.fitting",
        "optimizer.customers",
        "optimizer.lift_test_table",
        "optimizer.geo_test",
    ),
    ("optimizer.heights", "optimizer.fit_report"),
    ("optimizer.archive", "optimizer.series", "optimizer.workers", "optimizer.peek"),
    ("optimizer.model", "optimizer.quality", "optimizer.lift_tests", "optimizer.geo_revenue"),
    ("optimizer.geography",),
    ("optimizer.history", "optimizer.economics"),
    ("optimizer.tables",),
    ("optimizer.curves", "optimizer.adstock", "optimizer.documents"),
    (
        "optimizer.wording",
        "optimizer.amounts",
        "optimizer.information",
        "optimizer.synthetic_control",
    ),
    ("optimizer.errors", "optimizer.recent", "optimizer.version"),
)

#: Inside the packages the same rule holds, row by row.
INSIDE = {
    "optimizer.allocation": (
        ("allocate", "schedule"),
        ("schedule_search", "risk"),
        ("interior", "steps", "coupled"),
        ("lots",),
        ("rounding", "branch", "quadratic", "chain", "envelope", "schedule_proof"),
        ("paths",),
        ("conflicts", "nearest"),
        ("elastic",),
        ("limits",),
        ("chords",),
        ("programs",),
        ("columns", "majorants"),
        ("mixture", "prices", "certificate", "stocks", "separable", "fast"),
        ("lagrangian", "separable_kernel"),
        ("row_products", "tangents"),
        ("problem",),
        ("rows", "measures"),
    ),
    "optimizer.curves": (
        ("draws", "mixed"),
        ("hill", "concave", "table"),
        ("hill_kernels",),
        ("kernels",),
        ("curve", "fast"),
    ),
    "optimizer.workbook": (
        ("several",),
        ("summary", "split", "curves", "schedule", "frontier", "terms"),
        ("book",),
    ),
    "optimizer.customers": (
        ("value",),
        ("mode", "purchases", "spending", "document", "transactions"),
        ("columns", "netting"),
    ),
    "optimizer.tables": (
        ("grid", "formats", "sharing"),
        ("extent", "gaps"),
        ("axes", "openings", "observations", "guess"),
        ("columns", "dates"),
        ("cells", "headers", "texts"),
        ("findings",),
    ),
    "api.commands": (
        ("demo", "histories", "frontier", "compare", "experiment", "customers", "service"),
        ("plans", "many"),
        ("questions", "options"),
    ),
    "api.page": (
        ("routers",),
        ("home", "signing", "errors", "jobs", "models", "data", "bench"),
        ("plans",),
        ("frame",),
        ("words",),
    ),
    "api.page.data": (
        ("histories", "drafts"),
        ("columns", "examples"),
    ),
    "api.page.bench": (
        ("scenarios",),
        ("files",),
        ("workbench",),
        ("faults",),
        ("link", "question", "relaxing"),
    ),
    "api.page.plans": (
        ("kept", "compare"),
        ("report", "again"),
        ("reading", "around", "bundle"),
        ("advice", "budgets", "side_by_side"),
        ("moves",),
        ("pictures", "curves"),
    ),
    "api.page.frame": (
        ("rendering",),
        ("forms", "lists", "assets"),
        ("address", "visitor"),
    ),
    "api.page.words": (
        ("templating",),
        ("language",),
        ("sentences",),
        ("sentence_templates",),
    ),
}

SOLVERS = {"scipy.optimize", "cvxpy", "clarabel", "highspy"}
IMPURE = {"os", "sys", "time", "random", "socket", "subprocess", "pathlib", "tempfile", "shutil"}
IMPURE_CALLS = {"open", "print", "input"}
DOORS = {"optimizer.files", "optimizer.folders", "optimizer.workers"}  # to disk, to processes


def modules(package: str) -> dict[str, Path]:
    """Every module of a top-level package by its dotted name."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = path
    return found


ALL = modules("optimizer") | modules("api")
CORE = {name: path for name, path in ALL.items() if name.startswith("optimizer")}


def imports(path: Path) -> set[str]:
    """Dotted names a module imports, at any depth; a name from a package counts as a module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules_inside = inner & ALL.keys()
            names |= modules_inside or {node.module}
    return names


def row_of(module: str, rows: tuple[tuple[str, ...], ...]) -> tuple[int, str] | None:
    """The row a module stands in and the name it stands there under."""
    best = None
    for place, row in enumerate(rows):
        for name in row:
            covers = module == name or module.startswith(name + ".")
            if covers and (best is None or len(name) > len(best[1])):
                best = (place, name)
    return best


@pytest.mark.parametrize("module", sorted(ALL))
def test_arrows_point_down(module):
    if module == "api":
        return
    here = row_of(module, ROWS)
    assert here is not None, f"{module} stands in no row; give it one"
    assert here[1] != "optimizer" or module == "optimizer", f"{module} stands in no row"
    for imported in imports(ALL[module]):
        there = row_of(imported, ROWS)
        if there is None or there[1] == here[1]:
            continue
        assert there[0] > here[0], f"{module} imports {imported}, which does not lie beneath it"


@pytest.mark.parametrize("package", sorted(INSIDE))
def test_arrows_point_down_inside_the_packages(package):
    rows = tuple(tuple(f"{package}.{name}" for name in row) for row in INSIDE[package])
    for module, path in ALL.items():
        if not module.startswith(package + "."):
            continue
        here = row_of(module, rows)
        assert here is not None, f"{module} stands in no row of {package}"
        for imported in imports(path):
            there = row_of(imported, rows)
            if there is not None and there != here:
                assert there[0] > here[0], f"{module} imports {imported}"


def test_the_shell_comes_in_by_the_one_door():
    for module, path in modules("api").items():
        inner = {name for name in imports(path) if name.startswith("optimizer.")}
        assert not inner, f"{module} imports {inner}; use the names in optimizer/__init__"


def test_the_certificate_imports_no_solver_and_stays_short():
    path = CORE["optimizer.allocation.certificate"]
    reached, waiting = set(), ["optimizer.allocation.certificate"]
    while waiting:
        module = waiting.pop()
        if module in reached or module not in CORE:
            continue
        reached.add(module)
        waiting += imports(CORE[module])
    for module in reached - {"optimizer.allocation", "optimizer"}:
        source = CORE[module].read_text()
        loaded = {name for name in imports(CORE[module]) if name in SOLVERS}
        assert loaded <= {"cvxpy"}, f"{module} imports {loaded}"
        assert "cvxpy" not in loaded or "    import cvxpy" in source, "only on demand, for others"
    assert len(path.read_text().splitlines()) < 150


@pytest.mark.parametrize("module", sorted(set(CORE) - DOORS))
def test_the_core_opens_no_file_reads_no_clock_and_prints_nothing(module):
    tree = ast.parse(CORE[module].read_text())
    assert not imports(CORE[module]) & IMPURE, module
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in IMPURE_CALLS, f"{module} calls {node.func.id}"
        if isinstance(node, ast.Attribute):
            hidden = node.attr in {"now", "today", "seed"} and isinstance(node.value, ast.Attribute)
            assert not hidden, f"{module} reads a clock or hides randomness: {node.attr}"


def test_the_rows_name_only_what_is_there():
    for row in ROWS:
        for name in row:
            assert name in ALL, f"{name} is in the picture but not in the code"
