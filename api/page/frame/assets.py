"""Style sheets, scripts and vendored libraries, under an address that changes with them."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi import Path as Part
from fastapi.responses import Response

from api.problems import RequestError

FOLDER = Path(__file__).parents[1] / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@cache
def version() -> str:
    """A hash of all assets: their address, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.suffix in KINDS:
            digest.update(path.relative_to(FOLDER).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where an asset is served."""
    return f"/static/{version()}/{name}"


@cache
def packed(name: str) -> tuple[bytes, bytes, str] | None:
    """An asset plain, gzipped, and its media type; None where there is no such asset."""
    path = (FOLDER / name).resolve()
    if not path.is_relative_to(FOLDER) or path.suffix not in KINDS or not path.is_file():
        return None
    content = path.read_bytes()
    return content, gzip.compress(content, 9, mtime=0), KINDS[path.suffix]


@router.get("/static/{version}/{name:path}")
def asset(
    name: Annotated[str, Part(max_length=200)],
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """One asset."""
    found = packed(name)
    if found is None:
        raise RequestError(404, "no_route", "There is no such file. Load the page again.")
    plain, small, kind = found
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" not in accept_encoding:
        return Response(plain, media_type=kind, headers=headers)
    return Response(small, media_type=kind, headers={**headers, "Content-Encoding": "gzip"})
