"""How Alembic reaches the database: over the connection that `app.database.migrate` hands it."""

from alembic import context
from sqlmodel import SQLModel

import app.credentials
import app.entities  # noqa: F401 - both fill the metadata

# Triggers alone write it, and a driver alone reads it: no entity stands for it.
_WITHOUT_ENTITY = "written"

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    compare_type=True,
    include_name=lambda name, kind, _: kind != "table" or name != _WITHOUT_ENTITY,
    # SQLite can change a table only by making it anew.
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
