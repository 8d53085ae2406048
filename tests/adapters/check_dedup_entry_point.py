"""The same alerts through the adapter and through the repository's own entry point: the same rows, and which pages differ.

Through the entry point an alert comes about by logs: the detector that all of these commits have raises error_spike on each error of
a service beyond the tenth in a minute, higher beyond the 20th and the 50th. Through the adapter the same alerts are offered.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CandidateDied
from tests.adapters.bench import Bench, Processor, built
from tests.adapters.entry_point import EntryPoint, Log, Row, add_channel, insert, prepare_store, receiver, resolve_all, rows

BASE, LOCKS, RESERVATIONS = "tracer-base-dedup", "tracer-gpt-5.1-codex-dedup", "tracer-gpt-5-codex-dedup"
NOT_WIRED, DOES_NOT_START = "tracer-sonnet-4.5-dedup", "tracer-kimi-k2-dedup"
THRESHOLD = 10
PAUSE_S = 9.0  # longer than any window of theirs

# What happens, in order: so many errors of a service, or `resolve`, or `pause`.
STREAM: tuple[tuple[str, int] | str, ...] = (
    *[("api", 60), ("web", 12), ("pay", 10)],
    *["pause", ("api", 2), ("web", 12)],
    *["resolve", ("api", 2), ("web", 1), "pause", ("api", 2), ("web", 1)],
)
SERVICES = ("api", "web", "pay")


@dataclass
class Came:
    """What one of the two ways made of the stream."""

    rows: list[Row]
    pages: Counter[str]
    complaints: list[str] = field(default_factory=list)


def severity(errors: int) -> str:
    """As the repository's detector sets it, by the errors of the minute."""
    return "critical" if errors > 5 * THRESHOLD else "high" if errors > 2 * THRESHOLD else "medium"


def message(service: str, errors: int) -> str:
    """In the words of the repository's detector."""
    return f"Error spike detected: {errors} errors in {service} (threshold: {THRESHOLD})"


def run_stream(error: Any, resolve: Any) -> None:
    """Calls `error(service, errors so far)` and `resolve()`."""
    counts: Counter[str] = Counter()
    for step in STREAM:
        if step == "pause":
            time.sleep(PAUSE_S)
        elif step == "resolve":
            resolve()
        else:
            for _ in range(step[1]):
                counts[step[0]] += 1
                error(step[0], counts[step[0]])


def by_entry_point(bench: Bench, candidate: str, folder: Path, processors: int) -> Came:
    """By logs, each done with before the next."""
    _, tree = built(candidate)
    prepare_store(bench, tree)
    stamp_ms = int(time.time()) // 60 * 60_000
    with receiver() as heard:
        for service in SERVICES:
            add_channel(bench, service, heard.url)
        running = [EntryPoint(bench, tree, folder, name=f"p{n}", network=True) for n in range(processors)]

        def error(service: str, _errors: int) -> None:
            insert(bench, [Log(stamp_ms, service, "error", "it broke")])
            for processor in running:
                processor.expect_logs(1)

        run_stream(error, lambda: resolve_all(bench))
        pages = Counter(service for text in heard.texts for service in SERVICES if f"**Service**: {service}\n" in text)
    return Came(rows(bench, moments=False), pages, [line for processor in running for line in processor.complaints()])


def by_adapter(bench: Bench, candidate: str, processors: int) -> Came:
    """By offers, each answered before the next."""
    running: list[Processor] = [bench.start(candidate, f"p{n}").ready() for n in range(processors)]
    for service in SERVICES:
        add_channel(bench, service, "nowhere")

    def error(service: str, errors: int) -> None:
        if errors > THRESHOLD:
            text = message(service, errors)
            calls = [
                processor.send(service, f"{service}{errors}.{n}", severity=severity(errors), message=text)
                for n, processor in enumerate(running)
            ]
            answers = bench.wait(*calls)
            assert set(answers) <= {"emit", "suppress", "update"}, answers

    def resolve() -> None:
        for service in SERVICES:
            running[0].resolve(service)

    run_stream(error, resolve)
    return Came(rows(bench, moments=False), Counter(emit["fingerprint"] for emit in bench.emits))


@pytest.fixture
def benches() -> Iterator[tuple[Bench, Bench]]:
    one, other = Bench(), Bench()
    yield one, other
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("candidate", "processors"), [(BASE, 1), (NOT_WIRED, 1), (LOCKS, 1), (LOCKS, 2), (RESERVATIONS, 1), (RESERVATIONS, 2)]
)
def test_adapter_and_entry_point_make_the_same_rows(
    benches: tuple[Bench, Bench], tmp_path: Path, candidate: str, processors: int
) -> None:
    entry_point = by_entry_point(benches[0], candidate, tmp_path, processors)
    adapter = by_adapter(benches[1], candidate, processors)
    print(f"\n{candidate}, {processors} processors")
    for row in entry_point.rows:
        print("  row", row)
    print("  pages by the entry point's own handler", dict(entry_point.pages), "by the adapter", dict(adapter.pages))
    assert entry_point.complaints == []
    assert adapter.rows == entry_point.rows != []
    assert set(adapter.pages) == {row.service for row in adapter.rows}


def test_a_commit_that_does_not_start_does_so_neither_way(benches: tuple[Bench, Bench], tmp_path: Path) -> None:
    _, tree = built(DOES_NOT_START)
    with pytest.raises(RuntimeError, match="Failed to start processor"):
        EntryPoint(benches[0], tree, tmp_path)
    processor = benches[1].start(DOES_NOT_START)
    with pytest.raises(CandidateDied):
        processor.ready()
    assert "Failed to start processor" in processor.actor.stderr_tail()  # and why: its own logger leaves that out
    assert "eq is not defined" in processor.actor.stderr_tail()
