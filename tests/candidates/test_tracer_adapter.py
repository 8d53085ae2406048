"""The tracer adapter, driven over the protocol against a small stand-in for a built checkout of that repository."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RpcError
from harness.paths import manifests_root
from harness.runtime.clock import ClockPage, shim_path, shim_unavailable
from harness.runtime.process import Process
from harness.runtime.sandbox import Launch, Mount, choose
from harness.runtime.toolbox import toolbox_path

# A quarter of a minute into a minute, so that phases show.
START_MS = 1_760_000_055_000

AGGREGATOR = """
exports.MetricAggregator = class {
  windows = [];
  processLog(log) { this.windows.push(log.service); return [{ service: log.service, what: "now" }]; }
  getCompletedMetrics() { return this.windows.splice(0).map((service) => ({ service, what: "closed" })); }
};
"""
DETECTOR = """
const alert = (service, message, alertType = "error_spike") =>
  ({ alertType, severity: "high", message, service, resolved: false, createdAt: new Date() });
class Detector {
  updateServiceActivity(service) { if (service === "boom") throw new RangeError("no such digits"); }
  detectAnomalies(metrics) {
    if (metrics.some((metric) => metric.service === "bang")) throw new RangeError("no such digits");
    return metrics.map(({ service, what }) => alert(service, what));
  }
  checkServiceDowntime(now) { return [alert("any", now.toISOString(), "service_down")]; }
  processMetrics(metrics) { return metrics.map(({ service, what }) => alert(service, what, "threshold_exceeded")); }
  processLog(log) { return [alert(log.service, log.timestamp.toISOString(), "threshold_exceeded")]; }
}
exports.AnomalyDetector = exports.StatisticalAnomalyDetector = Detector;
"""
OBSERVING = (
    DETECTOR
    + """
