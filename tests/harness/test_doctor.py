"""What `harness doctor` says of the stores."""

import pytest
from typer.testing import CliRunner

from harness.cli.doctor import LOOKS, Item
from harness.cli.main import app
from harness.runtime.stores import SERVERS, store_program
from harness.runtime.stores import _find as find

PLACES = ("_valkey.find_valkey", "_postgres.find_postgres")


def stores() -> list[Item]:
    return [look() for look in LOOKS if look.__name__ in ("_postgres", "_valkey")]


def test_stores_are_found_with_their_versions_and_where_they_are_from() -> None:
    postgres, valkey = stores()
    assert "PostgreSQL" in postgres.found and "from " in postgres.found
    assert "alkey" in valkey.found and "sha=" not in valkey.found
    for kind in SERVERS:
        program = store_program(kind)
        assert program is not None and program[0].is_file()


def test_programs_of_the_system_are_told_by_their_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "_package", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/bin/{name}" if name == "redis-server" else None)
    found = find.find_valkey.__wrapped__()
    assert found is not None
    assert (str(found.server), found.origin) == ("/opt/bin/redis-server", "/opt/bin")


def test_without_stores_it_says_what_that_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in PLACES:
        monkeypatch.setattr(f"harness.runtime.stores.{place}", lambda: None)
    assert [(item.found, "cannot be measured" in item.cost, "extra `stores`" in item.cost) for item in stores()] == [
        ("", True, True),
        ("", True, True),
    ]
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert "store: Postgres" in result.output
