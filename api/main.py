"""The service as one application: routes, errors in one shape, start and stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from api import logs
from api.door import Door
from api.gate import SECURITY, UNKEPT, Gate, Limiter
from api.page import errors as page_errors
from api.page import routers as page_routers
from api.page.frame.visitor import SignInNeededError
from api.problems import RequestError, problem, problem_of
from api.routes import access, health, histories, jobs, models, plans, questions, scenarios
from api.schemas import Body, Problem
from api.serving import drafts
from api.serving.desk import Desk
from api.serving.histories import BadUploadError
from api.serving.operators import check_secret
from api.serving.pointers import place_in
from api.settings import Settings
from api.store import idempotency, sessions
from api.store.blobs import BlobError
from api.store.clock import now
from api.store.failures import StoreError, brief, failure_of
from api.store.tables import workspaces
from optimizer import OptimizerError, __version__

HOUSEKEEPING_SECONDS = 60.0
BODIES = {body.__name__ for body in Body.__subclasses__()}  # what is sent, by name

PARTS = (histories, models, scenarios, plans, questions, jobs, access, health)

log = structlog.get_logger("romi.service")


def application(settings: Settings | None = None) -> FastAPI:
    """The service under these settings; the environment's where none are given."""
    chosen = settings or Settings()
    logs.set_up(chosen.log_level)
    registry = CollectorRegistry()
    app = FastAPI(
        title="romi",
        version=__version__,
        description="Marketing budgets split with a proof.",
        lifespan=_life,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=True,
    )
    app.state.settings, app.state.registry = chosen, registry
    app.state.limiter = Limiter(chosen.requests_per_minute)
    for router in (*(part.router for part in PARTS), *page_routers.ROUTERS):
        app.include_router(router)
    _tell_errors(app)
    _describe_problems(app)
    app.add_middleware(Door)
    app.add_middleware(Gate, most_bytes=chosen.upload_mb << 20, registry=registry)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the one shape of errors into the OpenAPI document, where every route refers to it."""
    usual = app.openapi

    def openapi() -> dict[str, Any]:
        document = usual()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    """From the first request to the last."""
    desk = await run_in_threadpool(_opened, app.state.settings)
    app.state.desk = desk
    chores = asyncio.create_task(_keep_house(desk))
    try:
        yield
    finally:
        chores.cancel()
        with suppress(asyncio.CancelledError):
            await chores
        await run_in_threadpool(desk.close)


def _opened(settings: Settings) -> Desk:
    desk = Desk.opened(settings)
    check_secret(desk)
    if not settings.auth:
        _make_home(desk)
    return desk


def _make_home(desk: Desk) -> None:
    """The one workspace of a service without keys."""
    from api.auth import HOME

    with desk.database.write() as connection:
        known = select(workspaces.c.id).where(workspaces.c.id == HOME.workspace)
        if connection.execute(known).first() is None:
            row = {"id": HOME.workspace, "name": "home", "created_at": now()}
            connection.execute(workspaces.insert().values(**row))


async def _keep_house(desk: Desk) -> None:
    """Once a minute: write down the last use of keys, drop old answers and uploads."""
    while True:
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
        try:
            await run_in_threadpool(desk.flush_uses)
            await run_in_threadpool(_forget, desk)
            await run_in_threadpool(drafts.forget_old, desk)
        except DBAPIError as wrong:
            log.warning("database_silent", error=brief(wrong))


def _forget(desk: Desk) -> None:
    with desk.database.write() as connection:
        idempotency.forget_old(connection)
        sessions.forget_old(connection)


def _tell_errors(app: FastAPI) -> None:
    """Every error as one shape."""
    app.add_exception_handler(SignInNeededError, page_errors.to_sign_in)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(OptimizerError, _told)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(ValidationError, _misbuilt)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(BadUploadError, _spoiled)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(UnicodeEncodeError, _unstorable)
    app.add_exception_handler(DBAPIError, _away)
    app.add_exception_handler(OSError, _told)
    app.add_exception_handler(BlobError, _told)
    app.add_exception_handler(StoreError, _away)
    app.add_exception_handler(Exception, _broken)


def _answer(request: Request, content: dict[str, Any], headers: Any = None) -> Response:
    """A problem as JSON, or as a page to whoever looks at one."""
    identity = getattr(request.state, "request_id", None)
    if page_errors.is_read_by_a_person(request):
        return page_errors.told(request, content | {"request": identity}, headers)
    return JSONResponse(
        content | {"request": identity},
        content["status"],
        headers=headers,
        media_type="application/problem+json",
    )


def _refused(request: Request, error: Any) -> Response:
    return _answer(request, problem_of(error), error.headers)


def _told(request: Request, error: Any) -> Response:
    return _answer(request, problem_of(error))


def _spoiled(request: Request, error: Any) -> Response:
    """Files that make no history, as the reading child told it."""
    return _answer(request, error.problem)


def _unstorable(request: Request, _: Any) -> Response:
    """Text that is none, such as a NUL or half a letter."""
    told = "The request holds a character no text may hold, such as NUL. Take it out."
    return _answer(request, problem(422, "faulty_request", told))


def _misshapen(request: Request, error: Any) -> Response:
    """A body, a header or a query that is not what the route takes."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        told = "The body is no JSON. Check quotes, commas and brackets."
        return _answer(request, problem(400, "unreadable_body", told))
    errors = _places(faults, error.body)
    first, more = errors[0], len(errors) - 1
    beside = f" and {more} more" if more else ""
    where = first["pointer"] or "The body"
    told = f"{where}: {first['detail']}. Mend this{beside}, then send it again."
    if faults[0]["type"] == "model_attributes_type" and not first["pointer"]:
        told = (
            "The body is no JSON object. Send one with the header Content-Type: application/json."
        )
    return _answer(request, problem(422, "faulty_request", told, errors))


