"""Errors as RFC 9457 problems: one shape for HTTP, for failed jobs and for the client.

References
----------
.. [1] Nottingham et al. (2023), Problem Details for HTTP APIs, RFC 9457.
"""

from __future__ import annotations

import errno
from http import HTTPStatus
from typing import Any

from api.errors import ServiceError

TYPES = "https://romi.invalid/problems/"

#: Error class -> status; a class not named here has its nearest ancestor's.
STATUSES = {
    "OptimizerError": 422,
    "SolverError": 500,
}


class RequestError(ServiceError):
    """A request the service refuses; says why and what to do."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: tuple[dict[str, Any], ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, detail)
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = errors, headers or {}

    def __str__(self) -> str:
        return self.detail


def problem(
    status: int, code: str, detail: str, errors: tuple[dict[str, Any], ...] = (), **more: Any
) -> dict[str, Any]:
    """A problem document."""
    shown: dict[str, Any] = {
        "type": TYPES + code.replace("_", "-"),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    return shown | ({"errors": list(errors)} if errors else {}) | more


def problem_of(error: BaseException) -> dict[str, Any]:
    """The problem document of an error; one of our own making is told without its insides."""
    from optimizer import OptimizerError

    if isinstance(error, RequestError):
        return problem(error.status, error.code, error.detail, error.errors)
    if isinstance(error, ServiceError):
        return problem(error.status, error.code, str(error))
    if isinstance(error, OSError):
        return _of_disk(error)
    if isinstance(error, MemoryError):
        return problem(
            422, "too_large", "This needs more memory than it may take. Send a smaller file."
        )
    if not isinstance(error, OptimizerError):
        return problem(
            500,
            "internal",
            f"The service failed ({type(error).__name__}), which is a fault of its own. "
            "Try again; if it stays, report it with the request's id.",
        )
    told = " ".join([str(error), *getattr(error, "__notes__", ())])
    if getattr(error, "faults", ()):
        told += f"{'' if told.endswith(('.', '?')) else '.'} Mend what `errors` names."
    return problem(status_of(error), error.code, told, _places(error), **_evidence(error))


def _of_disk(error: OSError) -> dict[str, Any]:
    """A disk that is full, or does not answer."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        told = "The disk of the service is full; nothing was stored. Make room, then send it again."
        return problem(507, "disk_full", told)
    told = f"The disk of the service fails ({error.strerror or type(error).__name__}). "
    return problem(503, "disk_away", told + "Check it, then send the request again.")


def status_of(error: BaseException) -> int:
    """The status of an error: its class's, or its nearest ancestor's."""
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((STATUSES[name] for name in names if name in STATUSES), 500)


def _places(error: BaseException) -> tuple[dict[str, Any], ...]:
    """Where each fault stands: a pointer into a document, or a row and column of a file."""
    faults = getattr(error, "faults", ())
    if faults:
        return tuple({"pointer": fault.pointer, "detail": fault.message} for fault in faults)
    found = getattr(error, "findings", ())
    return tuple(
        {
            "code": finding.code,
            "severity": str(finding.severity),
            "detail": finding.message,
            "row": finding.row,
            "column": finding.column,
            "file": finding.file,
        }
        for finding in found
    )


def _evidence(error: BaseException) -> dict[str, Any]:
    """Conflicting constraints and what would resolve them."""
    conflicts = getattr(error, "conflicts", ())
    if not conflicts:
        return {}
    relaxations = [
        {"name": one.name, "by": one.by, "unit": one.unit, "is_enough": one.is_enough}
        for one in getattr(error, "relaxations", ())
    ]
    return {"conflicts": list(conflicts), "relaxations": relaxations}
