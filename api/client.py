"""A Python client shaped like the library: what a script does here, it can have done by a service.

>>> client = Client("http://127.0.0.1:8321", key)                     # doctest: +SKIP
>>> model = client.fit(client.upload("shop.csv"), progress=print)      # doctest: +SKIP
>>> client.plan(Scenario(budget=1_300_000, periods=13), model)         # doctest: +SKIP
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx

from api.errors import ExitCode, ServiceError
from optimizer import Comparison, FileError, Frontier, Model, Plan, RiskFrontier, Scenario

TRIES = 5
PAUSE_SECONDS = (0.2, 5.0)  # before the second try, doubling, and at most
WORTH_ANOTHER_TRY = (429, 502, 503, 504)
POLL_SECONDS = (0.05, 1.0)
ENDED = ("succeeded", "failed", "cancelled")

Split = Mapping[str, float | dict[str, float]]
Progress = Callable[[float], None]


class RemoteError(ServiceError):
    """The service said no, or could not be reached; carries its problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return str(self.problem.get("detail", "The service gave no reason."))

    @property
    def exit_code(self) -> ExitCode:  # type: ignore[override]
        """What the end of a command means: as it would have meant here."""
        status, code = self.problem.get("status", 0), self.problem.get("code")
        if code in ("infeasible_constraints", "no_answer"):
            return ExitCode.NO_ANSWER
        return ExitCode.FAULTY_INPUT if status in (400, 413, 422) else ExitCode.REMOTE


class JobError(RemoteError):
    """A job failed, or was cancelled."""

    @property
    def exit_code(self) -> ExitCode:  # type: ignore[override]
        """A job's own."""
        return ExitCode.JOB


