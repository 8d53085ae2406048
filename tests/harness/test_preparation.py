"""What of the environment decides whether a finished build may be used again."""

from pathlib import Path

import pytest

from harness import preparation


def test_a_change_of_an_sdk_is_another_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "protocol.mjs"
    monkeypatch.setattr(preparation, "sdk_folder", lambda: tmp_path)
    found = []
    for text in ("one", "two", "one"):
        program.write_text(text, encoding="utf-8")
        found.append(preparation.fingerprint())
    assert found[0] == found[2] != found[1]
