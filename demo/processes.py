"""One process of the pipeline as the demonstration runs it: its clock moved, its journal read, its logs posted to it."""

import contextlib
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from demo.receivers import JIRA_TOKEN, ROUTING_KEY, JiraReceiver, PagerDutyReceiver, SlackReceiver
from harness.paths import PROJECT_ROOT
from harness.runtime.clock import ClockPage, shim_path
from harness.runtime.leftovers import CLOCK_VARIABLE

READY_S = 60.0
POST_TIMEOUT_S = 30.0
WAITING_STEPS = 2000
END_S = 20.0

_CONFIG = """
window_ms = {window_ms}
lease_ms = {lease_ms}
[store]
kind = "{kind}"
url = {url}
[[destination]]
kind = "slack"
name = "slack"
webhook = {{ env = "DEMO_SLACK_WEBHOOK" }}
[[destination]]
kind = "pagerduty"
name = "pagerduty"
url = "{pagerduty}"
routing_key = {{ env = "DEMO_ROUTING_KEY" }}
[[destination]]
kind = "jira"
name = "jira"
url = "{jira}"
project = "OPS"
deployment = "server"
token = {{ env = "DEMO_JIRA_TOKEN" }}
[[route]]
name = "all"
to = ["slack", "pagerduty", "jira"]
"""


class Receivers:
    """The three of them, started and ended together."""

    def __init__(self) -> None:
        self.slack, self.pagerduty, self.jira = SlackReceiver(), PagerDutyReceiver(), JiraReceiver()
        self.all = (self.slack, self.pagerduty, self.jira)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> "Receivers":
        for one in self.all:
            self._stack.enter_context(one)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def config(self, kind: str, store_url: str, window_ms: int, lease_ms: int) -> str:
        """The pipeline's configuration that leads to them."""
        addresses = {"pagerduty": self.pagerduty.url, "jira": self.jira.address}
        url = json.dumps(store_url)
        return _CONFIG.format(kind=kind, url=url, window_ms=window_ms, lease_ms=lease_ms, **addresses)

    def environment(self) -> dict[str, str]:
        """The secrets that the configuration names."""
        return {
            "DEMO_SLACK_WEBHOOK": self.slack.webhook,
            "DEMO_ROUTING_KEY": ROUTING_KEY,
            "DEMO_JIRA_TOKEN": JIRA_TOKEN,
        }


class PipelineProcess:
    """Started by its constructor; `close` ends it. `journal` holds (monotonic seconds, line) as lines come."""

    def __init__(self, name: str, folder: Path, config: Path, environment: dict[str, str], offset_ms: int) -> None:
        self.name = name
        self.offset_ms = offset_ms
        self.journal: list[tuple[float, dict[str, Any]]] = []
        self.acknowledged = 0
        self.killed_s: float | None = None
        self._socket = folder / f"{name}.sock"
        self._clock = ClockPage(folder / f"{name}.clock")
        self._clock.set_offset_ns(offset_ms * 1_000_000)
        self._ready = threading.Event()
        self._bodies: queue.Queue[bytes | None] = queue.Queue(WAITING_STEPS)
        shim = {"LD_PRELOAD": str(shim_path()), CLOCK_VARIABLE: str(folder / f"{name}.clock" / "offset")}
        command = [sys.executable, "-m", "reference_impl.pipeline", "--config", str(config), "--node", name]
        self._popen = subprocess.Popen(
            [*command, "--listen", str(self._socket)],
            cwd=PROJECT_ROOT,
            env={**os.environ, **environment, **shim},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._poster = threading.Thread(target=self._post_all, daemon=True)
        self._reader.start()

    def wait_ready(self) -> bool:
        """Whether it came up; then logs can be posted."""
        if not self._ready.wait(READY_S) or self._popen.poll() is not None:
            return False
        self._poster.start()
        return True

    def post(self, body: bytes) -> None:
        """Queue some logs."""
        if self.killed_s is None:
            self._bodies.put(body)

    def settled(self) -> bool:
        """Whether all logs posted so far were answered."""
        return self._bodies.unfinished_tasks == 0

    def kill(self) -> None:
        """SIGKILL: there is nothing that it could still do."""
        self._popen.send_signal(signal.SIGKILL)
        self._popen.wait()
        self.killed_s = time.monotonic()

    def owes(self) -> bool:
        """Whether it has an alert in hand that is not yet settled, as far as its journal tells."""
        lines = [line for _, line in list(self.journal)]
        begun = {line["alert_id"] for line in lines if line.get("event") == "in_hand"}
        over = {line["alert_id"] for line in lines if line.get("event") in {"settled", "taken_over_by_another"}}
        return not begun <= over

    def running(self) -> bool:
        """Whether it lives."""
        return self._popen.poll() is None

    def close(self) -> int | None:
        """End it in order, or else at once; its exit status, None if it had been killed."""
        if self.running():
            self._popen.terminate()
            try:
                self._popen.wait(END_S)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        self._reader.join(END_S)
        self._clock.close()
        return None if self.killed_s is not None else self._popen.returncode

    def complaints(self) -> str:
        """The end of what it said, where it did not come up."""
        return " ".join(str(line.get("text", line.get("event"))) for _, line in self.journal[-5:])

    def _read(self) -> None:
        for raw in self._popen.stderr or ():
            try:
                line = json.loads(raw)
            except ValueError:
                line = {"event": "said", "text": raw.decode(errors="replace").strip()}
            self.journal.append((time.monotonic(), line))
            if line.get("event") == "ready":
                self._ready.set()
        self._ready.set()

    def _post_all(self) -> None:
        connection = _UnixConnection(self._socket)
        while (body := self._bodies.get()) is not None:
            try:
                connection.request("POST", "/logs", body)
                answer = connection.getresponse()
                answer.read()
                self.acknowledged += answer.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
            finally:
                self._bodies.task_done()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=POST_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(POST_TIMEOUT_S)
        self.sock.connect(str(self._path))
