"""What a workspace means by a model's other name, such as `current`."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert

from api.store.tables import aliases


def point(connection: Connection, workspace: str, alias: str, model: str) -> None:
    """Let an alias mean a model."""
    own = (aliases.c.workspace == workspace) & (aliases.c.name == alias)
    connection.execute(delete(aliases).where(own))
    connection.execute(insert(aliases).values(workspace=workspace, name=alias, model=model))
