"""Write the service's OpenAPI document: `python -m docs.openapi`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from api.main import application
from api.settings import Settings

PLACE = Path(__file__).parent / "openapi.json"


def document() -> dict[str, Any]:
    """What the service says of itself, whatever its settings."""
    found: dict[str, Any] = application(Settings(_env_file=None)).openapi()  # type: ignore[call-arg]
    return found


def text() -> str:
    """The document as its file holds it."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text(), encoding="utf-8")
