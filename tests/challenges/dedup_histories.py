"""Histories for the tests of the checker: written by hand, and generated as a faultless cluster would make them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from challenges.alert_dedup.history import Emit, Entry, Fail, Fault, History, Info, Invoke, Obs, Ok
from challenges.alert_dedup.view import MS, S

OTHER_WAYS = {"suppress", "update"}


@dataclass
class Sketch:
    """Entries in any order, given by ms of true time; `entries` puts them in order (those of one moment as they were given)."""

    rows: list[tuple[int, type[Entry], str, dict]] = field(default_factory=list)
    ops: int = 0

    def offer(
        self,
        ms: int,
        event: str,
        reply: str | None = "suppress",
        *,
        took: int = 2,
        fp: str = "f",
        proc: str = "p0",
        **more: object,
    ) -> Sketch:
        """An offer and its reply: a decision, `fail`, `info`, or None for none."""
        self.ops += 1
        self.rows.append((ms, Invoke, proc, {"op": self.ops, "event_id": event, "fingerprint": fp, **more}))
        if reply in ("fail", "info"):
            self.rows.append((ms + took, Fail if reply == "fail" else Info, proc, {"op": self.ops}))
        elif reply is not None:
            self.rows.append((ms + took, Ok, proc, {"op": self.ops, "decision": reply}))
        return self

    def emit(self, ms: int, event: str, alert: str, *, fp: str = "f", proc: str = "p0", torn: bool = False) -> Sketch:
        self.rows.append((ms, Emit, proc, {"alert_id": alert, "fingerprint": fp, "event_id": event, "torn": torn}))
        return self

    def page(self, ms: int, event: str, alert: str, *, fp: str = "f", proc: str = "p0") -> Sketch:
        """An offer that is paged as it should be."""
        return self.offer(ms, event, "emit", fp=fp, proc=proc).emit(ms + 1, event, alert, fp=fp, proc=proc)

    def fault(self, ms: int, name: str, proc: str = "p0", status: str = "installed") -> Sketch:
        self.rows.append((ms, Fault, proc, {"fault": name, "status": status}))
        return self

    def obs(self, ms: int, what: str, proc: str) -> Sketch:
        self.rows.append((ms, Obs, proc, {"what": what}))
        return self

    def end(self, ms: int) -> Sketch:
        return self.obs(ms, "the end", "harness")

    def entries(self) -> list[Entry]:
        history = History()
        for ms, kind, proc, fields in sorted(self.rows, key=lambda row: row[0]):
            history.add(kind, ms * MS, proc, **fields)
        return history.entries


def lawful(seed: int, fingerprints: int = 3, offers: int = 60, span_ms: int = 20_000) -> Sketch:
    """What an exact cluster without a fault does with random offers: every fingerprint's window is open for exactly W."""
    rng = random.Random(seed)
    sketch = Sketch()
    until_ms: dict[str, int] = {}
    for number in range(offers):
        ms = rng.randrange(span_ms) if offers < 100 else number * span_ms // offers
        sketch.rows.append(
            (ms, Obs, f"f{rng.randrange(fingerprints)}", {"what": "offer", "data": {"proc": f"p{rng.randrange(3)}"}})
        )
    planned = sorted(sketch.rows, key=lambda row: row[0])
    sketch.rows = []
    for number, (ms, _, fp, fields) in enumerate(planned):
        proc, event = fields["data"]["proc"], f"e{number}"
        if ms >= until_ms.get(fp, -1):
            until_ms[fp] = ms + 5 * S // MS
            sketch.page(ms, event, f"a{number}", fp=fp, proc=proc)
        else:
            sketch.offer(ms, event, rng.choice(["suppress", "suppress", "update"]), fp=fp, proc=proc, took=rng.randrange(1, 9))
    return sketch.end(span_ms + 10_000)
