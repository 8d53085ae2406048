"""The adapter for the tracer repository's deduplication, over the protocol, against a small stand-in for a built checkout."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CandidateDied, RpcError
from harness.paths import manifests_root
from harness.runtime.actor import Actor, Call
from harness.runtime.loop import Loop
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose
from harness.runtime.toolbox import toolbox_path

# Loads and starts as the repository's does: repositories on the next tick, then a line in the log. Decides in memory, and what
# it does with an alert is told by the message.
PROCESSOR = """
const { AlertHandler } = require("./alert-handler");
const { logger } = require("./logger");
const open = new Map();
let alertRepository, alertHandler, last = 0;
process.nextTick(() => {
  alertRepository = {
    getActiveAlerts: async (service) => (open.has(service) ? [{ id: open.get(service) }] : []),
    updateResolved: async (id) => { for (const [key, value] of open) if (value === id) open.delete(key); },
  };
  alertHandler = new AlertHandler(alertRepository);
});
async function processAlert(alert, checkDuplicates) {
  try {
    if (!checkDuplicates || alert.alertType !== "error_spike" || !(alert.createdAt instanceof Date)) throw new Error("bad call");
    console.log("printed by the candidate");
    await new Promise((done) => setTimeout(done, alert.message === "slow" ? 200 : 1));
    if (alert.message === "throw") throw new Error("Failed query", { cause: new Error("value too long") });
    if (alert.message === "debug") logger.debug({ error: new Error("a project") }, "not found");
    if (open.has(alert.service)) {
      if (alert.severity !== "critical") return;
      logger.info({ alertId: open.get(alert.service) }, "Updated existing alert with higher severity");
      if (alert.message === "silent") return;
    } else open.set(alert.service, ++last);
    await alertHandler.sendAlert(alert, open.get(alert.service)).catch(() => {});
    if (alert.message === "later") await Promise.reject(new Error("lost"));
  } catch (error) {
    logger.error({ error }, "Failed to process alert");
  }
}
(async () => {
  while (!alertHandler) await new Promise((next) => setImmediate(next));
  if (process.env.DATABASE_URL.endsWith("nowhere")) process.exit(1);
  logger.info("Processor started and listening for events");
})();
"""
# Keeps what it is asked in a file; the table is there once the migrations have run.
PG = """
const { appendFileSync, existsSync, readFileSync } = require("node:fs");
const file = process.cwd() + "/asked";
exports.asked = (what) => appendFileSync(file, JSON.stringify(what) + "\\n");
exports.Client = class {
  constructor({ connectionString }) { this.url = connectionString; }
  async connect() { exports.asked(["connect", this.url]); }
  async query(text) {
    const there = existsSync(file) && readFileSync(file, "utf8").includes("migrate");
    exports.asked(["query", text]);
    return { rows: [{ there }] };
  }
  async end() { exports.asked(["end"]); }
};
"""
DRIZZLE = """exports.drizzle = (client) => client;"""
MIGRATOR = """exports.migrate = async (client, { migrationsFolder }) => require("pg").asked(["migrate", migrationsFolder]);"""
FILES = {
    "apps/processor/dist/index.js": PROCESSOR,
    "apps/processor/dist/alert-handler.js": "throw new Error('the repository’s own handler was loaded');",
    "apps/processor/dist/logger.js": "throw new Error('the repository’s own logger was loaded');",
    "packages/db/package.json": "{}",
    "packages/db/node_modules/pg/index.js": PG,
    "packages/db/node_modules/drizzle-orm/node-postgres/index.js": DRIZZLE,
    "packages/db/node_modules/drizzle-orm/node-postgres/migrator/index.js": MIGRATOR,
}
STORE = {"kind": "postgres", "url": "postgresql://postgres@/postgres?host=/sockets", "prefix": "p_"}
BASE = "base"


class Driven:
    """One process of the adapter, and what it has emitted so far."""

    def __init__(self, actor: Actor, loop: Loop) -> None:
        self.actor, self.loop = actor, loop
        self.emitted: list[dict[str, Any]] = []
        self.order: list[str] = []
        actor.on_notification = self._heard
        actor.on_reply = lambda call: self.order.append("reply")

    def _heard(self, _t_ns: int, message: dict[str, Any]) -> None:
        assert message["method"] == "emit"
        self.emitted.append(message["params"])
        self.order.append("emit")

    def initialize(self, store: dict[str, str] | None = STORE) -> dict[str, Any]:
        params = {"challenge": "alert-dedup", "node": {"id": "p0", "peers": []}, "clock": "wall", "seed": 1, "config": {}}
        return self.actor.initialize({**params, "store": store}, now_ms=1)

    def send(self, fingerprint: Any, event_id: Any = "e", message: str = "m", severity: str = "high", **more: Any) -> Call:
        alert = {"service": "s", "alert_type": "t", "severity": severity, "message": message}
        params = {"event_id": event_id, "attempt": 1, "fingerprint": fingerprint, "alert": alert}
        return self.actor.send("offer", {**params, **more}, now_ms=1)

    def wait(self, *calls: Call) -> None:
        assert self.loop.run_until(lambda: all(call.over for call in calls), 30)

    def offer(self, *words: Any, **more: Any) -> Any:
        call = self.send(*words, **more)
        self.wait(call)
        return call.value()["decision"]


Start = Callable[..., Driven]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "checkout"


@pytest.fixture
def start(checkout: Path) -> Iterator[Start]:
    if shutil.which("node", path=str(toolbox_path())) is None:
        pytest.skip("no node: install the extra `node`")
    loop = Loop()
    opened: list[Actor] = []

    def begin(entry: str = BASE, *, ready: bool = True) -> Driven:
        folder = manifests_root() / "adapters" / "tracer-dedup"
        mounts = {"checkout": Mount(checkout, "/checkout"), "adapter": Mount(folder, "/candidates/adapters/tracer-dedup")}
        opened.append(Actor(Process(choose("none").spawn(Launch(("node", "{adapter}/main.ts", entry), mounts)), None), loop))
        driven = Driven(opened[-1], loop)
        if ready:
            driven.initialize()
            driven.order.clear()
        return driven

    yield begin
    for actor in opened:
        actor.close()
    loop.close()


def asked(checkout: Path) -> list[list[str]]:
    return [json.loads(line) for line in (checkout / "asked").read_text(encoding="utf-8").splitlines()]


def code(driven: Driven, *words: Any, **more: Any) -> int:
    with pytest.raises(RpcError) as caught:
        driven.offer(*words, **more)
    return caught.value.code


def test_a_page_goes_out_before_the_reply_under_the_row_it_is_sent_for(start: Start) -> None:
    driven = start()
    assert driven.offer("f", "e1") == "emit"
    assert driven.emitted == [{"alert_id": "1", "fingerprint": "f", "event_id": "e1"}]
    assert driven.order == ["emit", "reply"]
    assert [driven.offer("f", "e2"), driven.offer("g", "e3")] == ["suppress", "emit"]
    assert driven.emitted[1:] == [{"alert_id": "2", "fingerprint": "g", "event_id": "e3"}]


def test_a_severity_that_rises_is_an_update_whether_or_not_it_is_handed_on(start: Start) -> None:
    driven = start()
    driven.offer("f", "e1")
    assert driven.offer("f", "e2", severity="critical") == "update"
    assert driven.offer("f", "e3", "silent", severity="critical") == "update"
    assert [emit["alert_id"] for emit in driven.emitted] == ["1"]


def test_offers_overlap_and_each_page_names_its_own_event(start: Start) -> None:
    driven = start()
    assert "pipelining" in driven.actor.process.capabilities
    calls = [driven.send(f"f{n}", f"e{n}", "slow" if n == 0 else "m") for n in range(20)]
    driven.wait(*calls)
    assert {(emit["fingerprint"], emit["event_id"]) for emit in driven.emitted} == {(f"f{n}", f"e{n}") for n in range(20)}
    assert driven.emitted[-1]["event_id"] == "e0"


def test_an_error_that_the_processor_swallows_is_not_taken_for_an_answer(start: Start) -> None:
    driven = start()
    slow, failing = driven.send("a", "e1", "slow"), driven.send("b", "e2", "throw")
    driven.wait(slow, failing)
    assert slow.value() == {"decision": "emit"}
    with pytest.raises(RpcError, match="value too long") as caught:
        failing.value()
    assert caught.value.code == -32603
    assert code(driven, "c", "e3", "later") == -32603
    assert [emit["event_id"] for emit in driven.emitted] == ["e1", "e3"]
    assert driven.offer("d", "e4", "debug") == "emit"


MALFORMED: list[dict[str, Any]] = [
    *({"fingerprint": value} for value in ("", None, 7, ["f"])),
    *({"event_id": value} for value in ("", None, 7)),
    *({"alert": value} for value in (None, [], "text")),
]


def test_what_is_malformed_is_refused_and_nothing_happens(start: Start) -> None:
    driven = start()
    for bad in MALFORMED:
        with pytest.raises(RpcError) as caught:
            driven.actor.call("offer", {"event_id": "e", "attempt": 1, "fingerprint": "f", "alert": {}, **bad}, now_ms=1)
        assert caught.value.code == -32602, bad
    assert driven.emitted == []
    assert driven.offer("f") == "emit"


def test_a_resolved_alert_is_over(start: Start) -> None:
    driven = start()
    assert [driven.offer("f", "e1"), driven.offer("g", "e2")] == ["emit", "emit"]
    assert driven.actor.call("resolve", {"fingerprint": "f"}, now_ms=1) == {}
    assert [driven.offer("f", "e3"), driven.offer("g", "e4")] == ["emit", "suppress"]
    with pytest.raises(RpcError) as caught:
        driven.actor.call("resolve", {"fingerprint": ""}, now_ms=1)
    assert caught.value.code == -32602


def test_ticks_and_resets_have_nothing_to_do(start: Start) -> None:
    driven = start()
    assert [driven.actor.call(method, {}, now_ms=1) for method in ("tick", "reset")] == [{}, {}]


def test_the_first_process_migrates_under_the_lock_and_the_next_finds_it_done(start: Start, checkout: Path) -> None:
    start()
    first = asked(checkout)
    assert [what for what, *_ in first] == ["connect", "query", "query", "migrate", "end"]
    assert first[0][1] == STORE["url"] and "pg_advisory_lock" in first[1][1]
    assert Path(first[3][1]) == checkout / "packages/db/src/migrations"
    start()
    assert [what for what, *_ in asked(checkout)[len(first) :]] == ["connect", "query", "query", "end"]


def test_it_needs_a_postgres(start: Start) -> None:
    driven = start(ready=False)
    for store in (None, {**STORE, "kind": "redis"}):
        with pytest.raises(RpcError) as caught:
            driven.initialize(store)
        assert caught.value.code == -32602


def test_a_processor_that_gives_up_as_it_starts_is_a_death(start: Start) -> None:
    with pytest.raises(CandidateDied):
        start(ready=False).initialize({**STORE, "url": "nowhere"})


def test_declared_figures_stay_within_the_protocol(start: Start) -> None:
    for entry in ("base", "gpt-5.1-codex", "gpt-5-codex", "kimi-k2"):
        declared = start(entry).actor.process.declared
        assert 0 < declared["lease_ms"] <= 2_000 and 0 < declared["retention_ms"] <= 60_000
