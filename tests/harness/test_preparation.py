"""What of the environment decides whether a finished build may be used again, and what of a manifest reaches a suite."""

from pathlib import Path

import pytest

from harness import preparation
from harness.candidate.checkout import Checkout
from harness.candidate.values import Candidate, EntrySpec


def test_a_change_of_an_sdk_is_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "protocol.mjs"
    monkeypatch.setattr(preparation, "sdk_folder", lambda: tmp_path)
    found = []
    for text in ("one", "two", "one"):
        program.write_text(text, encoding="utf-8")
        found.append(preparation.fingerprint())
    assert found[0] == found[2] != found[1]


def test_the_bases_own_tables_are_known_to_the_program(tmp_path: Path) -> None:
    entries = {"run": {"alert-dedup": EntrySpec(("true",), store="postgres")}}
    programs = []
    for tables in ((), ("alerts",)):
        candidate = Candidate("x", ("alert-dedup",), "r", None, None, entries, base_tables=tables)
        checkout = Checkout(tmp_path, "d", 0, 0, (), "")
        made = preparation.subject(preparation.Prepared(candidate, checkout, tmp_path), "alert-dedup", "run")
        programs.append(made.program)
    assert [program.base_tables for program in programs if program is not None] == [[], ["alerts"]]
