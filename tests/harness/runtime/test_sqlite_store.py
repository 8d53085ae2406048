"""SQLite as a store: its operations seen, held, failed and killed at, in real processes on real files; and what strangers do to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from challenges.alert_dedup.crashes import OWNER, calibrate, crash
from challenges.alert_dedup.field import Field
from harness.errors import CandidateBrokeProtocol, CandidateDied, NotApplicable, Undecided
from harness.runtime import wiring
from harness.runtime.clock import shim_unavailable
from harness.runtime.proxy import Granted, Point, RoundTrip, resume
from harness.runtime.sandbox import available
from harness.runtime.stores import SqliteStore, StoreBusy, open_store
from tests.challenges.dedup_trials import Maker, make, nothing_left, specimen

__all__ = ["make", "nothing_left"]
pytestmark = pytest.mark.skipif(shim_unavailable(wiring.STORE_SHIM) is not None, reason="needs a C compiler for the shims")

FILE = """
db = None
def connect(self, params):
    import sqlite3
    self.path = params["store"]["url"].removeprefix("sqlite:///")
    self.db = sqlite3.connect(self.path, timeout=5, isolation_level=None)
    while True:
        try:
            self.db.execute("pragma journal_mode = wal")
            self.db.execute("create table if not exists t (f text primary key)")
            return
        except sqlite3.OperationalError:  # several begin at once
            time.sleep(0.01)
def reserve(self, fingerprint, event):
    return self.db.execute("insert or ignore into t values (?)", (fingerprint,)).rowcount > 0
"""
HOLDS = """
def decide(self, fingerprint, event):
    if fingerprint == "hold":
        self.db.execute("begin immediate")
        return "suppress"
    return super().decide(fingerprint, event)
