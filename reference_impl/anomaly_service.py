"""The detector behind the candidate protocol, challenge `anomaly-detection`."""

from math import isfinite
from typing import Literal

import msgspec

from reference_impl.detector import (
    BUCKET_MS,
    LATENESS_MS,
    WARMUP_MS,
    Alert,
    Detector,
    LogRow,
    SnapshotError,
    Tally,
    dump,
    load,
    weight_of,
)
from reference_impl.detector.counts import ERROR
from reference_impl.handshake import introduction, require_hello
from reference_impl.rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    Handler,
    Params,
    Result,
    RpcError,
    Shutdown,
    encode,
    rss_bytes,
)

CHALLENGE = "anomaly-detection"


class _IngestParams(msgspec.Struct):
    now_ms: int | float
    logs: list[LogRow]


class _IngestRequest(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    id: int | str
    method: Literal["ingest"]
    params: _IngestParams


class AnomalyService:
    """Handlers for one process; the time is `now_ms`, whatever the machine's clock says."""

    def __init__(self) -> None:
        self._detector = Detector()
        self._initialized = False
        self._decoder = msgspec.json.Decoder(_IngestRequest)

    def handlers(self) -> dict[str, Handler]:
        """Method name -> handler."""
        return {
            "initialize": self._initialize,
            "ingest": self._ingest,
            "tick": self._tick,
            "snapshot": self._snapshot,
            "restore": self._restore,
            "reset": self._reset,
            "stats": self._stats,
            "shutdown": self._shutdown,
        }

    def fast(self, line: bytes) -> bytes | None:
        """Answer an `ingest` in which everything is as it should be; None for any other line."""
        if not self._initialized:
            return None
        try:
            request = self._decoder.decode(line)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return None
        params = request.params
        tally = self._detector.observe_batch(params.logs, params.now_ms)
        result = self._finish(tally, params.now_ms)
        return encode({"jsonrpc": "2.0", "id": request.id, "result": result})

    def _initialize(self, params: Params) -> Result:
        require_hello(params, CHALLENGE)
        self._initialized = True
        declared = {"bucket_ms": BUCKET_MS, "warmup_ms": WARMUP_MS, "lateness_ms": LATENESS_MS}
        return introduction("reference-detector", ["reset", "snapshot", "stats"], declared)

    def _ingest(self, params: Params) -> Result:
        now_ms = self._now_ms(params)
        logs = params.get("logs")
        if not isinstance(logs, list):
            raise RpcError(INVALID_PARAMS, f"logs must be a list of objects, not {type(logs).__name__}")
        accepted = sum(self._observe(log, now_ms) for log in logs)
        return self._finish(Tally(accepted, len(logs) - accepted), now_ms)

    def _observe(self, log: object, now_ms: float) -> bool:
        if not isinstance(log, dict):
            return False
        level = log.get("level")
        if not isinstance(level, str):
            return False
        return self._detector.observe(log.get("ts_ms"), log.get("service"), weight_of(level) == ERROR, now_ms)

    def _finish(self, tally: Tally, now_ms: float) -> Result:
        self._detector.pass_time(now_ms, is_tick=False)
        alerts: list[Alert] = self._detector.take_alerts()
        return {"accepted": tally.accepted, "rejected": tally.rejected, "alerts": alerts}

    def _tick(self, params: Params) -> Result:
        self._detector.pass_time(self._now_ms(params), is_tick=True)
        return {"alerts": self._detector.take_alerts()}

    def _snapshot(self, params: Params) -> Result:
        self._require_initialized()
        return {"state": dump(self._detector)}

    def _restore(self, params: Params) -> Result:
        self._require_initialized()
        state = params.get("state")
        if not isinstance(state, str):
            raise RpcError(INVALID_PARAMS, f"state must be a string, not {type(state).__name__}")
        try:
            self._detector = load(state)
        except SnapshotError as error:
            raise RpcError(INVALID_PARAMS, str(error)) from error
        return {}

    def _reset(self, params: Params) -> Result:
        self._detector = Detector()
        return {}

    def _stats(self, params: Params) -> Result:
        return {"rss_bytes": rss_bytes(), "keys": self._detector.services}

    def _shutdown(self, params: Params) -> Result:
        raise Shutdown

    def _require_initialized(self) -> None:
        if not self._initialized:
            raise RpcError(INVALID_REQUEST, "initialize must come first")

    def _now_ms(self, params: Params) -> float:
        self._require_initialized()
        now_ms = params.get("now_ms")
        if isinstance(now_ms, bool) or not isinstance(now_ms, int | float) or not isfinite(now_ms):
            raise RpcError(INVALID_PARAMS, f"now_ms must be a finite number of milliseconds, not {now_ms!a:.40}")
        return now_ms
