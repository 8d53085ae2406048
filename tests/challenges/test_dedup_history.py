"""A history on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import asdict

from challenges.alert_dedup.history import Emit, Fault, History, HistoryError, Invoke, Ok, read
from tests.challenges.dedup_histories import lawful


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with History(path) as history:
        history.add(Invoke, 5, "p0", op=1, event_id="é\n", fingerprint="\U0001f525" * 9, clock_ns=-3)
        history.add(Emit, 5, "p0", alert_id="a", fingerprint="f", event_id="e")
        history.add(Ok, 7, "p0", op=1, decision="emit")
        history.add(Fault, 9, "p1", fault="kill", evidence={"states": {"7": "Z"}})
        for entry in lawful(1).entries():
            fields = asdict(entry)
            fields.pop("i")
            history.add(type(entry), 10 + fields.pop("t_ns"), fields.pop("proc"), **fields)
    assert read(path) == history.entries
    first, second = path.read_text().splitlines()[:2]
    assert first.startswith('{"type":"invoke","i":0,"t_ns":5,"proc":"p0","clock_ns":-3,"op":1,')
    assert second == '{"type":"emit","i":1,"t_ns":5,"proc":"p0","alert_id":"a","fingerprint":"f","event_id":"e"}'


def test_time_does_not_run_backwards() -> None:
    history = History()
    history.add(Ok, 7, "p0", op=1, decision="emit")
    with pytest.raises(HistoryError, match="entry 1 at 6 ns"):
        history.add(Ok, 6, "p0", op=1, decision="emit")


def test_half_a_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"type":"obs","i":0,"t_ns":1,"proc":"p0","what":"up"}\n{"type":"obs","i":1,"t')
    assert len(read(path)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        '{"type":"rumour","i":1,"t_ns":1,"proc":"p0"}',
        '{"type":"obs","i":2,"t_ns":1,"proc":"p0","what":"up"}',
        '{"type":"obs","i":1,"t_ns":0,"proc":"p0","what":"up"}',
    ],
)
def test_what_is_no_entry_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text('{"type":"obs","i":0,"t_ns":1,"proc":"p0","what":"up"}\n' + line + "\n")
    with pytest.raises(HistoryError, match=r"history.jsonl:2: expected .*entry"):
        read(path)