class Client:
    """A service's workspace, as its key opens it.

    Parameters
    ----------
    url : str
        Where the service listens, such as ``http://127.0.0.1:8321``.
    key : str, optional
        ``romi_...``; a service without keys needs none.
    timeout : float
        Seconds to wait for one answer.

    Notes
    -----
    Requests that store carry an Idempotency-Key, so every request is safe to send again, and is,
    where the service is away for a moment.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout: float = 120.0) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def upload(
        self,
        *paths: str | PathLike[str],
        name: str | None = None,
        layout: str | None = None,
        columns: Mapping[str, Any] | Sequence[Any] | None = None,
        currency: str | None = None,
    ) -> str:
        """Keep a history of one file, or of several joined; its id."""
        fields = {"name": name, "layout": layout, "currency": currency}
        fields["columns"] = None if columns is None else json.dumps(columns)
        stated = {field: value for field, value in fields.items() if value is not None}
        files = [("file", _content(Path(path))) for path in paths]
        found = self._send("POST", "/v1/histories", files=files, data=stated, stores=True)
        return str(found.json()["id"])

    def fit(  # noqa: PLR0913  (one keyword for each option)
        self,
        history: str,
        *,
        name: str = "Model",
        options: Mapping[str, Any] | None = None,
        lift_tests: Sequence[Mapping[str, Any]] = (),
        seed: int = 1,
        draws: int = 400,
        make_current: bool = False,
        progress: Progress | None = None,
    ) -> str:
        """Fit curves to a kept history and wait for them; the model's id.

        Parameters
        ----------
        options : mapping, optional
            As a scenario's ``fit``: priors and the like.
        lift_tests : sequence of mappings, optional
            Finished tests, with the columns of a table of them.
        progress : callable, optional
            Told the share done as the fit goes on.
        """
        body = {
            "history": history,
            "name": name,
            "fit": dict(options or {}),
            "lift_tests": [dict(row) for row in lift_tests],
            "seed": seed,
            "draws": draws,
            "make_current": make_current,
        }
        queued = self._send("POST", "/v1/models", json=body, stores=True).json()
        return str(self.wait(queued["job"], progress)["result"]["model"])

    def bring_in(self, model: Model, *, name: str = "Model", make_current: bool = False) -> str:
        """Keep curves made elsewhere; the model's id."""
        body = {"model": model.to_dict(), "name": name, "make_current": make_current}
        return str(self._send("POST", "/v1/models/import", json=body, stores=True).json()["id"])

    def model(self, model: str = "current") -> Model:
        """A kept model, draws and all."""
        return Model.from_dict(self._send("GET", f"/v1/models/{model}/document").json())

    def plan(self, scenario: Scenario, model: str = "current") -> Plan:
        """The best split; nothing is kept."""
        body = {"model": model, "scenario": scenario.to_dict()}
        return Plan.from_dict(self._send("POST", "/v1/recommendations", json=body).json())

    def plans(self, scenarios: Sequence[Scenario], model: str = "current") -> list[Plan]:
        """The best split of each of several scenarios; nothing is kept."""
        body = {"model": model, "scenario": [scenario.to_dict() for scenario in scenarios]}
        found = self._send("POST", "/v1/recommendations", json=body).json()
        return [Plan.from_dict(document) for document in found]

    def what_if(self, scenario: Scenario, split: Split | Plan, model: str = "current") -> Plan:
        """What a stated split would bring; nothing is kept."""
        stated = split.split if isinstance(split, Plan) else dict(split)
        body = {"model": model, "scenario": scenario.to_dict(), "split": stated}
        return Plan.from_dict(self._send("POST", "/v1/what-ifs", json=body).json())

    def frontier(
        self,
        scenario: Scenario,
        model: str = "current",
        *,
        points: int = 50,
        least: float | None = None,
        most: float | None = None,
    ) -> Frontier:
        """The best value of every budget."""
        body = {"model": model, "scenario": scenario.to_dict(), "points": points}
        body |= {"least": least, "most": most}
        return Frontier.from_dict(self._send("POST", "/v1/frontiers", json=body).json())

    def risk_frontier(
        self, scenario: Scenario, model: str = "current", *, points: int = 11
    ) -> RiskFrontier:
        """Mean against risk, at one budget."""
        body = {"model": model, "scenario": scenario.to_dict(), "points": points, "risk": True}
        return RiskFrontier.from_dict(self._send("POST", "/v1/frontiers", json=body).json())

    def keep(self, scenario: Scenario, *, name: str | None = None, model: str | None = None) -> str:
        """Keep a scenario; its id."""
        body = {"scenario": scenario.to_dict(), "name": name, "model": model}
        return str(self._send("POST", "/v1/scenarios", json=body, stores=True).json()["id"])

    def run(
        self, scenario: str, model: str | None = None, *, progress: Progress | None = None
    ) -> str:
        """Run a kept scenario and wait for it; the kept plan's id."""
        path = f"/v1/scenarios/{scenario}/runs"
        found = self._send("POST", path, json={"model": model}, stores=True).json()
        return str(self.wait(found["id"], progress)["result"]["plans"][0])

    def kept_plan(self, plan: str) -> Plan:
        """A kept plan."""
        return Plan.from_dict(self._send("GET", f"/v1/plans/{plan}").json())

    def workbook(self, plan: str) -> bytes:
        """A kept plan as an Excel workbook."""
        found = self._send("GET", f"/v1/plans/{plan}", params={"format": "xlsx"})
        return bytes(found.content)

    def report(self, plan: str, language: str = "en") -> str:
        """A kept plan as a report in one HTML file."""
        params = {"format": "html", "language": language}
        return str(self._send("GET", f"/v1/plans/{plan}", params=params).text)

    def compare(self, *plans: str) -> Comparison:
        """Two to four kept plans side by side."""
        found = self._send("POST", "/v1/plans:compare", json={"plans": list(plans)})
        return Comparison.from_dict(found.json())

    def list(self, kind: str) -> Iterator[dict[str, Any]]:
        """Everything of one kind (histories, models, scenarios, plans, jobs), newest first."""
        cursor = None
        while True:
            params = {"limit": 200} | ({} if cursor is None else {"cursor": cursor})
            page = self._send("GET", f"/v1/{kind}", params=params).json()
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def wait(self, job: str, progress: Progress | None = None) -> dict[str, Any]:
        """A job once it has ended well.

        Raises
        ------
        JobError
            It failed, or was cancelled.
        """
        pause, told = POLL_SECONDS[0], None
        while True:
            found: dict[str, Any] = self._send("GET", f"/v1/jobs/{job}").json()
            if progress is not None and found["progress"] not in (None, told):
                told = found["progress"]
                progress(told)
            if found["status"] in ENDED:
                break
            time.sleep(pause)
            pause = min(1.5 * pause, POLL_SECONDS[1])
        if found["status"] != "succeeded":
            raise JobError(found["problem"] or {"detail": f"The job {job} was cancelled."})
        return found

    def cancel(self, job: str) -> None:
        """Ask a job to stop."""
        self._send("POST", f"/v1/jobs/{job}:cancel")

    def _send(self, method: str, path: str, *, stores: bool = False, **content: Any) -> Any:
        """One request, sent again while the service is away for a moment."""
        headers = {"Idempotency-Key": uuid4().hex} if stores else {}
        pause = PAUSE_SECONDS[0]
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            try:
                answer = self._http.request(method, path, headers=headers, **content)
            except httpx.HTTPError as wrong:
                if last or isinstance(wrong, httpx.UnsupportedProtocol):
                    raise RemoteError(_unreachable(self._http.base_url, wrong)) from wrong
            else:
                if answer.is_success:
                    return answer
                if last or answer.status_code not in WORTH_ANOTHER_TRY:
                    raise RemoteError(_problem_in(answer))
                pause = _asked_pause(answer, pause)
            time.sleep(pause)
            pause = min(2 * pause, PAUSE_SECONDS[1])
        raise AssertionError("unreachable")


def _content(path: Path) -> tuple[str, bytes]:
    try:
        return path.name, path.read_bytes()
    except OSError as wrong:
        raise FileError(
            f"{path} cannot be read ({wrong.strerror}). Check its name and rights."
        ) from wrong


def _asked_pause(answer: httpx.Response, usual: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), PAUSE_SECONDS[1]) if asked.isdecimal() else usual


def _problem_in(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict) and "detail" in found:
        return found
    detail = f"The service answered {answer.status_code}. Check its address."
    return {"status": answer.status_code, "code": "no_problem", "detail": detail}


def _unreachable(url: httpx.URL, wrong: Exception) -> dict[str, Any]:
    detail = (
        f"No service answers at {url} ({type(wrong).__name__}). Check the address, and that "
        "`romi serve` runs there."
    )
    return {"status": 0, "code": "unreachable", "detail": detail}
