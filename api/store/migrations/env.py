"""Runs the migrations on the connection it is handed; `api.store.database.upgrade` calls it."""

from alembic import context

from api.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds them all
)
context.run_migrations()
