"""Prices as they are said, beside them and kept by the database: reads write them into JSON as they are.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

from app.kit.moments import Moment
from app.kit.money import Money, said_beside
from app.kit.tables import Key

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COLUMNS = "id, industry_id, tag, price, version, created_at, updated_at"
_BESIDE = (
    "SELECT sql FROM sqlite_master WHERE tbl_name = 'share' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)
_HIGHEST_KEY = "SELECT seq FROM sqlite_sequence WHERE name = 'share'"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
    else:
        op.add_column("share", said_beside("price"))


def _make_anew() -> None:
    # SQLite adds no column that it would have to fill.
    connection = op.get_bind()
    beside = connection.exec_driver_sql(_BESIDE).scalars().all()
    highest_key = connection.exec_driver_sql(_HIGHEST_KEY).scalar()
    op.create_table(
        "share_anew",
        sa.Column("id", Key, primary_key=True),
        sa.Column("industry_id", Key, nullable=False),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        said_beside("price"),
        sa.CheckConstraint("price >= 0", name=op.f("ck_share_price")),
        sa.ForeignKeyConstraint(["industry_id"], ["industry.id"], name=op.f("fk_share_industry_id_industry")),
        sa.UniqueConstraint("tag", name=op.f("uq_share_tag")),
        sqlite_autoincrement=True,
    )
    op.execute(f"INSERT INTO share_anew ({_COLUMNS}) SELECT {_COLUMNS} FROM share")  # noqa: S608 - our own names
    op.drop_table("share")
    op.rename_table("share_anew", "share")
    for statement in beside:
        op.execute(statement)
    # No key is ever given twice, not even that of a share that is gone.
    connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'share'")
    if highest_key is not None:
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('share', ?)", (highest_key,))


def downgrade() -> None:
    op.drop_column("share", "price_text")
