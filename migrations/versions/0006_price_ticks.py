"""Each price that a share got.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from app.kit.moments import Moment
from app.kit.money import Money
from app.kit.tables import Key

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "price_tick",
        sa.Column("id", Key, primary_key=True),
        sa.Column("share_id", Key, nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.Column("previous_price", Money(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["share_id"], ["share.id"], name=op.f("fk_price_tick_share_id_share"), ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_price_tick_share_id"), "price_tick", ["share_id"])


def downgrade() -> None:
    op.drop_table("price_tick")
