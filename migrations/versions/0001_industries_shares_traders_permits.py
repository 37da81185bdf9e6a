"""Industries and shares, traders and their permits, and the drawer of credentials.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

from app.kit.moments import Moment
from app.kit.money import Money
from app.kit.tables import Key

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "industry",
        sa.Column("id", Key, primary_key=True),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.UniqueConstraint("tag", name=op.f("uq_industry_tag")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "share",
        sa.Column("id", Key, primary_key=True),
        sa.Column("industry_id", Key, nullable=False),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.Column("price", Money(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_share_price")),
        sa.ForeignKeyConstraint(["industry_id"], ["industry.id"], name=op.f("fk_share_industry_id_industry")),
        sa.UniqueConstraint("tag", name=op.f("uq_share_tag")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_share_industry_id"), "share", ["industry_id"])
    op.create_table(
        "trader",
        sa.Column("id", Key, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_confirmed", sa.Boolean(), nullable=False),
        sa.Column("first_name", sa.String(100), nullable=False),
        sa.Column("last_name", sa.String(100), nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("claimed_date_joined", sa.Date(), nullable=True),
        sa.Column("date_joined", sa.Date(), nullable=True),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.UniqueConstraint("email", name=op.f("uq_trader_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "permit",
        sa.Column("id", sa.String(43), nullable=False),
        sa.Column("trader_id", Key, nullable=False),
        sa.Column("device", sa.String(255), nullable=True),
        sa.Column("issued_at", Moment(), nullable=False),
        sa.Column("renewed_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["trader_id"], ["trader.id"], name=op.f("fk_permit_trader_id_trader"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit")),
    )
    op.create_index(op.f("ix_permit_trader_id"), "permit", ["trader_id"])
    op.create_table(
        "password_hash",
        sa.Column("trader_id", Key, nullable=False, autoincrement=False),
        sa.Column("hash", sa.String(255), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trader_id"], ["trader.id"], name=op.f("fk_password_hash_trader_id_trader"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("trader_id", name=op.f("pk_password_hash")),
    )
    op.create_table(
        "refresh_token",
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("permit_id", sa.String(43), nullable=False),
        sa.Column("parent_hash", sa.LargeBinary(32), nullable=True),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("dead_since", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["permit_id"], ["permit.id"], name=op.f("fk_refresh_token_permit_id_permit"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_refresh_token")),
    )
    op.create_index(op.f("ix_refresh_token_permit_id"), "refresh_token", ["permit_id"])


def downgrade() -> None:
    for table in ("refresh_token", "password_hash", "permit", "trader", "share", "industry"):
        op.drop_table(table)
