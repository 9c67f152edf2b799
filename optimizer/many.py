"""The same fit, or the same plan, for thousands of series: market x brand, or what else they be.

Series come one at a time and their models go one at a time, into an archive where there is one;
so memory does not grow with their number. Each has a seed of its own that follows from its key:
neither its place in the table nor the number of workers changes its model. A series that cannot
be fitted is a finding and stops no other.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import operator
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from optimizer.archive import Archive, Record
from optimizer.errors import HistoryError, OptimizerError
from optimizer.fitting.fit import fit
from optimizer.history import Finding, History, Severity, UnusableHistoryError
from optimizer.model import Model
from optimizer.plan import plan
from optimizer.plan_document import Plan
from optimizer.scenario import Scenario
from optimizer.series import Key, Known, Source, in_words
from optimizer.version import VERSION
from optimizer.workers import Lost, spread

Given = Source | tuple[str | Key, History]
Progress = Callable[[float], None]
Faults = tuple[Finding, ...]

MOST_FAULTS = 8  # of one series that are kept
#: Codes of findings that may not come again: such a series is tried again by the next run.
PASSING = ("internal_error", "worker_lost")


def _unheard(_: float) -> None:
    """Progress that nobody asked for."""


@dataclass(frozen=True, slots=True)
class ManyFits:
    """What became of every series, in the order of the table."""

    models: Mapping[Key, Model]  # read from the archive as they are asked for, where there is one
    failed: Mapping[Key, Faults]
    resumed: int  # of both, found done in the archive


@dataclass(frozen=True, slots=True)
class ManyPlans:
    """What became of every question."""

    plans: Mapping[Key, Plan]
    failed: Mapping[Key, Faults]


def fit_many(  # noqa: PLR0913  (one parameter for each decision)
    series: Iterable[Given],
    *,
    seed: int = 1,
    workers: int | None = None,
    cluster: str | None = None,
    archive: Archive | None = None,
    progress: Progress = _unheard,
    **options: Any,
) -> ManyFits:
    """A model for every series, or the reason why there is none.

    Parameters
    ----------
    series : iterable
        A :class:`SeriesTable`, or pairs of a key and a History; gone through once, lazily.
    seed : int
        With a series' key, the seed of its fit.
    workers : int, optional
        Processes; 1 stays in this one. Absent: one per processor.
    cluster : str, optional
        Address of a Dask scheduler, whose workers are used instead.
    archive : Archive, optional
        Keeps every result as it comes. A series that it has with the same input, seed, options
        and version of romi is not fitted again.
    progress : callable, optional
        Told the share done, from 0 to 1, where the number of series is known beforehand.
    **options
        As :func:`fit`: draws, priors and the rest.

    Returns
    -------
    ManyFits

    Raises
    ------
    HistoryError
        A key comes twice.
    ClusterError
        The cluster does not answer, or broke.
    FileError
        The archive cannot be written to.
    """
    inspect.signature(fit).bind(None, seed=seed, **options)  # a wrong name is said once, and now
    ledger = _Ledger(archive, operator.length_hint(series), progress)
    task = partial(_fitted, seed=seed, options=options)
    jobs = ledger.still_to_do(_jobs(series, {"seed": seed, **options}))
    with closing(spread(task, jobs, workers=workers, cluster=cluster)) as results:
        for job, result in results:
            ledger.enter(job, _lost(job.source.key) if isinstance(result, Lost) else result)
    return ledger.closed()


def plan_many(
    models: Mapping[Key, Model] | Iterable[tuple[Key, Model]],
    scenario: Scenario | Mapping[Key, Scenario],
    *,
    workers: int | None = None,
    cluster: str | None = None,
) -> ManyPlans:
    """A plan for every model: one scenario for all, or one for each key.

    Parameters
    ----------
    models : mapping or iterable of pairs
        By key: an archive, ``ManyFits.models`` or pairs; gone through once, lazily.
    scenario : Scenario or mapping
        A key that a mapping lacks is left out.
    workers, cluster
        As :func:`fit_many`.

    Returns
    -------
    ManyPlans
        Plans, and why there is none, as findings with the error's code.
    """
    pairs = models.items() if isinstance(models, Mapping) else models
    questions = (
        (key, model, scenario[key] if isinstance(scenario, Mapping) else scenario)
        for key, model in pairs
        if isinstance(scenario, Scenario) or key in scenario
    )
    plans: dict[Key, Plan] = {}
    failed: dict[Key, Faults] = {}
    with closing(spread(_planned, questions, workers=workers, cluster=cluster)) as results:
        for (key, _, _), result in results:
            if isinstance(result, Plan):
                plans[key] = result
            else:
                failed[key] = _lost(key) if isinstance(result, Lost) else result
    return ManyPlans(plans, failed)


def seed_of(seed: int, key: Key) -> int:
    """The seed of one series: the same wherever it stands.

    Examples
    --------
    >>> seed_of(1, ("north",)) == seed_of(1, ("north",)) != seed_of(1, ("south",))
    True
    """
    digest = hashlib.sha256(json.dumps([seed, *key]).encode()).digest()
    return int.from_bytes(digest[:4], "big")


@dataclass(frozen=True, slots=True)
class _Job:
    """A series and the sha256 of all that its model follows from."""

    source: Source
    stamp: str


def _jobs(series: Iterable[Given], options: Mapping[str, Any]) -> Iterator[_Job]:
    """Every series as a job, each key once."""
    said = json.dumps([VERSION, options], sort_keys=True, default=_digest)
    seen: set[Key] = set()
    for given in series:
        source = _source(given)
        if source.key in seen:
            raise HistoryError(
                f"The series {in_words(source.key)} comes twice. "
                "Give every series a key of its own."
            )
        seen.add(source.key)
        text = json.dumps([said, source.key, source.content_hash])
        yield _Job(source, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def _source(given: Given) -> Source:
    if not isinstance(given, tuple):
        return given
    key, history = given
    return Known((key,) if isinstance(key, str) else tuple(key), history)


def _digest(value: Any) -> str:
    """An option that is no plain data."""
    return hashlib.sha256(pickle.dumps(value)).hexdigest()


def _fitted(job: _Job, *, seed: int, options: Mapping[str, Any]) -> Model | Faults:
    """The model of one series, or why there is none; raises nothing."""
    key = job.source.key
    try:
        return fit(job.source.history(), seed=seed_of(seed, key), **options)
    except Exception as error:  # whatever it is, the other series go on
        return _faults(error)


def _planned(question: tuple[Key, Model, Scenario]) -> Plan | Faults:
    """One plan, or why there is none; raises nothing."""
    _, model, scenario = question
    try:
        return plan(model, scenario)
    except Exception as error:  # whatever it is, the other plans go on
        return _faults(error)


def _faults(error: Exception) -> Faults:
    """An error as findings."""
    if isinstance(error, UnusableHistoryError):
        fatal = [found for found in error.findings if found.severity is Severity.FATAL]
        return tuple(fatal[:MOST_FAULTS])
    if isinstance(error, OptimizerError):
        return (Finding(error.code, Severity.FATAL, str(error)),)
    brief = " ".join(str(error).split())[:200]
    message = f"romi failed, which is a fault of its own ({type(error).__name__}: {brief})."
    return (Finding("internal_error", Severity.FATAL, message),)


def _lost(key: Key) -> Faults:
    """The finding on a series that no worker survived."""
    message = (
        f"every worker that was given {in_words(key)} ended without a word, alone as well; "
        "give the workers more memory, or look at their logs."
    )
    return (Finding("worker_lost", Severity.FATAL, message),)


class _Ledger:
    """What became of the series so far, here or in an archive."""

    def __init__(self, archive: Archive | None, total: int, progress: Progress) -> None:
        self._archive, self._total, self._progress = archive, total, progress
        self._order: list[Key] = []
        self._models: dict[Key, Model] = {}  # where no archive keeps them
        self._failed: dict[Key, Faults] = {}
        self._resumed = self._done = 0

    def still_to_do(self, jobs: Iterable[_Job]) -> Iterator[_Job]:
        """The jobs that the archive does not answer; those it does are entered."""
        for job in jobs:
            self._order.append(job.source.key)
            known = self._archive.done(job.source.key, job.stamp) if self._archive else None
            if known is None:
                yield job
            else:
                self._take_over(known)

    def _take_over(self, known: Record) -> None:
        self._resumed += 1
        if known.file is None:
            self._failed[known.key] = known.findings
        self._advance()

    def enter(self, job: _Job, result: Model | Faults) -> None:
        """What became of one job."""
        key = job.source.key
        if isinstance(result, Model):
            if self._archive is None:
                self._models[key] = result
            else:
                self._archive.keep(key, job.stamp, result)
        else:
            self._failed[key] = result
            if self._archive is not None and not _passing(result):
                self._archive.keep_fault(key, job.stamp, result)
        self._advance()

    def _advance(self) -> None:
        self._done += 1
        if self._total:
            self._progress(min(self._done / self._total, 1.0))

    def closed(self) -> ManyFits:
        """Everything, in the order it was given."""
        fitted = [key for key in self._order if key not in self._failed]
        failed = {key: self._failed[key] for key in self._order if key in self._failed}
        if self._archive is not None:
            return ManyFits(_Chosen(self._archive, fitted), failed, self._resumed)
        return ManyFits({key: self._models[key] for key in fitted}, failed, self._resumed)


def _passing(findings: Faults) -> bool:
    """Whether the next run may come to something else."""
    return any(finding.code in PASSING for finding in findings)


class _Chosen(Mapping[Key, Model]):
    """Some of an archive's models, each read when it is asked for."""

    def __init__(self, archive: Archive, keys: Iterable[Key]) -> None:
        self._archive, self._keys = archive, dict.fromkeys(keys)

    def __getitem__(self, key: Key) -> Model:
        if key not in self._keys:
            raise KeyError(key)
        return self._archive[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
