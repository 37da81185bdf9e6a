"""The databases' own drivers, for statements that are texts already and give one value.

Between a request and a compiled statement every layer costs more than the statement: SQLAlchemy's engines are
for everything else. What runs texts here only reads; the connection that writes is for the engines.

A driver is imported where its database is used, for that takes long.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy.engine import URL

from app.drivers.links import Link
from app.drivers.readers import Reader


def open_reader(url: URL, *, connections: int) -> Reader:
    """Prepare to read a database; nothing is opened before it is needed.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
        connections: How many PostgreSQL connections there are at most.
    """
    if url.get_backend_name() == "sqlite":
        from app.drivers.sqlite import SqliteReader

        return SqliteReader(url.database or "")
    from app.drivers.postgresql import PostgresqlReader

    return PostgresqlReader(url, connections=connections)


def link_maker(url: URL) -> Callable[[Any], Link]:
    """Give what makes a link over a connection of the database's driver: a `SqliteWriter` or one of asyncpg.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
    """
    if url.get_backend_name() == "sqlite":
        from app.drivers.sqlite import SqliteLink

        return SqliteLink
    from app.drivers.postgresql import PostgresqlLink

    return PostgresqlLink
