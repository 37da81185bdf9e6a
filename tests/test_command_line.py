"""Every command in a process of its own: what it does, what it says, and the status it ends with."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from app.database import unmigrate
from tests.processes import ROOT, Finished, command, on_terminal

SCHEMA = ROOT / "schema.graphql"


def tables(data_dir: Path) -> dict[str, int]:
    """How many rows each table of the embedded database has."""
    database = sqlite3.connect(data_dir / "shares.sqlite")
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    counted = {
        name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - its own names
        for name in names
    }
    database.close()
    return counted


def in_one_line(done: Finished) -> str:
    """What a refused command says: one line for people."""
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    return done.err.rstrip("\n")


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = command("--help", data_dir=tmp_path)

    assert (done.status, done.err) == (0, "")
    assert {"serve", "migrate", "seed", "schema"} <= {line.split()[0] for line in done.out.splitlines() if line}


@pytest.mark.parametrize("arguments", [(), ("sreve",), ("serve", "--faster"), ("schema",)])
def test_what_is_not_a_command_is_not_understood(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = command(*arguments, data_dir=tmp_path)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("usage: shares")
    assert list(tmp_path.iterdir()) == []


def test_migrate_makes_the_embedded_database_and_the_folder_around_it(tmp_path: Path) -> None:
    data_dir = tmp_path / "one" / "two"

    done = command("migrate", data_dir=data_dir)

    assert done == Finished(0, "", "")
    assert {"industry", "share", "trader", "permit"} <= set(tables(data_dir))
    checked = command("migrate", "--check", data_dir=data_dir)
    assert (checked.status, checked.err) == (0, "")


def test_migrate_check_refuses_an_old_database_and_leaves_it(tmp_path: Path) -> None:
    done = command("migrate", "--check", data_dir=tmp_path)

    assert in_one_line(done) == "Migrations: Target database is not up to date."
    assert [name for name in tables(tmp_path) if name != "alembic_version"] == []


def test_migrate_check_refuses_a_database_that_differs(tmp_path: Path) -> None:
    command("migrate", data_dir=tmp_path)
    database = sqlite3.connect(tmp_path / "shares.sqlite")
    database.execute("ALTER TABLE share ADD COLUMN colour VARCHAR(9)")
    database.close()

    said = in_one_line(command("migrate", "--check", data_dir=tmp_path))

    assert said.startswith("Migrations: New upgrade operations detected: ")
    assert "colour" in said


def test_seed_fills_a_migrated_database_once(tmp_path: Path) -> None:
    command("migrate", data_dir=tmp_path)

    first = command("seed", data_dir=tmp_path)
    once = tables(tmp_path)
    second = command("seed", data_dir=tmp_path)

    assert first == second == Finished(0, "", "")
    assert (once["industry"], once["share"], once["trader"], once["password_hash"]) == (2, 6, 4, 4)
    assert tables(tmp_path) == once


def test_seed_makes_many_shares_and_the_demo_traders(tmp_path: Path) -> None:
    command("migrate", data_dir=tmp_path)

    done = command("seed", "--industries", "3", "--shares", "7", data_dir=tmp_path)

    assert done == Finished(0, "Inserted 3 industries with 7 shares each.\n", "")
    seeded = tables(tmp_path)
    assert (seeded["industry"], seeded["share"], seeded["trader"]) == (3, 21, 4)


def test_seed_does_not_mix_many_shares_with_others(tmp_path: Path) -> None:
    command("migrate", data_dir=tmp_path)
    command("seed", data_dir=tmp_path)
    before = tables(tmp_path)

    said = in_one_line(command("seed", "--industries", "3", data_dir=tmp_path))

    assert said == "Failed: the database has industries already; use an empty one."
    assert tables(tmp_path) == before


def test_seed_draws_a_bar_on_a_terminal(tmp_path: Path) -> None:
    command("migrate", data_dir=tmp_path)

    drawn = on_terminal("seed", "--industries", "2", "--shares", "3000", data_dir=tmp_path)

    assert drawn == (
        f"\r[{'#' * 33}{' ' * 7}] 5,000 of 6,000 shares"
        f"\r[{'#' * 40}] 6,000 of 6,000 shares\r\n"
        "Inserted 2 industries with 3,000 shares each.\r\n"
    )


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5"])
def test_seed_understands_whole_numbers(given: str, tmp_path: Path) -> None:
    done = command("seed", f"--industries={given}", data_dir=tmp_path)

    assert (done.status, done.out) == (2, "")
    assert done.err.endswith("argument --industries: needs to be a whole number from 1\n")


def test_seed_makes_no_demo_traders_in_production(tmp_path: Path) -> None:
    settings = {"mode": "production", "secret": "s" * 32, "pepper": "p" * 32}
    command("migrate", data_dir=tmp_path, **settings)

    done = command("seed", data_dir=tmp_path, **settings)

    assert done == Finished(0, "", "")
    seeded = tables(tmp_path)
    assert (seeded["industry"], seeded["share"], seeded["trader"], seeded["password_hash"]) == (2, 6, 0, 0)


def test_seed_needs_the_tables(tmp_path: Path) -> None:
    done = command("seed", data_dir=tmp_path)

    assert in_one_line(done) == "Failed: (sqlite3.OperationalError) no such table: industry"


def test_commands_work_on_the_database_that_is_set(database_url: str, tmp_path: Path) -> None:
    asyncio.run(unmigrate(database_url, "base"))

    done = [
        command(*arguments, data_dir=tmp_path / "data", database_url=database_url)
        for arguments in (["migrate"], ["migrate", "--check"], ["seed"], ["seed"])
    ]

    assert [(each.status, each.err) for each in done] == [(0, "")] * 4
    assert not (tmp_path / "data" / "shares.sqlite").exists()


def test_schema_export_writes_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "exported.graphql"

    done = command("schema", "export", str(file), data_dir=tmp_path / "data")

    assert done == Finished(0, "", "")
    assert file.read_text() == SCHEMA.read_text()
    assert not (tmp_path / "data").exists()


def test_schema_check_accepts_the_file_of_the_repository(tmp_path: Path) -> None:
    assert command("schema", "export", "--check", data_dir=tmp_path) == Finished(0, "", "")


@pytest.mark.parametrize("text", ["", "type Query { other: Int }\n"])
def test_schema_check_refuses_another_file_and_leaves_it(text: str, tmp_path: Path) -> None:
    file = tmp_path / "other.graphql"
    file.write_text(text)

    done = command("schema", "export", "--check", str(file), data_dir=tmp_path)

    assert in_one_line(done) == f"{file} differs from the code: run `python -m app schema export`"
    assert file.read_text() == text


def test_schema_check_refuses_a_missing_file(tmp_path: Path) -> None:
    done = command("schema", "export", "--check", str(tmp_path / "none.graphql"), data_dir=tmp_path)

    assert in_one_line(done).startswith(f"{tmp_path / 'none.graphql'} differs from the code")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"port": "eighty"},
            "Settings: SHARES_PORT: Input should be a valid integer, unable to parse string as an integer",
        ),
        ({"prot": "8000"}, "Settings: SHARES_PROT: Extra inputs are not permitted"),
        ({"secret": "short"}, "Settings: SHARES_SECRET needs at least 32 characters"),
        ({"token_encryption_key": "00"}, "Settings: SHARES_TOKEN_ENCRYPTION_KEY: needs 64 hexadecimal digits"),
        (
            {"secret": "s" * 32, "previous_secrets": "short"},
            "Settings: SHARES_PREVIOUS_SECRETS need at least 32 characters each",
        ),
        (
            {"database_url": "oracle://ada:pw@host/shares"},
            "Settings: SHARES_DATABASE_URL: needs to be postgresql://user:password@host/name or sqlite:///path",
        ),
    ],
)
def test_a_bad_setting_is_refused_in_one_line(settings: dict[str, str], said: str, tmp_path: Path) -> None:
    done = command("migrate", data_dir=tmp_path, **settings)

    assert in_one_line(done) == said
    assert list(tmp_path.iterdir()) == []


def test_production_does_not_serve_without_a_secret(tmp_path: Path) -> None:
    done = command("serve", "--prepare", data_dir=tmp_path, mode="production", pepper="p" * 32)

    assert in_one_line(done).startswith("Settings: SHARES_SECRET")
    assert list(tmp_path.iterdir()) == []


def test_a_signing_key_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    done = command("serve", data_dir=tmp_path, signing_key_file=str(tmp_path / "none.pem"))

    assert in_one_line(done) == f"Failed: [Errno 2] No such file or directory: '{tmp_path / 'none.pem'}'"


def test_a_signing_key_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    (file := tmp_path / "key.pem").write_text("no key")

    done = command("serve", data_dir=tmp_path, signing_key_file=str(file))

    assert in_one_line(done).startswith("Failed: ")


def test_a_database_newer_than_the_code_is_told_in_one_line(tmp_path: Path) -> None:
    command("migrate", data_dir=tmp_path)
    database = sqlite3.connect(tmp_path / "shares.sqlite", isolation_level=None)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    done = command("serve", "--prepare", data_dir=tmp_path)

    assert in_one_line(done) == "Migrations: Can't locate revision identified by '9999'"


def test_a_database_that_does_not_answer_is_told_in_one_line(tmp_path: Path) -> None:
    done = command("migrate", data_dir=tmp_path, database_url="postgresql://ada:not-to-be-told@127.0.0.1:1/shares")

    said = in_one_line(done)
    assert said.startswith("Failed: ")
    assert "not-to-be-told" not in said


def test_a_data_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = command("migrate", data_dir=tmp_path / "file" / "data")

    assert in_one_line(done) == f"Failed: [Errno 20] Not a directory: '{tmp_path / 'file' / 'data'}'"


def test_explain_shows_the_statement_of_an_operation(tmp_path: Path) -> None:
    file = tmp_path / "query.graphql"
    file.write_text("query ($id: ID!) { share(id: $id) { tag } }")

    done = command("explain", str(file), "--dialect", "postgresql", data_dir=tmp_path)

    assert (done.status, done.err) == (0, "")
    assert "-- bind 1: $id\nSELECT " in done.out


def test_explain_says_of_a_write_that_it_is_done_without_resolvers(tmp_path: Path) -> None:
    file = tmp_path / "write.graphql"
    file.write_text('mutation Drop { shareDelete(input: {id: "1"}) { outcome } }')

    done = command("explain", str(file), data_dir=tmp_path)

    assert done.out == (
        "-- mutation Drop\n-- policies: TRADER_MANAGERS; done without resolvers, by prepared statements\n"
    )


def test_explain_refuses_a_document_that_is_not_valid(tmp_path: Path) -> None:
    file = tmp_path / "query.graphql"
    file.write_text("{ nothing }")

    refusal = in_one_line(command("explain", str(file), data_dir=tmp_path))

    assert refusal == "The document is not valid: Cannot query field 'nothing' on type 'Query'."
