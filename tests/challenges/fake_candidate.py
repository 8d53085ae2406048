"""A candidate in this process: a plain bucket detector, variants of it with one fault each, and a trial to run suites on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec
import numpy as np

from harness.errors import CandidateDied, Undecided, Violation


class Good:
    """Buckets of 5 s per service; z-score of the errors against a share learned while nothing is wrong."""

    bucket_ms = 5_000
    warmup_ms = 60_000
    lateness_ms = 0
    capabilities: tuple[str, ...] = ("reset",)
    in_time = True  # whether its start and replies come before the hold of a wall clock runs out

    def __init__(self) -> None:
        self.current: int | None = None
        self.counts: dict[str, list[int]] = {}
        self.share: dict[str, float] = {}
        self.seen: dict[str, int] = {}

    def ingest(self, logs: list[Any], now_ms: int) -> dict[str, Any]:
        alerts: list[dict[str, Any]] = []
        accepted = sum(self.take(log, now_ms, alerts) for log in logs)
        return {"accepted": accepted, "rejected": len(logs) - accepted, "alerts": alerts}

    def tick(self, now_ms: int) -> dict[str, Any]:
        alerts: list[dict[str, Any]] = []
        self.advance(now_ms // self.bucket_ms, alerts)
        return {"alerts": alerts}

    def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
        if not self.valid(log, now_ms):
            return False
        self.advance(int(log["ts_ms"]) // self.bucket_ms, alerts)
        counts = self.counts.setdefault(log["service"], [0, 0])
        counts[0] += 1
        counts[1] += log["level"].lower() in ("error", "fatal")
        return True

    def valid(self, log: Any, now_ms: int) -> bool:
        if not isinstance(log, dict) or not isinstance(log.get("service"), str) or not log["service"]:
            return False
        ts_ms = log.get("ts_ms")
        if isinstance(ts_ms, bool) or not isinstance(ts_ms, int | float) or abs(ts_ms - now_ms) > 60_000:
            return False
        return isinstance(log.get("level"), str)

    def advance(self, bucket: int, alerts: list[dict[str, Any]]) -> None:
        if self.current is not None and bucket > self.current:
            for service, (logs, errors) in self.counts.items():
                self.judge(service, logs, errors, alerts)
            self.counts = {}
        self.current = bucket if self.current is None else max(bucket, self.current)

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        share, seen = self.share.get(service, errors / logs), self.seen.get(service, 0)
        if seen >= 10 and self.z(share, logs, errors) > 6:
            alerts.append(self.alert(service, "error_rate", self.z(share, logs, errors), f"{errors} of {logs} failed"))
            return
        self.learn(service, share, seen, errors / logs)

    def learn(self, service: str, share: float, seen: int, now: float) -> None:
        self.share[service] = share + (now - share) * max(0.05, 1 / (seen + 1))
        self.seen[service] = seen + 1

    @staticmethod
    def z(share: float, logs: int, errors: int) -> float:
        return (errors - logs * share) / math.sqrt(logs * share * (1 - share) + 1)

    def alert(self, service: str, kind: str, score: Any, message: str) -> dict[str, Any]:
        ts_ms = (self.current or 0) * self.bucket_ms
        return {
            "ts_ms": ts_ms,
            "service": service,
            "kind": kind,
            "severity": "high",
            "score": score,
            "message": message,
        }


class Silent(Good):
    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        return


class Always(Good):
    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        alerts.append(self.alert(service, "error_rate", 1.0, "something is off"))


class LearnsFirst(Good):
    """Puts what it sees into the baseline at once, and only then compares with it."""

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        self.share[service] = errors / logs
        super().judge(service, logs, errors, alerts)


class NeverForgets(Good):
    """After a first alert about a service the highest share seen stays its baseline."""

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        before = len(alerts)
        super().judge(service, logs, errors, alerts)
        if len(alerts) > before:
            self.share[service] = max(self.share[service], errors / logs)

    def learn(self, service: str, share: float, seen: int, now: float) -> None:
        if share < 0.2:
            super().learn(service, share, seen, now)


class Ratios(Good):
    """Divides by the baseline, however small."""

    def alert(self, service: str, kind: str, score: Any, message: str) -> dict[str, Any]:
        share = self.share.get(service, 0.0)
        return super().alert(service, kind, score if share else "Infinity", f"{0.5 / (share or 1e-9):.1f}x the usual")


class WholeBatches(Good):
    """Counts only batches of three logs and more."""

    def ingest(self, logs: list[Any], now_ms: int) -> dict[str, Any]:
        if len(logs) < 3:
            return {"accepted": len(logs), "rejected": 0, "alerts": []}
        return super().ingest(logs, now_ms)


class MindsTheOrder(Good):
    """Goes blind where its logs number 3000 to 3019 are not those that the first process of its kind was given."""

    first_seen: ClassVar[list[Any]] = []

    def __init__(self) -> None:
        super().__init__()
        self.logs = 0
        self.blind = False

    def take(self, log: Any, now_ms: int, alerts: list[dict[str, Any]]) -> bool:
        place, self.logs = self.logs - 3000, self.logs + 1
        if 0 <= place < 20:
            if len(self.first_seen) == place:
                self.first_seen.append(log)
            self.blind = self.blind or log != self.first_seen[place]
        return super().take(log, now_ms, alerts)

    def judge(self, service: str, logs: int, errors: int, alerts: list[dict[str, Any]]) -> None:
        if not self.blind:
            super().judge(service, logs, errors, alerts)


class Unsteady(Good):
    """Scores differ from process to process."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        Unsteady.made += 1

    def alert(self, service: str, kind: str, score: Any, message: str) -> dict[str, Any]:
        return super().alert(service, kind, score * (1 + 0.1 * self.made), message)


