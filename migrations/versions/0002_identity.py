"""Codes, throttles, two factors, the audit trail, pushed revocations and the outbox of e-mails.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

from app.kit.moments import Moment
from app.kit.tables import Key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Making a table anew must not lose what keeps the key of a deleted trader from being given again.
_KEYS_NEVER_COME_BACK = {"sqlite_autoincrement": True}


def upgrade() -> None:
    with op.batch_alter_table("trader", table_kwargs=_KEYS_NEVER_COME_BACK) as trader:
        trader.add_column(sa.Column("two_factor_enabled", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("trader", table_kwargs=_KEYS_NEVER_COME_BACK) as trader:
        # Only the rows that were there needed a value; from now on the entity says it.
        trader.alter_column("two_factor_enabled", server_default=None)
    op.create_table(
        "audit_event",
        sa.Column("id", Key, nullable=False, autoincrement=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("actor_id", Key, nullable=True),
        sa.Column("trader_id", Key, nullable=True),
        sa.Column("subject_id", sa.String(200), nullable=True),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("device", sa.String(255), nullable=True),
        sa.Column("detail", sa.String(500), nullable=True),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_actor_id"), "audit_event", ["actor_id"])
    op.create_index(op.f("ix_audit_event_trader_id"), "audit_event", ["trader_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("event_id", Key, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("seal", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.bulk_insert(head, [{"id": 1, "event_id": 0, "hash": bytes(32), "seal": b""}])
    op.create_table(
        "revocation",
        sa.Column("id", Key, primary_key=True),
        sa.Column("permit_id", sa.String(43), nullable=True),
        sa.Column("trader_id", Key, nullable=True),
        sa.Column("before", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_revocation_until"), "revocation", ["until"])
    op.create_table(
        "outbox_mail",
        sa.Column("id", Key, primary_key=True),
        sa.Column("message_id", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Moment(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_outbox_mail_next_attempt_at"), "outbox_mail", ["next_attempt_at"])
    op.create_table(
        "security_code",
        _trader_id("security_code"),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("trader_id", "purpose", name=op.f("pk_security_code")),
    )
    op.create_table(
        "throttle",
        sa.Column("subject", sa.LargeBinary(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("blocked_until", Moment(), nullable=True),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_throttle")),
    )
    op.create_index(op.f("ix_throttle_updated_at"), "throttle", ["updated_at"])
    op.create_table(
        "two_factor",
        _trader_id("two_factor"),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("enabled_at", Moment(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("trader_id", name=op.f("pk_two_factor")),
    )
    op.create_table(
        "recovery_code",
        _trader_id("recovery_code"),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("trader_id", "hash", name=op.f("pk_recovery_code")),
    )


def _trader_id(table: str) -> sa.Column[int]:
    return sa.Column(
        "trader_id",
        Key,
        sa.ForeignKey("trader.id", name=op.f(f"fk_{table}_trader_id_trader"), ondelete="CASCADE"),
        nullable=False,
        autoincrement=False,
    )


def downgrade() -> None:
    for table in (
        "recovery_code",
        "two_factor",
        "throttle",
        "security_code",
        "outbox_mail",
        "revocation",
        "audit_head",
        "audit_event",
    ):
        op.drop_table(table)
    with op.batch_alter_table("trader", table_kwargs=_KEYS_NEVER_COME_BACK) as trader:
        trader.drop_column("two_factor_enabled")
