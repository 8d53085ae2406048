"""The detector as a process sees it: methods, params and what becomes of odd logs."""

import io
import json
import subprocess
import sys

import pytest

from reference_impl.anomaly_service import AnomalyService
from reference_impl.rpc import serve
from reference_impl.server import main

T0_MS = 1_700_000_000_000
HELLO = {"protocol": 1, "challenge": "anomaly-detection", "now_ms": T0_MS}
GOOD_LOG = {"ts_ms": T0_MS, "service": "a", "level": "info", "message": "fine"}


def call_raw(service: AnomalyService, line: bytes) -> dict:
    out = io.BytesIO()
    serve(service.handlers(), io.BytesIO(line + b"\n"), out, service.fast)
    return json.loads(out.getvalue())


def call(service: AnomalyService, method: str, **params: object) -> dict:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return call_raw(service, json.dumps(request).encode())


@pytest.fixture
def service() -> AnomalyService:
    ready = AnomalyService()
    assert "result" in call(ready, "initialize", **HELLO)
    return ready


def ingest(service: AnomalyService, *logs: object, now_ms: float = T0_MS) -> dict:
    return call(service, "ingest", now_ms=now_ms, logs=logs)["result"]


def play(service: AnomalyService, seconds: range, share: float = 0.0) -> list[dict]:
    """40 logs a second, a tick after each; the alerts."""
    alerts = []
    for s in seconds:
        begin_ms = T0_MS + s * 1000
        logs = [{"ts_ms": begin_ms + 25 * i, "service": "a", "level": "ErrOR" if i < 40 * share else "Info"} for i in range(40)]
        alerts += ingest(service, *logs, now_ms=begin_ms + 1000)["alerts"]
        alerts += call(service, "tick", now_ms=begin_ms + 1000)["result"]["alerts"]
    return alerts


def test_initialize_declares() -> None:
    result = call(AnomalyService(), "initialize", **HELLO)["result"]
    assert set(result["capabilities"]) == {"reset", "snapshot", "stats"}
    assert result["declared"] == {"bucket_ms": 1000, "warmup_ms": 60_000, "lateness_ms": 3000}
    assert isinstance(result["now_ms"], int)


@pytest.mark.parametrize("bad", [{"protocol": 2}, {"protocol": True}, {"challenge": "alert-dedup"}])
def test_initialize_refuses(bad: dict) -> None:
    assert call(AnomalyService(), "initialize", **{**HELLO, **bad})["error"]["code"] == -32602


def test_nothing_before_initialize() -> None:
    assert call(AnomalyService(), "ingest", now_ms=1, logs=[])["error"]["code"] == -32600


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tick", {}),
        ("tick", {"now_ms": None}),
        ("tick", {"now_ms": True}),
        ("ingest", {"now_ms": 1}),
        ("ingest", {"now_ms": 1, "logs": {}}),
        ("ingest", {"logs": []}),
        ("restore", {"now_ms": 1}),
        ("restore", {"now_ms": 1, "state": "detector-snapshot/1 a b"}),
    ],
)
def test_malformed_params(service: AnomalyService, method: str, params: dict) -> None:
    assert call(service, method, **params)["error"]["code"] == -32602


REFUSED = [
    3,
    None,
    "log",
    [],
    *({**GOOD_LOG, "service": bad} for bad in (None, 3, "", True, {}, "x" * 10_241)),
    *({**GOOD_LOG, "ts_ms": bad} for bad in (None, True, False, "1", "NaN", [], -1, -0.5)),
    *({**GOOD_LOG, "level": bad} for bad in (None, 3, True, [])),
    *({k: v for k, v in GOOD_LOG.items() if k != gone} for gone in ("service", "ts_ms", "level")),
]
ACCEPTED = [
    {**GOOD_LOG, "level": "WaRn"},
    {**GOOD_LOG, "level": "verbose"},
    {**GOOD_LOG, "service": "x" * 10_240},
    {**GOOD_LOG, "service": "é" * 5120},
    {**GOOD_LOG, "service": "__proto__"},
    {**GOOD_LOG, "service": "שלום/a:b\nc \U0001f600"},
    {**GOOD_LOG, "message": "m" * (1 << 20)},
    {**GOOD_LOG, "message": 7},
    {k: v for k, v in GOOD_LOG.items() if k != "message"},
    {**GOOD_LOG, "ts_ms": T0_MS + 0.25},
    {**GOOD_LOG, "ts_ms": T0_MS - 3000},
    {**GOOD_LOG, "ts_ms": T0_MS + 60_000},
    {**GOOD_LOG, "extra": {"deep": [1]}},
]


