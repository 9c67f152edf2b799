"""On a Dask cluster of real processes: the same models, each once, whatever dies."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from contextlib import contextmanager

import pytest

from optimizer import ClusterError, SeriesTable, fit_many, open_archive, workers
from optimizer.workers import LOST, spread
from tests.errands import deadly, deadly_once, squared
from tests.many_cases import table, with_bad_series
from tests.test_archive import journal
from tests.test_many import assert_same

distributed = pytest.importorskip("distributed")

BY = ["market", "brand"]


@contextmanager
def cluster_of(n_workers: int):
    with distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster():
    with cluster_of(2) as running:
        yield running


def pids(cluster) -> list[int]:
    """The processes of the workers that are alive."""
    return [nanny.process.pid for nanny in cluster.workers.values() if nanny.process]


def killing(cluster, at: list[int], count: int):
    """Kills a worker each time so many of the series are done."""

    def progress(share: float) -> None:
        if at and round(share * count) >= at[0]:
            os.kill(pids(cluster)[len(at) % 2], signal.SIGKILL)
            at.pop(0)

    return progress


def test_a_cluster_gives_what_one_process_gives(cluster):
    series = SeriesTable.from_frame(with_bad_series(table(4)), BY)
    here = fit_many(series, workers=1, draws=20)
    there = fit_many(series, cluster=cluster.scheduler_address, draws=20)
    assert_same(there.models, here.models)
    assert there.failed == here.failed


@pytest.mark.parametrize(
    ("count", "kills"),
    [(16, [3]), pytest.param(200, [20, 80, 140], marks=pytest.mark.slow)],
)
def test_workers_killed_mid_run_and_every_series_is_fitted_once(cluster, tmp_path, count, kills):
    series = SeriesTable.from_frame(table(count), BY)
    at = list(kills)
    with open_archive(tmp_path, writes=True) as archive:
        there = fit_many(
            series,
            cluster=cluster.scheduler_address,
            archive=archive,
            draws=5,
            progress=killing(cluster, at, count),
        )
        assert not at, "no worker was killed"
        here = fit_many(series, workers=1, draws=5)
        assert_same(there.models, here.models)
    written = Counter(tuple(line["key"]) for line in journal(tmp_path))
    assert len(written) == count
    assert set(written.values()) == {1}


def test_what_a_dead_worker_held_is_done_again(cluster, tmp_path):
    items = [(number, str(tmp_path / "died")) for number in range(8)]
    found = list(spread(deadly_once, items, cluster=cluster.scheduler_address))
    assert sorted((item[0], result) for item, result in found) == [(n, n) for n in range(8)]


@pytest.mark.slow
def test_the_item_that_ends_every_worker_is_given_up_and_no_other(cluster):
    found = dict(spread(deadly, range(8), cluster=cluster.scheduler_address))
    assert found.pop(5) is LOST
    assert found == {number: number for number in range(8) if number != 5}


def test_an_address_where_nothing_answers_is_named(monkeypatch):
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, so that nothing else answers there
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ClusterError, match=address):
            list(spread(squared, [1], cluster=address))


@pytest.mark.parametrize("address", ["nonsense://x", "127.0.0.1:notaport"])
def test_an_address_that_is_none_is_named(monkeypatch, address):
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 1)
    with pytest.raises(ClusterError, match=address):
        list(spread(squared, [1], cluster=address))


def test_a_cluster_without_workers_says_so(monkeypatch):
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 1)
    with cluster_of(0) as empty, pytest.raises(ClusterError, match="has no workers"):
        list(spread(squared, [1], cluster=empty.scheduler_address))
