"""The plain detector with a snapshot: its state as JSON behind a checksum."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from typing import Any

from candidates.sdk.python.harness_sdk import InvalidParams
from challenges.anomaly_detection.specimens._base import Baseline, Detector


class Kept(Detector):
    """Baselines, open buckets and the stream's time survive a restart; what is damaged is refused."""

    def snapshot(self, params: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(self.content())
        return {"state": f"{zlib.crc32(text.encode()):08x} {text}"}

    def restore(self, params: dict[str, Any]) -> dict[str, Any]:
        content = self.read_state(params.get("state"))
        try:
            self.take_over(content)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidParams(f"the state has another shape: {error}") from error
        return {}

    def read_state(self, state: Any) -> Any:
        """The content of a state. Raises InvalidParams where it is not what was written."""
        checksum, _, text = state.partition(" ") if isinstance(state, str) else ("", "", "")
        if checksum != f"{zlib.crc32(text.encode('utf-8', 'replace')):08x}":
            raise InvalidParams("the state is damaged: its checksum is another")
        return self.parse(text)

    def parse(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise InvalidParams(f"the state is no JSON: {error}") from error

    def content(self) -> dict[str, Any]:
        """Infinity is no JSON: a service that never alerted has null for its time."""
        kept = [asdict(baseline) for baseline in self.baselines.values()]
        for one in kept:
            one["alerted_ms"] = one["alerted_ms"] if one["alerted_ms"] > 0 else None
        return {"baselines": kept, "open": list(self.open.items()), "newest_ms": self.newest_ms, "first_open": self.first_open}

    def take_over(self, content: dict[str, Any]) -> None:
        baselines = {}
        for one in content["baselines"]:
            alerted_ms = one["alerted_ms"]
            baselines[one["service"]] = Baseline(
                one["service"],
                one["share"] + 0.0,
                one["seen"] + 0,
                one["held"] + 0,
                float("-inf") if alerted_ms is None else alerted_ms + 0.0,
            )
        opened = {int(bucket): dict(services) for bucket, services in content["open"]}
        newest_ms, first_open = int(content["newest_ms"]), int(content["first_open"])
        self.baselines = baselines
        self.open.clear()
        self.open.update(opened)
        self.newest_ms, self.first_open = newest_ms, first_open