"""
TRANSACTION = ["read", "write", "commit"]
PATIENCE_S = 30.0
JOURNALS = ("plain_sqlite", "dd20_sqlite_rollback_journal")


def store_of(field: Field) -> SqliteStore:
    assert isinstance(field.cluster.store, SqliteStore)
    return field.cluster.store


def kinds(trips: list[RoundTrip]) -> list[str]:
    return [trip.kind for trip in trips]


@pytest.mark.parametrize("name", JOURNALS)
def test_a_transaction_is_seen_in_its_parts_and_a_kill_at_the_commit_decides(make: Maker, name: str) -> None:
    field = make.field(command=specimen(name), store="sqlite", processors=2, begin=False)
    calibration = calibrate(field)
    assert list(calibration.trips) == TRANSACTION * 2
    names = [where.name for where in calibration.points]
    assert names == [f"{at} {k}" for k in (1, 2, 3, 4, 5, 6) for at in ("before", "after") if at == "before" or k % 3 == 0]
    for where in (calibration.points[2], calibration.points[3]):
        offer = crash(field, where, calibration)
        assert offer.outcome == "info" and not field.cluster.nodes[OWNER].up
        assert (field.cluster.store.entries() > 0) == (where.point is Point.AFTER)  # type: ignore[union-attr]
        other = field.offer("p1", offer.fingerprint)  # the dead one's locks went with it
        field.wait(other)
        assert other.decision == ("suppress" if where.point is Point.AFTER else "emit")


def test_whose_operation_goes_next_is_chosen_and_who_waits_for_a_lock_is_known(make: Maker) -> None:
    field = make.field(FILE + HOLDS, store="sqlite", processors=2)
    gate, loop, blocked = field.cluster.gate, field.cluster.loop, field.cluster.store.blocked  # type: ignore[union-attr]
    gate.close()
    offers = [field.offer(name, "f") for name in ("p0", "p1")]
    assert loop.run_until(lambda: len(gate.waiting()) == 2, PATIENCE_S)
    for _ in TRANSACTION[:2]:  # p1 goes first, its whole transaction through
        trip, went = gate.run(loop, "p1", blocked=blocked, timeout_s=PATIENCE_S)
        assert went is Granted.DONE
        loop.run_until(lambda: "p1" in gate.waiting() or offers[1].over, PATIENCE_S)
    assert offers[1].decision == "emit" and not offers[0].over
    gate.open()
    field.wait(*offers)
    assert offers[0].decision == "suppress"

    field.wait(field.offer("p0", "hold"))
    gate.close()
    waits = field.offer("p1", "g")
    assert loop.run_until(lambda: "p1" in gate.waiting(), PATIENCE_S)
    assert gate.run(loop, "p1", blocked=blocked, timeout_s=PATIENCE_S)[1] is Granted.DONE
    assert loop.run_until(lambda: "p1" in gate.waiting(), PATIENCE_S)
    trip, went = gate.run(loop, "p1", blocked=blocked, timeout_s=PATIENCE_S)
    assert (went, trip.kind) == (Granted.BLOCKED, "write")
    gate.open()
    field.cluster.kill(field.cluster.nodes["p0"])  # and its lock goes with it: SQLite's own next attempt has it
    field.wait(waits)
    assert waits.decision == "emit" and kinds(field.trips()).count("write") >= 3


@pytest.mark.parametrize(("journal", "failing"), [("wal", [3]), ("delete", [1, 2, 3])])
def test_an_operation_fails_before_it_begins_and_is_never_undone_after_it_ended(
    make: Maker, journal: str, failing: list[int]
) -> None:
    """In WAL mode a lock that cannot be had is one that somebody has, and SQLite asks again; a write that fails has failed."""
    field = make.field(FILE.replace("= wal", f"= {journal}"), store="sqlite")
    for k, kind in enumerate(TRANSACTION, 1):
        faults = field.cluster.nodes["p0"].faults
        faults.reset(k, Point.BEFORE)
        field.proxy("p0").open_window("offer")
        if k in failing:
            with pytest.raises(CandidateDied, match="exited"):
                field.wait(field.offer("p0", "f"))
        else:
            field.wait(field.offer("p0", "f"))
            assert field.offers[-1].decision == "emit"
        assert (faults.fired[-1].trip.kind, faults.fired[-1].trip.fate) == (kind, "cut before")
        assert (field.cluster.store.entries() == 0) == (k in failing)  # type: ignore[union-attr]
        field.cluster.kill_quietly(field.cluster.nodes["p0"])
        field.begin()
    field.cluster.nodes["p0"].faults.reset(3, Point.AFTER)
    field.proxy("p0").open_window("offer")
    with pytest.raises(NotApplicable, match="not applicable to SQLite"):
        field.wait(field.offer("p0", "f"))


def test_what_only_a_server_can_suffer_is_not_applicable() -> None:
    with open_store("sqlite") as store:
        acts = (store.restart, store.kill, store.pause, store.resume, store.wall_ms)
        for act in (*acts, lambda: store.set_offset_ns(1), lambda: store.pid, lambda: store.socket):
            with pytest.raises(NotApplicable, match="not applicable to SQLite, which has no server: "):
                act()
        assert issubclass(NotApplicable, Undecided)


def test_rows_of_all_tables_are_counted_kept_and_removed() -> None:
    with open_store("sqlite") as store:
        assert isinstance(store, SqliteStore)
        assert store.entries() == 0
        db = sqlite3.connect(store.file, isolation_level=None)
        db.executescript(
            'pragma journal_mode = wal; create table one (a); create table "t w""o" (a); insert into one values (1)'
        )
        store.keep_what_is_there()
        db.executemany('insert into "t w""o" values (?)', [(number,) for number in range(7)])
        assert store.entries() == 7
        assert store.holdings() == {"one": 1, 't w"o': 7}
        store.empty()
        assert store.connections() == 1
        assert store.entries() == 0 and db.execute("select count(*) from one").fetchone() == (1,)
        db.execute("begin immediate")
        with pytest.raises(StoreBusy, match="locked"):
            store.empty()
        db.close()
        assert store.connections() == 0


def test_who_is_stopped_at_an_operation_goes_on_with_it_when_he_is_resumed(make: Maker) -> None:
    field = make.field(FILE, store="sqlite", processors=2)
    node = field.cluster.nodes["p0"]
    for k in (1, 3):
        field.begin()
        node.faults.pause(node.live, k, Point.BEFORE)
        field.proxy("p0").open_window("offer")
        offers = [field.offer("p0", "f")]
        assert field.cluster.loop.run_until(lambda: bool(node.faults.fired), PATIENCE_S)
        (fired,) = node.faults.fired
        assert fired.status == "installed" and fired.trip.inside == (k == 3)
        if not fired.trip.inside:  # others go on meanwhile
            offers.append(field.offer("p1", "f"))
            field.wait(offers[1])
        assert resume(node.live, fired).status == "installed"
        field.wait(*offers)
        assert [offer.decision for offer in offers] == (["emit"] if k == 3 else ["suppress", "emit"])


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    if available()["bwrap"]:
        pytest.skip(available()["bwrap"])
    victim = tmp_path / "victim.db"
    with sqlite3.connect(victim) as db:
        db.executescript("create table t (a); insert into t values (1)")
    with open_store("sqlite") as store:
        assert isinstance(store, SqliteStore)
        store.file.symlink_to(victim)
        store.empty()
        assert store.size_bytes() < 1000
    assert sqlite3.connect(victim).execute("select count(*) from t").fetchone() == (1,)


@pytest.mark.parametrize(
    "harm",
    ['open(self.path, "r+b").write(b"no database at all" * 999)', 'self.db.execute("begin exclusive")', "os.remove(self.path)"],
)
def test_a_run_begins_with_an_empty_file_whatever_the_last_one_left(make: Maker, harm: str) -> None:
    body = f"{FILE}\ndef stats(self, params):\n    {harm}\n    return {{}}\n"
    field = make.field(body, store="sqlite", processors=2)
    cluster = field.cluster
    call = cluster.send(cluster.nodes["p0"], "stats", {})
    assert cluster.loop.run_until(lambda: call.over, PATIENCE_S)
    field.begin()
    first, second = field.offer("p0", "f"), field.offer("p1", "f")
    field.wait(first, second)
    assert {first.decision, second.decision} == {"emit", "suppress"}


def test_who_fills_the_folder_is_ended_for_it(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteStore, "most_bytes", 1 << 20)
    body = f'{FILE}\ndef tick(self, params):\n    open(self.path + ".more", "wb").write(b"x" * (2 << 20))\n'
    field = make.field(body, store="sqlite")
    with pytest.raises(CandidateBrokeProtocol, match="holds more than 1 MiB, which is all that it may"):
        field.pass_ms(200)
        field.cluster.run_until(lambda: False, PATIENCE_S)


def test_whose_operations_cannot_be_seen_is_not_judged(make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    hides = """
    if ":" in os.environ["LD_PRELOAD"]:
        os.environ["LD_PRELOAD"] = os.environ["LD_PRELOAD"].partition(":")[0]
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    """
    with pytest.raises(Undecided, match="its operations on the SQLite file cannot be seen"):
        make.field(hides.replace("\n    ", "\n") + FILE, store="sqlite")
    monkeypatch.setattr(wiring, "shim_unavailable", lambda _source: "no compiler")
    with pytest.raises(Undecided, match="cannot be seen or held here: no compiler"):
        make.field(FILE, store="sqlite")


@pytest.fixture
def bwrap() -> Iterator[str]:
    if available()["bwrap"]:
        pytest.skip(available()["bwrap"])
    yield "bwrap"


def test_sandboxed_processors_share_the_file_and_leave_nothing(make: Maker, bwrap: str, nothing_left) -> None:
    field = make.field(FILE, store="sqlite", processors=2, sandbox=bwrap)
    offers = [field.offer(name, "f") for name in ("p0", "p1")]
    field.wait(*offers)
    assert {offer.decision for offer in offers} == {"emit", "suppress"}
    assert "write" in kinds(field.trips())
    nothing_left(field.trial)
