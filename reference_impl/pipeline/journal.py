"""What a process tells about itself: one JSON object a line on stderr."""

import sys
import threading
import time
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from reference_impl.pipeline.secret import Secret


class Journal:
    """Thread-safe. `at_ms` of each line is the process's own wall clock, in epoch ms; no line holds one of `secrets`."""

    def __init__(self, node: str, secrets: Sequence[Secret] = (), out: BinaryIO | None = None) -> None:
        self._node = node
        self._secrets = secrets
        self._out = out if out is not None else sys.stderr.buffer
        self._lock = threading.Lock()

    def tell(self, event: str, **facts: object) -> None:
        """Write one line. What cannot be written, since nobody reads any more, is not told: pages matter more."""
        record = {"at_ms": int(time.time() * 1000), "node": self._node, "event": event, **self._without_secrets(facts)}
        line = msgspec.json.encode(record) + b"\n"
        with self._lock:
            try:
                self._out.write(line)
                self._out.flush()
            except (OSError, ValueError):
                return

    def _without_secrets(self, facts: dict[str, object]) -> dict[str, object]:
        return {name: self._hide(value) if isinstance(value, str) else value for name, value in facts.items()}

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.hide_in(text)
        return text.encode(errors="replace").decode()
