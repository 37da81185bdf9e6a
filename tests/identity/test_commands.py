"""Administrators and the audit trail from the command line: real processes over a real database."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import select

from app.credentials import PasswordHash
from app.database import Database
from app.entities import AuditEvent, Trader
from app.kit.clock import utc_now
from app.main import create_app
from app.settings import Settings
from tests.callers import Api
from tests.factories import ManualClock, make_trader
from tests.identity.desk import ADA, Desk

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PASSWORD = "Correct-horse-battery-9"
PEPPER = "a pepper of the tests that is long enough"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"pepper": SecretStr(PEPPER)})


class Shell:
    """Runs commands over the test's database."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SHARES_")},
            "SHARES_DATA_DIR": str(settings.data_dir),
            "SHARES_DATABASE_URL": settings.effective_database_url,
            "SHARES_PASSWORD_HASHING": "cheap",
            "SHARES_PEPPER": PEPPER,
        }

    def __call__(self, *arguments: str, given: str = "") -> tuple[int, str, str]:
        """Run a command and give its status and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def shell(settings: Settings) -> Shell:
    return Shell(settings)


async def test_an_administrator_is_made_and_can_log_in_and_the_trail_stands(
    shell: Shell, settings: Settings, clock: ManualClock
) -> None:
    # Commands go by the real time; the server of this test is a little ahead of it.
    clock.now = utc_now() + timedelta(minutes=1)
    made = shell("create-admin", "Boss@Example.com", "--first-name", "Grace", given=f"{PASSWORD}\n")
    again = shell("create-admin", "boss@example.com")
    verified = shell("audit", "verify")

    assert made == (0, "Boss@Example.com is an administrator.\n", "")
    # Who is one already is asked for no password and changes in nothing.
    assert again == (0, "boss@example.com is an administrator.\n", "")
    assert verified == (0, "Every audit event stands as it was written.\n", "")
    app = create_app(settings, clock=clock)
    async with app.router.lifespan_context(app), Api(app) as api:
        desk = Desk(app, api, clock, settings.data_dir)
        access, _ = await desk.tokens("boss@example.com", PASSWORD)
        answer = await api("{ me { firstName } auditEventsConnection { nodes { action } } }", token=access)
        (event, *_) = await desk.events()
    assert answer.body == {
        "data": {
            "me": {"firstName": "Grace"},
            "auditEventsConnection": {"nodes": [{"action": "LOGGED_IN"}, {"action": "ADMINISTRATOR_MADE"}]},
        }
    }
    assert (event.actor_id, event.trader_id, event.subject_id) == (None, 1, "Trader:1")
    assert event.request_id.startswith("command ")


async def test_a_trader_who_exists_keeps_password_and_profile(shell: Shell, database: Database) -> None:
    trader = await make_trader(database, email=ADA)
    async with database.reading() as session:
        before = (await session.exec(select(PasswordHash.hash))).all()

    assert shell("create-admin", ADA, "--first-name", "Eve", given="Another-horse-battery-7\n")[0] == 0

    async with database.reading() as session:
        assert (await session.exec(select(PasswordHash.hash))).all() == before
        found = await session.get_one(Trader, trader.id)
    assert (found.is_administrator, found.first_name, found.version) == (True, "Ada", 2)


async def test_a_weak_or_missing_password_is_refused_and_nobody_is_made(shell: Shell, database: Database) -> None:
    leaked = shell("create-admin", "boss@example.com", given="password123\n")
    missing = shell("create-admin", "boss@example.com")

    assert leaked == (1, "", "This password is known from data leaks. Please choose another.\n")
    assert missing[:2] == (1, "")
    async with database.reading() as session:
        assert (await session.exec(select(Trader))).all() == []
        assert (await session.exec(select(AuditEvent))).all() == []


async def test_a_password_is_never_an_argument(shell: Shell, database: Database) -> None:
    status, _, said = shell("create-admin", "boss@example.com", "--password", PASSWORD)

    assert status == 2
    assert "unrecognized arguments" in said
    async with database.reading() as session:
        assert (await session.exec(select(Trader))).all() == []


async def test_a_broken_trail_is_told_with_the_event(shell: Shell, database: Database) -> None:
    assert shell("create-admin", "boss@example.com", given=f"{PASSWORD}\n")[0] == 0
    async with database.unit_of_work() as session:
        await (await session.connection()).execute(text("UPDATE audit_event SET trader_id = 2"))

    assert shell("audit", "verify") == (
        1,
        "",
        "The audit trail is broken at event 1: it was edited or is missing.\n",
    )


async def test_the_demo_database_has_an_administrator_and_one_more_can_be_made(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "demo")
    shell = Shell(settings)
    for command in ("migrate", "seed"):
        status, _, said = shell(command)
        assert (status, said) == (0, "")

    assert shell("create-admin", "manager@example.com") == (0, "manager@example.com is an administrator.\n", "")
    assert shell("audit", "verify")[0] == 0

    database = Database(settings.effective_database_url)
    async with database.reading() as session:
        emails = select(Trader.email).where(Trader.is_administrator).order_by(Trader.email)
        assert (await session.exec(emails)).all() == ["admin@example.com", "manager@example.com"]
    await database.close()
