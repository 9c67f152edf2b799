"""Running the service: serve, worker, keys, db, backup, restore, audit, doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from api.errors import ExitCode, MisuseError

if TYPE_CHECKING:
    from api.serving.desk import Desk
    from api.settings import Settings
    from api.store.keys import Scope

Folder = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where the data is; ROMI_FOLDER otherwise.")
]


def serve(  # noqa: PLR0913, PLR0917  (one parameter for each option)
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="8321.")] = None,
    folder: Folder = None,
    processes: Annotated[int | None, typer.Option(help="Web processes; 1.")] = None,
    workers: Annotated[int | None, typer.Option(help="Job workers beside them; 1.")] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Without keys; on 127.0.0.1 only.")
    ] = False,
) -> None:
    """Serve the API, with a job worker beside it. Everything it needs is made on first use."""
    from api import logs
    from api.serving.operators import check_secret
    from api.supervise import check_port
    from api.supervise import serve as run

    stated = {"host": host, "port": port, "folder": folder, "processes": processes}
    stated |= {"workers": workers, "auth": False if no_auth else None}
    settings = settings_of(**stated)
    logs.set_up(settings.log_level)
    check_port(settings.host, settings.port)
    with _opened(settings) as desk:
        check_secret(desk)
        key, link = _first_key(desk), _link(desk)
    run(settings, lambda: _greet(settings, key, link))


def _greet(settings: Settings, key: str | None, link: str | None) -> None:
    """Say where the service is, and what is told only once."""
    place = f"http://{settings.host}:{settings.port}"
    _say(f"romi serves on {place} (data in {settings.folder}).")
    if key is not None:
        _say(f"The first key, shown only now: {key}")
    if link is not None:
        _say(f"The page, opened once within 15 minutes: {place}/enter?link={link}")


def worker(
    folder: Folder = None,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run one more job worker, here or on another host that shares the database and folder."""
    from api import logs
    from api.supervise import work

    settings = settings_of(folder=folder)
    logs.set_up(settings.log_level)
    work(settings, parent)


def make_key(
    name: Annotated[str, typer.Argument(help="What or whom it is for.")],
    scope: Annotated[list[str] | None, typer.Option(help="read, write, admin; repeatable.")] = None,
    workspace: Annotated[
        str | None, typer.Option(help="The workspace's id or name; made where it is not there.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Until it expires.")] = None,
    folder: Folder = None,
) -> None:
    """Make a key and show it, once."""
    from api.serving.operators import issue_key
    from api.store.keys import SCOPES

    scopes = tuple(scope or ("read", "write"))
    strange = [one for one in scopes if one not in SCOPES]
    if strange:
        raise MisuseError(f'There is no scope "{strange[0]}"; there are {", ".join(SCOPES)}.')
    with _opened(settings_of(folder=folder)) as desk:
        typer.echo(issue_key(desk, name, cast("tuple[Scope, ...]", scopes), workspace, days))


def list_keys(folder: Folder = None) -> None:
    """Every key, without its secret."""
    from api.output import stdout_console
    from api.serving.operators import keys_listed
    from api.terminal.keys import WIDE, show_keys

    with _opened(settings_of(folder=folder)) as desk:
        found = keys_listed(desk)
    if found:
        show_keys(found, stdout_console(WIDE))
    else:
        _say('There are no keys yet. Make one with romi keys make "ad ops".')


def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's id, key_...")], folder: Folder = None
) -> None:
    """End a key at once."""
    from api.serving.operators import end_key

    with _opened(settings_of(folder=folder)) as desk:
        end_key(desk, key)
    _say(f"{key} is revoked.")


def upgrade_tables(folder: Folder = None) -> None:
    """Bring the tables to this version's shape."""
    with _opened(settings_of(folder=folder)) as desk:
        _say(f"The tables of {desk.database.engine.url.render_as_string()} are up to date.")


def verify_audit(folder: Folder = None) -> None:
    """Check every link of the audit log's chain."""
    from api.serving.operators import audit_verdict

    with _opened(settings_of(folder=folder)) as desk:
        verdict, whole = audit_verdict(desk)
    typer.echo(verdict)
    if not whole:
        raise SystemExit(ExitCode.INTERNAL)


def backup(
    target: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there.")],
    folder: Folder = None,
) -> None:
    """Copy everything the service keeps, while it runs."""
    from api.store.backup import back_up

    with _opened(settings_of(folder=folder)) as desk:
        done = back_up(desk.database, desk.settings.folder, target)
    _say(f"{done.files} files and {'the database' if done.database else 'no database'} copied.")
    if not done.database:
        _say("The database is PostgreSQL: copy it with pg_dump, before the files.")


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A folder `backup` made.")],
    folder: Folder = None,
) -> None:
    """Bring a backup back into an empty folder, every file checked."""
    from api.store.backup import restore as bring_back
    from api.store.failures import told_failures

    with told_failures():
        done = bring_back(source, settings_of(folder=folder).folder)
    _say(f"{done.files} files and {'the database' if done.database else 'no database'} restored.")


def doctor(folder: Folder = None) -> None:
    """Check that everything the service needs is there, and say what to do where it is not."""
    from api.serving.doctor import check_up

    settings, well = settings_of(folder=folder), True
    for sign in check_up(settings):
        well &= sign.well
        typer.echo(f"{'ok  ' if sign.well else 'BAD '} {sign.words}")
    if not well:
        raise SystemExit(ExitCode.INTERNAL)


def settings_of(**stated: Any) -> Settings:
    """The environment's settings with what was stated laid over them."""
    from pydantic import ValidationError

    from api.settings import Settings

    try:
        return Settings(**{name: value for name, value in stated.items() if value is not None})
    except ValidationError as wrong:
        fault = wrong.errors()[0]
        told = fault["msg"].removeprefix("Value error, ")
        if not fault["loc"]:
            raise MisuseError(f"{told}.") from None
        name = f"ROMI_{str(fault['loc'][0]).upper()}"
        raise MisuseError(f"{name}: {told}. Change {name}, or leave it out.") from None


@contextmanager
def _opened(settings: Settings) -> Iterator[Desk]:
    """The desk of these settings, its tables up to date; what goes wrong names the setting."""
    from api.serving.desk import Desk
    from api.store.failures import told_failures

    desk = Desk.opened(settings)
    try:
        with told_failures():
            yield desk
    finally:
        desk.close()


def _first_key(desk: Desk) -> str | None:
    """A first workspace with a key, where a service on loopback has none yet."""
    from api.serving.operators import has_keys, issue_key
    from api.settings import LOOPBACK

    if not desk.settings.auth or desk.settings.host not in LOOPBACK or has_keys(desk):
        return None
    return issue_key(desk, "first", ("admin",), "home", None)


def _link(desk: Desk) -> str | None:
    """A one-time link to the page, where a service on loopback has keys."""
    from api.serving import sessions
    from api.settings import LOOPBACK

    if not desk.settings.auth or desk.settings.host not in LOOPBACK:
        return None
    return sessions.link(desk)


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)


VERBS = (serve, worker, backup, restore, doctor)

#: Name -> what it is about, and its verbs: the first word of each function's name.
GROUPS = {
    "keys": ("API keys: make, list, revoke.", (make_key, list_keys, revoke_key)),
    "db": ("The database's shape.", (upgrade_tables,)),
    "audit": ("The audit log.", (verify_audit,)),
}
