"""What every door of romi does with files: scenarios with their histories and models."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from optimizer import (
    DocumentError,
    Fault,
    FileError,
    Model,
    Plan,
    Scenario,
    read_document,
)

if TYPE_CHECKING:
    from optimizer import FitReport, Frontier, History, LiftTest, RiskFrontier, SeriesTable

DOCUMENTS = (".yaml", ".yml", ".json")
TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
DEFAULT_SEED = 1

Layout = Literal["attributed", "aggregate"]

Tell = Callable[[str], None]
Advance = Callable[[float], None]


def tell_nobody(_: str | float) -> None:
    """Progress that nobody asked for."""


@dataclass(frozen=True)
class Question:
    """A scenario with the model it is put to."""

    scenario: Scenario
    model: Model

    def put(self, scenario: Scenario) -> Self:
        """Another scenario, put to the same model."""
        return replace(self, scenario=scenario)

    def plan(self) -> Plan:
        """The best split."""
        import optimizer

        return optimizer.plan(self.model, self.scenario)

    def what_if(self, split: Mapping[str, Any]) -> Plan:
        """What a split would bring."""
        import optimizer

        return optimizer.what_if(self.model, self.scenario, split)

    def frontier(self, **span: Any) -> Frontier:
        """The best plan of every budget of a span."""
        import optimizer

        return optimizer.frontier(self.model, self.scenario, **span)

    def risk_frontier(self, **span: Any) -> RiskFrontier:
        """Plans of less and less risk."""
        import optimizer

        return optimizer.risk_frontier(self.model, self.scenario, **span)


def read_scenario(path: Path) -> Scenario:
    """The scenario of a YAML or JSON file."""
    if path.suffix.lower() in TABLES:
        raise FileError(
            f"{path} is a table, not a scenario. Write a scenario that names it, such as "
            f"`history: {{file: {path.name}}}` and `periods: 13`, and give that file."
        )
    content = read_document(path)
    if isinstance(content.get("channels"), list):
        raise FileError(f"{path} is a model, not a scenario; give it with --model.")
    if "allocation" in content:
        raise FileError(
            f"{path} is a plan, not a scenario. Give the scenario it came from; "
            "`romi what-if` takes a plan with --split."
        )
    return Scenario.from_dict(content)


def read_model(path: Path) -> Model:
    """The model of a JSON or YAML file."""
    if path.suffix.lower() in TABLES:
        raise FileError(
            f"{path} is a table, not a model; `romi fit {path} -o model.json` makes one."
        )
    content = read_document(path)
    if "periods" in content or "allocation" in content:
        what = "plan" if "allocation" in content else "scenario"
        raise FileError(f"{path} is a {what}, not a model; `romi fit` writes one with -o.")
    return Model.from_dict(content)


def read_plans(paths: list[Path]) -> dict[str, Plan]:
    """Plans by a label each: the file's name, or its whole path where names are alike."""
    stems = [path.stem for path in paths]
    labels = stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise FileError(f"{twice} is given twice. Name each plan once.")
    return {label: read_plan(path) for label, path in zip(labels, paths, strict=True)}


def read_plan(path: Path) -> Plan:
    """The plan of a JSON or YAML file."""
    if path.suffix.lower() in TABLES:
        raise FileError(f"{path} is a table, not a plan; `romi plan -o plan.json` writes one.")
    content = read_document(path)
    if "allocation" in content:
        return Plan.from_dict(content)
    if "moves" in content:
        raise FileError(f"{path} is a comparison, not a plan. Give the plans it was made from.")
    if isinstance(content.get("channels"), list):
        raise FileError(f"{path} is a model, not a plan; give it with --model.")
    if "periods" in content:
        raise FileError(f"{path} is a scenario; `romi plan {path} -o plan.json` makes its plan.")
    raise FileError(
        f"{path} is a split, not a plan; `romi what-if SCENARIO --split {path} -o plan.json` "
        "says what it brings, as a plan."
    )


def read_split(path: Path) -> dict[str, Any]:
    """Channel -> money, or market -> money, from a file that holds just that, or a plan."""
    if path.suffix.lower() == ".csv":
        return _split_of_table(path)
    if path.suffix.lower() in TABLES:
        raise FileError(f"{path} cannot be read as a split. Give it as JSON or CSV.")
    content = read_document(path)
    return Plan.from_dict(content).split if "allocation" in content else content


def _split_of_table(path: Path) -> dict[str, Any]:
    """The split of a CSV with columns channel and spend, and market where there are several."""
    header, rows = _rows_of(path)
    missing = [name for name in ("channel", "spend") if name not in header]
    if missing:
        raise FileError(
            f"{path} has no column {missing[0]}. A split as CSV has the columns channel and spend, "
            "as `romi plan -o plan.csv` writes them."
        )
    split: dict[str, Any] = {}
    for row in rows:
        channel, market = (_unquoted(row.get(key) or "") for key in ("channel", "market"))
        cells = split.setdefault(channel, {})
        if market in cells:
            where = f" in {market}" if market else ""
            raise FileError(f"{path} names {channel}{where} twice. Keep one row of the two.")
        cells[market] = _number(row["spend"] or "")
    return {name: cells.get("", cells) for name, cells in split.items()}


