"""The deduplicators that others are measured by, and the starter: they speak the protocol and deduplicate, over real stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.judge.specimens import Specimen, read_specimens
from harness.paths import challenges_root
from harness.runtime.conform import EPOCH_MS, Session, run
from harness.runtime.process import Process
from harness.runtime.samples import read_samples
from harness.runtime.sandbox import choose
from harness.runtime.stores import Store, open_store, store_unavailable

FOLDER = challenges_root() / "alert_dedup"
CONFIG = {"window_ms": 5000, "max_skew_ms": 3000}
SPECIMENS = {specimen.name: specimen for specimen in read_specimens(FOLDER)}
GOOD = {
    "plain": (FOLDER / "specimens" / "plain", "specimen.py"),
    "plain_postgres": (FOLDER / "specimens" / "plain_postgres", "specimen.py"),
    "plain_sqlite": (FOLDER / "specimens" / "plain_sqlite", "specimen.py"),
    "starter": (FOLDER / "starter", "deduplicator.py"),
}


@pytest.fixture(scope="module", params=["redis", "postgres", "sqlite"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if (reason := store_unavailable(request.param)) is not None:
        pytest.skip(reason)
    with open_store(request.param) as opened:
        yield opened


def session(name: str, store: Store, scratch: Path) -> Session:
    folder, program = GOOD[name]
    argv = ("python3", program)
    return Session(choose("none"), argv, folder, scratch, "alert-dedup", virtual=True, config=CONFIG, store=store)


def names_for(store: Store) -> list[str]:
    return [name for name in GOOD if (SPECIMENS[name].store if name in SPECIMENS else "redis") == store.kind]


def test_they_conform(store: Store, tmp_path: Path) -> None:
    for name in names_for(store):
        problems = [check for check in run(session(name, store, tmp_path), read_samples(FOLDER)) if check.problem]
        assert not problems, name


def offer(process: Process, event_id: str, fingerprint: str) -> tuple[str, list[dict[str, Any]]]:
    """The decision, and the pages that came with it."""
    alert = {"service": "s", "alert_type": "t", "severity": "high", "message": "m"}
    told = {"event_id": event_id, "attempt": 1, "fingerprint": fingerprint, "alert": alert}
    process.notifications.clear()
    decision = process.request("offer", told, now_ms=EPOCH_MS)["decision"]
    return decision, [message["params"] for message in process.notifications]


def test_two_of_them_page_once_and_again_after_the_window(store: Store, tmp_path: Path) -> None:
    for name in names_for(store):
        store.empty()
        made = session(name, store, tmp_path)
        with made.start() as one, made.start() as two:
            made.initialize(one)
            made.initialize(two)
            decision, pages = offer(one, "e1", "f")
            assert (decision, [(page["event_id"], page["fingerprint"]) for page in pages]) == ("emit", [("e1", "f")]), name
            assert offer(two, "e2", "f") == ("suppress", []), name
            assert offer(two, "e3", "F")[0] == "emit", name
            if store.clock is not None:
                store.set_offset_ns(5_100_000_000)
                assert offer(two, "e4", "f")[0] == "emit", name
                store.set_offset_ns(0)


@pytest.mark.parametrize("specimen", SPECIMENS.values(), ids=list(SPECIMENS))
def test_a_specimen_says_where_its_state_lies_and_differs_in_one_visible_thing(specimen: Specimen) -> None:
    assert specimen.store in {"redis", "postgres", "sqlite"}
    assert not specimen.name.startswith("dd") or specimen.name.startswith(specimen.designated.lower().replace("-", ""))
    (program,) = specimen.folder.glob("specimen.*[!l]")
    assert program.suffix == ".mjs" or len(program.read_text("utf-8").splitlines()) <= 90
    if specimen.designated == "DD-20":
        assert set(specimen.predicts) == {"crash_points", "losing_points"}
        assert (
            specimen.predicts["crash_points"] % 2 == 0
            and specimen.predicts["losing_points"] <= specimen.predicts["crash_points"]
        )
