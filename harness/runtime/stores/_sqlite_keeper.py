"""Empties a SQLite file and counts its rows, for the harness, which itself never opens what a candidate may have written.

A program of its own, inside a sandbox that sees nothing but the file's folder. One JSON line asks, one answers:
{"do": "empty" | "entries" | "holdings" | "keep"} -> {"rows": n}, with {"tables": {name: n}} for holdings | {"busy": why} | {"broken": why}.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time

BUSY_S = 1.0
MOST_S = 5.0
STEPS = 10_000
MOST_TABLES = 100
NAME_CHARS = 60


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    until = time.monotonic() + MOST_S
    # A schema can make any statement take for ever.
    connection.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)
    connection.execute("pragma trusted_schema = off")
    return connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'")
    return [row[0] for row in rows]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {_quoted(table)}").fetchone()[0])


def _do(what: str, path: str, kept: set[str]) -> dict[str, object]:
    if not os.path.exists(path):
        return {"rows": 0, "tables": {}}
    connection = _open(path)
    try:
        names = _tables(connection)
        tables = [name for name in names if name not in kept]
        if what == "keep":
            kept.update(name for name in tables if _count(connection, name))
        elif what == "empty":
            connection.execute("begin immediate")
            for name in tables:
                connection.execute(f"delete from {_quoted(name)}")
            connection.execute("commit")
        elif what == "holdings":
            counts = {name[:NAME_CHARS]: _count(connection, name) for name in names[:MOST_TABLES]}
            return {"rows": sum(counts.values()), "tables": counts}
        return {"rows": sum(_count(connection, name) for name in tables) if what == "entries" else 0}
    finally:
        connection.close()


def main() -> None:
    """Answers until its input ends."""
    path, kept = sys.argv[1], set[str]()
    for line in sys.stdin:
        try:
            answer = _do(json.loads(line)["do"], path, kept)
        except sqlite3.OperationalError as error:
            answer = {"busy": str(error)}
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            answer = {"broken": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
