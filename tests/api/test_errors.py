"""Every error has an exit code, and a sentence instead of a traceback."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import optimizer
from api.errors import EXIT_CODES, ExitCode, exit_code, told
from optimizer import (
    ClusterError,
    DocumentError,
    Fault,
    FileError,
    FitError,
    HistoryError,
    InfeasibleError,
    OptimizerError,
    SolverError,
)
from tests.api.conftest import Romi


def every_error(kind: type[OptimizerError] = OptimizerError) -> Iterator[type[OptimizerError]]:
    """All classes below the root of the tree, wherever in the core they are defined."""
    for below in kind.__subclasses__():
        yield below
        yield from every_error(below)


def test_no_error_of_the_core_is_forgotten() -> None:
    for module in pkgutil.walk_packages(optimizer.__path__, "optimizer."):
        importlib.import_module(module.name)
    found = list(every_error())
    assert len(found) >= 8
    for kind in found:
        ancestors = {ancestor.__name__ for ancestor in kind.__mro__}
        assert ancestors & EXIT_CODES.keys(), f"{kind.__name__} has no exit code"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HistoryError("x"), ExitCode.FAULTY_INPUT),
        (FitError("x"), ExitCode.FAULTY_INPUT),
        (FileError("x"), ExitCode.FAULTY_INPUT),
        (DocumentError("plan", (Fault("", "x"),)), ExitCode.FAULTY_INPUT),
        (InfeasibleError(1.0, ("x",), "y"), ExitCode.NO_ANSWER),
        (SolverError("x"), ExitCode.INTERNAL),
        (ClusterError("x"), ExitCode.REMOTE),
        (ZeroDivisionError("x"), ExitCode.INTERNAL),
    ],
)
def test_what_an_error_means_to_a_script(error: Exception, code: ExitCode) -> None:
    assert exit_code(error) == code
    with pytest.raises(SystemExit) as stopped, told(debug=False):
        raise error
    assert stopped.value.code == code


def test_an_interruption_ends_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped, told(debug=False):
        raise KeyboardInterrupt
    assert stopped.value.code == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "romi: Interrupted; nothing was left half-written.\n"


def test_a_fault_of_romis_own_says_how_to_see_more(
    romi: Romi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(optimizer, "plan", broken)
    result = romi("plan", "plan.yaml", "--quiet")
    assert result.exit_code == 1
    assert "ZeroDivisionError: by hand" in result.stderr
    assert "romi --debug" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_debug_lets_the_error_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError), told(debug=True):
        raise ZeroDivisionError