def _places(faults: Any, body: Any) -> tuple[dict[str, Any], ...]:
    """Each place with faults, and all that is said of it."""
    said: dict[str, list[str]] = {}
    for fault in faults:
        place = _pointer(fault["loc"], body, fault["type"])
        said.setdefault(place, []).append(fault["msg"].removeprefix("Value error, "))
    return tuple({"pointer": place, "detail": ", or ".join(all_)} for place, all_ in said.items())


def _pointer(place: tuple[Any, ...], body: Any, fault: str) -> str:
    """Where a fault stands: a pointer into the body, or the name of a header or parameter."""
    kind, *parts = place
    if kind == "body":
        return place_in(body, tuple(parts), fault)
    return f"{kind}:{'.'.join(str(part) for part in parts)}"


def _misbuilt(request: Request, error: Any) -> Response:
    """A form of the page whose fields make no body; anything else of that kind is our own fault."""
    if error.title not in BODIES:
        raise error
    faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
    return _misshapen(request, RequestValidationError(faults))


_ADVICE = {
    404: "There is no such route. See /openapi.json for those there are.",
    405: "This route does not take this method. See /openapi.json.",
    400: "The body cannot be parsed. Check its form and its Content-Type.",
}


def _plain(request: Request, error: Any) -> Response:
    told = _ADVICE.get(error.status_code, str(error.detail))
    code = {404: "no_route", 405: "no_method", 400: "unreadable_body"}.get(
        error.status_code, "refused"
    )
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return _answer(request, problem(error.status_code, code, told), headers)


def _allowed(request: Request) -> str:
    """Every method that the path takes, whichever routes take them."""
    routers = (*(part.router for part in PARTS), *page_routers.ROUTERS)
    methods = {
        method
        for router in routers
        for route in router.routes
        if isinstance(route, Route) and route.path_regex.match(request.url.path)
        for method in route.methods or ()
    }
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _away(request: Request, error: Any) -> Response:
    """The database says no: nothing was kept, and where it is away the request may come again."""
    failure = error if isinstance(error, StoreError) else failure_of(error)
    log.warning("database_silent", error=str(failure))
    if failure.status != StoreError.status:
        return _answer(request, problem_of(failure))
    told = (
        "The database does not answer. Send the request again in a moment, under the same "
        "Idempotency-Key: it is then stored once."
    )
    return _answer(request, problem(503, "store_away", told), {"Retry-After": "2"})


def _broken(request: Request, error: Any) -> Response:
    log.error("failed", error=type(error).__name__, exc_info=error)
    answer = _answer(request, problem_of(error))
    for name, value in (*SECURITY, UNKEPT):  # this answer is given outside the gate
        answer.headers[name.decode()] = value.decode()
    answer.headers["x-request-id"] = getattr(request.state, "request_id", "")
    return answer
