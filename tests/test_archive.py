"""What a killed run leaves is whole, and the next run does only what is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from optimizer import FileError, Model, SeriesTable, fit_many, open_archive
from optimizer.folders import JOURNAL
from tests.many_cases import table, with_bad_series

BY = ["market", "brand"]
QUICK = {"draws": 5, "workers": 1}


def journal(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]


def fitted_into(folder: Path, frame, **options):
    with open_archive(folder, writes=True) as archive:
        return fit_many(SeriesTable.from_frame(frame, BY), archive=archive, **QUICK | options)


def documents(models) -> dict:
    return {key: model.to_dict() for key, model in models.items()}


@pytest.fixture(scope="module")
def three():
    """Three series, and their models held in memory."""
    frame = table(3)
    return frame, documents(fit_many(SeriesTable.from_frame(frame, BY), **QUICK).models)


def test_kept_models_are_those_that_would_be_held(three, tmp_path):
    frame, held = three
    fits = fitted_into(tmp_path, frame)
    assert documents(fits.models) == held
    with open_archive(tmp_path) as archive:
        assert documents(archive) == held
        assert all(isinstance(model, Model) for model in archive.values())


def test_every_model_is_a_file_that_plan_can_read(three, tmp_path):
    frame, held = three
    fitted_into(tmp_path, frame)
    files = {json.loads(path.read_text())["fit"]["history"] for path in tmp_path.glob("*.json")}
    assert files == {document["fit"]["history"] for document in held.values()}


def test_a_second_run_does_nothing_again(three, tmp_path):
    frame, held = three
    assert fitted_into(tmp_path, frame).resumed == 0
    again = fitted_into(tmp_path, frame)
    assert again.resumed == 3
    assert documents(again.models) == held
    assert len(journal(tmp_path)) == 3


def test_only_a_changed_series_is_fitted_again(three, tmp_path):
    frame, _ = three
    fitted_into(tmp_path, frame)
    changed = frame.copy()
    changed.loc[0, "spend"] *= 1.5
    again = fitted_into(tmp_path, changed)
    assert again.resumed == 2
    assert [tuple(line["key"]) for line in journal(tmp_path)[3:]] == [("market 0", "acme")]
    assert documents(again.models) == documents(
        fit_many(SeriesTable.from_frame(changed, BY), **QUICK).models
    )


@pytest.mark.parametrize(
    "option", [{"seed": 2}, {"draws": 6}, {"priors": {"tv": {"roas": [2, 1]}}}]
)
def test_other_options_fit_everything_again(three, tmp_path, option):
    frame, _ = three
    fitted_into(tmp_path, frame)
    assert fitted_into(tmp_path, frame, **option).resumed == 0


def test_a_series_that_cannot_be_fitted_is_not_tried_twice(tmp_path):
    frame = with_bad_series(table(1))
    first = fitted_into(tmp_path, frame)
    again = fitted_into(tmp_path, frame)
    assert again.resumed == 4
    assert dict(again.failed) == dict(first.failed)


def test_a_model_goes_when_its_series_can_no_longer_be_fitted(three, tmp_path):
    frame, _ = three
    fitted_into(tmp_path, frame)
    broken = frame.copy()
    broken.loc[broken["market"] == "market 1", "spend"] = 0.0
    assert list(fitted_into(tmp_path, broken).failed) == [("market 1", "acme")]
    with open_archive(tmp_path) as archive:
        assert ("market 1", "acme") not in archive
        assert len(archive) == len(list(tmp_path.glob("*.json"))) == 2


@pytest.mark.parametrize("left", [b'{"key": ["market 0", "acme"], "stamp": "sha', b"\x00\xff"])
def test_a_line_cut_off_by_a_kill_is_discarded(three, tmp_path, left):
    frame, held = three
    fitted_into(tmp_path, frame)
    whole = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join(whole[:2]) + left)
    again = fitted_into(tmp_path, frame)
    assert again.resumed == 2
    assert len(journal(tmp_path)) == 3  # every line of it whole
    assert documents(again.models) == held


def test_a_damaged_line_amid_others_costs_its_series_alone(three, tmp_path):
    frame, held = three
    fitted_into(tmp_path, frame)
    whole = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(whole[0] + b'["no record"]\n' + whole[2])
    again = fitted_into(tmp_path, frame)
    assert again.resumed == 2
    assert documents(again.models) == held


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("{")])
def test_a_model_that_is_gone_or_cut_is_fitted_again(three, tmp_path, damage):
    frame, held = three
    fitted_into(tmp_path, frame)
    damage(next(tmp_path.glob("*.json")))
    again = fitted_into(tmp_path, frame)
    assert again.resumed == 2
    assert documents(again.models) == held


def test_two_runs_cannot_write_to_one_folder(tmp_path):
    second = open_archive(tmp_path, writes=True)
    with (
        open_archive(tmp_path, writes=True),
        pytest.raises(FileError, match="Another run is writing"),
        second,
    ):
        pass
    with open_archive(tmp_path, writes=True) as archive:
        assert len(archive) == 0


def test_a_folder_without_models_says_what_writes_them(tmp_path):
    with pytest.raises(FileError, match="romi fit --by"), open_archive(tmp_path):
        pass


RUN = """
import sys
from optimizer import SeriesTable, fit_many, open_archive
from tests.many_cases import table
if __name__ == "__main__":
    with open_archive(sys.argv[1], writes=True) as archive:
        series = SeriesTable.from_frame(table(int(sys.argv[2])), ["market", "brand"])
        fit_many(series, archive=archive, draws=5, workers=int(sys.argv[3]))
"""


def killed_and_resumed(folder: Path, count: int, workers: int, kills: int) -> None:
    """Kill a run with SIGKILL a few times as it goes on, then let it end."""
    command = [sys.executable, "-c", RUN, str(folder), str(count), str(workers)]
    for number in range(kills):
        wanted = (number + 1) * count // (kills + 1)
        run = subprocess.Popen(command)
        while run.poll() is None and (
            not (folder / JOURNAL).exists() or (folder / JOURNAL).read_bytes().count(b"\n") < wanted
        ):
            time.sleep(0.01)
        assert run.poll() is None, "the run ended before it was killed"
        beside = started_by(run.pid)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        ended_by(time.monotonic() + 30.0, beside)
    subprocess.run(command, check=True)


def started_by(pid: int) -> set[str]:
    """Processes of a process, as far as the system tells."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {child for path in lists for child in path.read_text().split()}


def ended_by(deadline: float, processes: set[str]) -> None:
    """Wait for processes to end, as orphans must."""
    while left := {pid for pid in processes if Path(f"/proc/{pid}").exists()}:
        assert time.monotonic() < deadline, f"processes {left} outlived their run"
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("count", "workers", "kills"),
    [(8, 1, 1), pytest.param(80, 2, 5, marks=pytest.mark.slow)],
)
def test_a_run_killed_and_resumed_loses_nothing_and_does_nothing_twice(
    tmp_path, count, workers, kills
):
    killed_and_resumed(tmp_path, count, workers, kills)
    keys = Counter(tuple(line["key"]) for line in journal(tmp_path))
    assert len(keys) == count
    assert set(keys.values()) == {1}
    frame = table(count)
    with open_archive(tmp_path) as archive:
        held = fit_many(SeriesTable.from_frame(frame, BY), **QUICK).models
        assert documents(archive) == documents(held)