Detector.prototype.observeLog = (log) => [alert(log.service, "observed")];
"""
)
VALIDATION = """
export const logEntrySchema = {
  safeParse: (body) => typeof body.timestamp === "number" && body.service
    ? { success: true, data: { ...body, timestamp: new Date(body.timestamp) } }
    : { success: false },
};
"""

Start = Callable[..., Process]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    files = {
        "apps/processor/dist/aggregator.js": AGGREGATOR,
        "apps/processor/dist/anomaly-detector.js": DETECTOR,
        "apps/processor/dist/statistical-anomaly-detector.js": DETECTOR,
        "apps/api/src/validation.ts": VALIDATION,
    }
    for name, text in files.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "checkout"


@pytest.fixture
def start(checkout: Path, tmp_path: Path) -> Iterator[Start]:
    if shutil.which("node", path=str(toolbox_path())) is None:
        pytest.skip("no node: install the extra `node`")
    if (why_not := shim_unavailable()) is not None:
        pytest.skip(why_not)
    opened: list[Process] = []

    def begin(entry: str, wall_ms: float = START_MS, **more: str) -> Process:
        page = ClockPage(tmp_path / "clock")
        page.hold_ms(wall_ms)
        mounts = {
            "checkout": Mount(checkout, "/checkout"),
            "adapter": Mount(manifests_root() / "adapters" / "tracer", "/candidates/adapters/tracer"),
            "clock": Mount(tmp_path / "clock", "/clock"),
            "shim": Mount(shim_path().parent, "/shim"),
        }
        env = {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset", **more}
        launch = Launch(("node", "{adapter}/main.ts", entry), mounts, env=env)
        process = Process(choose("none").spawn(launch), page)
        opened.append(process)
        process.initialize(
            {"challenge": "anomaly-detection", "node": {"id": "p0", "peers": []}, "clock": "wall", "seed": 1, "config": {}},
            now_ms=wall_ms,
        )
        return process

    yield begin
    for process in opened:
        process.close()


def log(service: str = "a", ts_ms: Any = START_MS) -> dict[str, Any]:
    return {"ts_ms": ts_ms, "service": service, "level": "info", "message": "m"}


def ingest(process: Process, *logs: Any) -> dict[str, Any]:
    return process.request("ingest", {"logs": list(logs)}, now_ms=START_MS)


def tick_for(process: Process, seconds: int, *, from_s: int = 0) -> list[tuple[int, dict[str, Any]]]:
    """Ticks once a second of stream time; what came, with the second at which it came."""
    came = []
    for second in range(from_s + 1, from_s + seconds + 1):
        now_ms = START_MS + second * 1000
        process.set_wall_ms(now_ms)
        came += [(second, alert) for alert in process.request("tick", {}, now_ms=now_ms)["alerts"]]
    return came


def test_a_log_runs_through_aggregator_and_detector(start: Start) -> None:
    process = start("gpt-5.1-codex-wired")
    reply = ingest(process, log("a"), log("b"))
    assert (reply["accepted"], reply["rejected"]) == (2, 0)
    assert [(a["service"], a["kind"], a["message"]) for a in reply["alerts"]] == [
        ("a", "error_rate", "now"),
        ("b", "error_rate", "now"),
    ]
    assert {a["severity"] for a in reply["alerts"]} == {"high"}
    assert {a["score"] for a in reply["alerts"]} == {None}


def test_what_the_repository_refuses_is_rejected_by_itself(start: Start) -> None:
    process = start("gpt-5.1-codex-wired")
    reply = ingest(process, log("a"), None, [], 7, log(""), log(ts_ms="soon"), log(ts_ms=1e308), log("b"))
    assert (reply["accepted"], reply["rejected"]) == (2, 6)
    assert [a["service"] for a in reply["alerts"]] == ["a", "b"]


def test_a_bundle_of_the_schema_takes_the_place_of_its_source(start: Start, checkout: Path) -> None:
    (checkout / "apps/api/src/validation.ts").unlink()
    bundle = checkout / ".bundle" / "gate.cjs"
    bundle.parent.mkdir()
    bundle.write_text(VALIDATION.replace("export const logEntrySchema", "exports.logEntrySchema"), encoding="utf-8")
    process = start("gpt-5.1-codex-wired", TRACER_GATE=".bundle/gate.cjs")
    reply = ingest(process, log("a"), log(""))
    assert (reply["accepted"], reply["rejected"]) == (1, 1)


def test_a_throw_in_the_wired_processor_loses_one_log(start: Start) -> None:
    process = start("threshold-wired")
    reply = ingest(process, log("a"), log("boom"), log("b"))
    assert reply["accepted"] == 3
    assert [a["service"] for a in reply["alerts"]] == ["a", "b"]
    assert "no such digits" in process.stderr_tail()


def test_a_throw_in_the_component_is_an_error_reply(start: Start) -> None:
    process = start("sonnet-4.5-windows")
    ingest(process, log("bang"))
    with pytest.raises(RpcError, match="no such digits"):
        tick_for(process, 60)
    assert ingest(process, log("a"))["accepted"] == 1


def test_a_commit_that_observes_logs_does_so_before_the_metrics(start: Start, checkout: Path) -> None:
    (checkout / "apps/processor/dist/anomaly-detector.js").write_text(OBSERVING, encoding="utf-8")
    process = start("gpt-5-codex-wired")
    assert [a["message"] for a in ingest(process, log("a"))["alerts"]] == ["observed", "now"]


def test_the_timers_run_every_minute_of_the_stream(start: Start) -> None:
    process = start("gpt-5.1-codex-wired")
    ingest(process, log("a"))
    came = tick_for(process, 125)
    kinds = [(second, alert["kind"]) for second, alert in came]
    first = kinds[0][0]
    assert first == 60
    assert kinds[:2] == [(first, "error_rate"), (first, "service_down")]
    assert [kind for _, kind in kinds[2:]] == ["service_down"]
    assert kinds[2][0] == 120


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000, -3_000])
def test_a_step_of_the_clock_is_no_time_passing(start: Start, step_ms: int) -> None:
    process = start("gpt-5.1-codex-wired")
    assert tick_for(process, 30) == []
    for second in range(20):
        now_ms = START_MS + step_ms + (30 + second) * 1000
        process.set_wall_ms(now_ms)
        assert process.request("tick", {}, now_ms=now_ms)["alerts"] == []


def test_windows_close_three_seconds_after_the_minute(start: Start) -> None:
    process = start("gpt-5.1-codex-windows")
    assert ingest(process, log("a"))["alerts"] == []
    came = tick_for(process, 70)
    assert [alert["message"] for _, alert in came] == ["closed"]
    to_the_minute_s = 60 - START_MS // 1000 % 60
    assert came[0][0] == to_the_minute_s + 3


@pytest.mark.parametrize(("entry", "kind"), [("kimi-k2-windows", "volume"), ("kimi-k2-logs", "rate_of_change")])
def test_an_exceeded_threshold_is_named_after_what_was_fed(start: Start, entry: str, kind: str) -> None:
    process = start(entry)
    alerts = ingest(process, log("a"))["alerts"] + [alert for _, alert in tick_for(process, 70)]
    assert [alert["kind"] for alert in alerts] == [kind]


def test_declared_figures_stay_within_the_protocol(start: Start) -> None:
    for entry in ("gpt-5.1-codex-wired", "gpt-5-codex-wired", "threshold-wired", "sonnet-4.5-windows", "kimi-k2-logs"):
        declared = start(entry).declared
        assert declared["bucket_ms"] == 60_000
        assert 0 < declared["warmup_ms"] <= 1_800_000
        assert 0 <= declared["lateness_ms"] <= 60_000
