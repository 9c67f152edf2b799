"""A scenario with its model, as a command puts it: answered here, or by a service."""

from __future__ import annotations

import os
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.output import Delivery
    from api.services import Question

#: The address of the service that fits and plans; None where that is done here.
SERVER: ContextVar[str | None] = ContextVar("server", default=None)


def question_of(path: Path, model: Path | None, delivery: Delivery) -> Question:
    """A scenario file with its model."""
    from api.services import read_question

    voice = delivery.voice
    read, server = read_question, SERVER.get()
    if server is not None:
        from api.client import Client
        from api.remote import ask_service

        client = Client(server, os.environ.get("ROMI_KEY"))
        delivery.at_end(client.close)
        read = partial(ask_service, client)
    return read(path, model, progress=voice.progress, advance=voice.advance, warn=voice.warn)