def _rows_of(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as wrong:
        raise FileError(f"There is no file {path}. Check the name.") from wrong
    except (OSError, UnicodeDecodeError) as wrong:
        raise FileError(f"{path} cannot be read ({wrong}). Check its name and encoding.") from wrong
    separator = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader: csv.DictReader[str] = csv.DictReader(lines, delimiter=separator)
    rows = [dict(row) for row in reader if any(row.values())]
    return list(reader.fieldnames or ()), rows


def _unquoted(name: str) -> str:
    """A name without the quote that kept a spreadsheet from running it."""
    return name[1:] if name.startswith("'") else name


def _number(text: str) -> float | str:
    """The number a cell holds; else its text, which the check of the split then names."""
    try:
        return float(text)
    except ValueError:
        return text


def read_question(
    path: Path,
    model: Path | None = None,
    *,
    progress: Tell = tell_nobody,
    advance: Advance = tell_nobody,
    warn: Tell = tell_nobody,
) -> Question:
    """A scenario file with its model: the one given, the one it names, or one fitted now.

    Parameters
    ----------
    path : Path
        The scenario; paths inside it are relative to its folder.
    model : Path, optional
        Wins over what the scenario names, with a warning.
    progress, warn : callable
        Told, in a sentence, what is being done and what was passed over.
    advance : callable
        Told the share done of what is being done.
    """
    scenario = with_customers(read_scenario(path), path.parent)
    if model is not None:
        named = scenario.model or (scenario.history and "its history")
        if named:
            warn(f"--model {model} is used; the scenario names {named}, which is not read.")
        return Question(scenario, read_model(model))
    if scenario.model is not None:
        return Question(scenario, read_model(path.parent / scenario.model))
    history = read_scenario_history(scenario, path.parent)
    tests = read_tests(scenario, path.parent, history)
    progress(f"Fitting curves to {size_of(history)} ...")
    return Question(scenario, fit_scenario(scenario, history, tests=tests, advance=advance))


def with_customers(scenario: Scenario, folder: Path) -> Scenario:
    """The scenario with the customers document it names, its path relative to a folder."""
    if not isinstance(scenario.customers, str):
        return scenario
    from optimizer import Customers

    path = folder / scenario.customers
    if path.suffix.lower() in TABLES:
        raise FileError(
            f"{path} is a table, not a customers document; `romi customers {path} "
            "-o customers.json` makes one."
        )
    document = Customers.from_dict(read_document(path))
    return scenario.model_copy(update={"customers": document})


def read_scenario_history(scenario: Scenario, folder: Path) -> History:
    """The history a scenario names, its paths relative to a folder."""
    from optimizer import read_history

    return read_history(**_named_history(scenario, folder))


def _named_history(scenario: Scenario, folder: Path) -> dict[str, Any]:
    """The history a scenario names, as its readers take it."""
    source: dict[str, Any] = scenario.to_dict().get("history") or {}
    if not source:
        text = "names neither history nor model; name one, or give a model with --model"
        raise DocumentError("scenario", (Fault("", text),))
    files = source.get("files") or [source["file"]]
    return {
        "path_or_paths": [folder / name for name in files],
        "layout": source.get("layout"),
        "columns": _columns_of(source.get("columns"), files),
        "currency": scenario.currency,
    }


def read_named_history(
    files: list[Path], layout: Layout | None = None, currency: str | None = None
) -> tuple[Scenario | None, History]:
    """A history from its own files, or from the one scenario file that names it."""
    from optimizer import read_history

    if len(files) == 1 and files[0].suffix.lower() in DOCUMENTS:
        scenario = read_scenario(files[0])
        return scenario, read_scenario_history(scenario, files[0].parent)
    return None, read_history(files, layout=layout, currency=currency)


def read_named_series(
    files: list[Path],
    by: list[str],
    layout: Layout | None = None,
    currency: str | None = None,
) -> tuple[Scenario | None, SeriesTable]:
    """As :func:`read_named_history`, a history for every value of the key columns."""
    from optimizer import read_series

    if len(files) == 1 and files[0].suffix.lower() in DOCUMENTS:
        scenario = read_scenario(files[0])
        return scenario, read_series(by=by, **_named_history(scenario, files[0].parent))
    return None, read_series(files, by, layout=layout, currency=currency)


def read_tests(
    scenario: Scenario | None, folder: Path, history: History, given: Path | None = None
) -> tuple[LiftTest, ...]:
    """The lift tests of a history: of the file given, else of the one the scenario names."""
    from optimizer import read_lift_tests

    named = scenario.history.lift_tests if scenario and scenario.history else None
    if given is None and named is None:
        return ()
    return read_lift_tests(given or folder / str(named), history)


def fit_scenario(  # noqa: PLR0913  (one keyword for each way to fit)
    scenario: Scenario | None,
    history: History,
    *,
    tests: tuple[LiftTest, ...] = (),
    seed: int | None = None,
    advance: Advance = tell_nobody,
    report: Callable[[FitReport], None] | None = None,
) -> Model:
    """The model of a history under a scenario's fit options, and its seed unless one is given."""
    from optimizer import fit

    options = fit_options(scenario, seed)
    return fit(history, lift_tests=tests, progress=advance, report=report, **options)


def fit_options(scenario: Scenario | None, seed: int | None = None) -> dict[str, Any]:
    """What a scenario says of the fit, and its seed unless one is given."""
    options = scenario.fit.stated() if scenario and scenario.fit else {}
    stated = scenario.seed if scenario else DEFAULT_SEED
    return {**options, "seed": stated if seed is None else seed}


def _columns_of(columns: dict[str, Any] | None, files: list[str]) -> Any:
    """Columns as the reader takes them: one mapping, or a list beside the files."""
    by_file = columns is not None and any(name in columns for name in files)
    if columns is None or not by_file:
        return columns
    strange = [name for name in columns if name not in files]
    if strange:
        text = f'"{strange[0]}" is none of the files; they are {", ".join(files)}'
        raise DocumentError("scenario", (Fault("/history/columns", text),))
    return [columns.get(name) for name in files]


def size_of(history: History) -> str:
    """A history in a few words."""
    periods, channels = len(history.dates), len(history.channels)
    return f"{periods} {history.spacing.value}s of {channels} channel{'s'[: channels > 1]}"
