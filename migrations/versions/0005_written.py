"""How often each record's table was written, for whoever keeps answers that were read from it.

On SQLite alone: PostgreSQL tells by its snapshots what was committed, and a row that every writer changes would
have them wait for each other there.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TABLES = ("industry", "share")
_ACTS = ("insert", "update", "delete")


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    written = op.create_table(
        "written",
        sa.Column("entity", sa.String(64), primary_key=True),
        sa.Column("times", sa.Integer(), nullable=False),
    )
    op.bulk_insert(written, [{"entity": table, "times": 0} for table in _TABLES])
    for table in _TABLES:
        for act in _ACTS:
            count = f"UPDATE written SET times = times + 1 WHERE entity = '{table}'"  # noqa: S608 - our own names
            op.execute(f"CREATE TRIGGER {table}_{act}_counted AFTER {act} ON {table} BEGIN {count}; END")


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in _TABLES:
        for act in _ACTS:
            op.execute(f"DROP TRIGGER {table}_{act}_counted")
    op.drop_table("written")