@pytest.mark.parametrize("log", REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(service: AnomalyService, log: object) -> None:
    result = ingest(service, GOOD_LOG, log, GOOD_LOG)
    assert (result["accepted"], result["rejected"]) == (2, 1)


@pytest.mark.parametrize("log", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_is_accepted(service: AnomalyService, log: object) -> None:
    result = ingest(service, GOOD_LOG, log, GOOD_LOG)
    assert (result["accepted"], result["rejected"]) == (3, 0)


@pytest.mark.parametrize("literal", [b"1e999", b"1e308", b"9007199254740993", b"9" * 500, b'"\\ud800"'])
def test_numbers_beyond_numbers_spoil_only_their_log(service: AnomalyService, literal: bytes) -> None:
    log = json.dumps(GOOD_LOG).encode()
    bad = log.replace(b'"ts_ms": %d' % T0_MS, b'"ts_ms": ' + literal)
    head = b'{"jsonrpc":"2.0","id":1,"method":"ingest","params":{"now_ms":%d,"logs":[' % T0_MS
    result = call_raw(service, head + log + b"," + bad + b"]}}")["result"]
    assert (result["accepted"], result["rejected"]) == (1, 1)


def test_deep_nesting_within_a_log(service: AnomalyService) -> None:
    deep = b"[" * 1000 + b"]" * 1000
    log = json.dumps(GOOD_LOG).encode().replace(b'"fine"', deep)
    head = b'{"jsonrpc":"2.0","id":1,"method":"ingest","params":{"now_ms":1,"logs":['
    assert set(call_raw(service, head + log + b"]}}")) & {"result", "error"}
    assert ingest(service, GOOD_LOG)["accepted"] == 1


def test_a_spike_in_odd_letters_through_the_protocol(service: AnomalyService) -> None:
    assert not play(service, range(80))
    alerts = play(service, range(80, 90), share=0.8)
    assert alerts[0]["kind"] in ("error_rate", "rate_of_change")
    assert set(alerts[0]) == {"ts_ms", "service", "kind", "severity", "score", "message"}


def test_odd_logs_cost_no_alerts(service: AnomalyService) -> None:
    clean = play(service, range(80)) + play(service, range(80, 95), share=0.8)
    other = AnomalyService()
    call(other, "initialize", **HELLO)
    alerts = []
    for s in range(95):
        alerts += play(other, range(s, s + 1), share=0.8 if s >= 80 else 0.0)
        assert ingest(other, *REFUSED, now_ms=T0_MS + s * 1000 + 1000)["accepted"] == 0
    assert alerts == clean != []


def test_snapshot_and_restore(service: AnomalyService) -> None:
    play(service, range(79))
    state = call(service, "snapshot", now_ms=T0_MS)["result"]["state"]
    fresh = AnomalyService()
    call(fresh, "initialize", **HELLO)
    assert call(fresh, "restore", now_ms=T0_MS, state=state)["result"] == {}
    assert play(fresh, range(79, 90), share=0.8) == play(service, range(79, 90), share=0.8) != []


def test_a_bad_state_changes_nothing(service: AnomalyService) -> None:
    play(service, range(79))
    state = call(service, "snapshot", now_ms=T0_MS)["result"]["state"]
    assert call(service, "restore", now_ms=T0_MS, state=state[:-9])["error"]["code"] == -32602
    assert play(service, range(79, 90), share=0.8)


def test_reset_forgets(service: AnomalyService) -> None:
    play(service, range(79))
    assert call(service, "stats", now_ms=1)["result"]["keys"] == 1
    assert call(service, "reset", now_ms=1)["result"] == {}
    stats = call(service, "stats", now_ms=1)["result"]
    assert stats["keys"] == 0
    assert stats["rss_bytes"] > 1_000_000


def run_server(stdin: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "reference_impl.server", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=30, check=False)


def test_the_process_answers_and_leaves_at_the_end_of_input() -> None:
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}).encode()
    done = run_server(hello + b"\nprose\n" + hello[:20], "anomaly-detection")
    first, second = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 0
    assert first["result"]["name"] == "reference-detector"
    assert second["error"]["code"] == -32700


@pytest.mark.parametrize("arguments", [[], ["chess"], ["anomaly-detection", "twice"]])
def test_an_unknown_challenge_is_one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