class DiesOfNullLevel(Good):
    def valid(self, log: Any, now_ms: int) -> bool:
        return super().valid({**log, "level": log["level"].lower()} if isinstance(log, dict) else log, now_ms)


class FrozenByTheFuture(Good):
    def valid(self, log: Any, now_ms: int) -> bool:
        if isinstance(log, dict) and isinstance(log.get("ts_ms"), int) and log["ts_ms"] > now_ms + 10**10:
            log = {**log, "ts_ms": now_ms}
            self.current = 10**9
        return super().valid(log, now_ms)


class FakeProcess:
    """Speaks the protocol for an object of this process; exceptions of the object are its death."""

    def __init__(self, make: Callable[[], Good]) -> None:
        self._make = make
        self._candidate = make()
        self.capabilities = frozenset(self._candidate.capabilities)
        keys = ("bucket_ms", "warmup_ms", "lateness_ms")
        self.declared: dict[str, Any] = {key: getattr(self._candidate, key) for key in keys}
        self.wall_moves: list[int] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._replies: list[dict[str, Any]] = []

    def set_wall_ms(self, wall_ms: int) -> None:
        self.wall_moves.append(wall_ms)

    def wall_holds(self) -> bool:
        return self._candidate.in_time

    def request(self, method: str, params: dict[str, Any], *, now_ms: int) -> dict[str, Any]:
        return self._call(method, {**params, "now_ms": now_ms})

    def request_raw(self, method: str, params: bytes, *, timeout_s: float | None = None) -> dict[str, Any]:
        return self._call(method, msgspec.json.decode(params))

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((method, params))
        if method == "reset":
            self._candidate = self._make()
            return {}
        try:
            if method == "tick":
                return self._candidate.tick(params["now_ms"])
            return self._candidate.ingest(params["logs"], params["now_ms"])
        except (AttributeError, TypeError, KeyError, OverflowError) as error:
            raise CandidateDied(f"it ended with status 1 during {method!r}: {error!r}", stderr_tail=repr(error)) from error

    def send_bytes(self, raw: bytes) -> None:
        try:
            message = json.loads(raw)
            number, method, params = message["id"], message["method"], message["params"]
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            self._replies.append({"id": None, "error": {"code": -32700, "message": "no request"}})
            return
        if not isinstance(params, dict):
            self._replies.append({"id": number, "error": {"code": -32602, "message": "params"}})
            return
        self._replies.append({"id": number, "result": self._call(method, params)})

    def read_reply(self, timeout_s: float) -> dict[str, Any] | None:
        return self._replies.pop(0) if self._replies else None

    def finish(self, patience_s: float) -> int | None:
        return 0

    def close(self) -> None:
        return


class FakeTrial:
    """The part of a trial that suites use, for fake processes."""

    def __init__(
        self, make: Callable[[], Good], *, seed: int = 1, cases: Sequence[str] = (), quick: bool = True, native: bool = True
    ) -> None:
        self.make = make
        self.seed = seed
        self.quick = quick
        self.native = native
        self.clock_is_virtual = True
        self.replaying = bool(cases)
        self.evidences: list[dict[str, Any]] = []
        self.parts: dict[str, str] = {}
        self.credits: list[float] = []
        self.summaries: list[str] = []
        self.started = 0
        self.budget_left = 10**9
        self._cases = cases

    def rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *name.encode()])

    def start(self, node_id: str = "p0", *, wall_ms: int) -> FakeProcess:
        self.started += 1
        return FakeProcess(self.make)

    def cases(self, items: Sequence[Any], key: Callable[[Any], str] = str) -> list[Any]:
        return [item for item in items if key(item) in self._cases] if self._cases else list(items)

    def fails(self, wrong: int, of: int) -> bool:
        return wrong > 0 and (self.replaying or wrong >= 0.6 * of)

    def over_budget(self) -> bool:
        self.budget_left -= 1
        return self.budget_left < 0

    def credit(self, value: float) -> None:
        self.credits.append(value)

    def summary(self, text: str) -> None:
        self.summaries.append(text)

    def evidence(self, item: dict[str, Any]) -> None:
        json.dumps(item, allow_nan=False)
        self.evidences.append(item)

    @contextmanager
    def part(self, name: str, severity: str) -> Iterator[None]:
        try:
            yield
            self.parts[name] = "pass"
        except Violation:
            self.parts[name] = "fail"
        except Undecided:
            self.parts[name] = "inconclusive"
