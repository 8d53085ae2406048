"""Slack, PagerDuty and Jira as far as the pipeline knows them: small servers on the loopback interface that check what they
are sent as the real ones do, and that can be told to be slow, busy, broken or gone."""

import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JIRA_TOKEN = "jira-token-of-the-demo"
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SLACK_PATH = "/services/T000/B000/secret-of-the-demo"
SEVERITIES = ("critical", "error", "warning", "info")
CLIENT_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Fault:
    """What happens to one request instead of a good answer.

    `status` 0 breaks the connection off. `after` lets the request be carried out first, so that only its answer is lost.
    `delay_s` is waited before anything else, or less if `Receiver.release` comes.
    """

    status: int = 0
    body: str = ""
    delay_s: float = 0.0
    after: bool = False
    passes: bool = False
    """Only the delay: then all goes on as usual."""


@dataclass(frozen=True)
class Taken:
    """A page that was accepted; `at_s` is monotonic. `repeat`: it was folded into an earlier one."""

    at_s: float
    alert_id: str
    service: str
    repeat: bool


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body's value, None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True)
class Answer:
    """What goes out."""

    status: int
    body: str


class Receiver:
    """One server. Meets the faults in `faults` one a request, oldest first, and `always` where there are none."""

    name = "receiver"

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        self.requests: list[Request] = []
        self.taken: list[Taken] = []
        self.changed = threading.Condition()
        self._released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """The server's own address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()

    def release(self) -> None:
        """End all delays, those to come as well."""
        self._released.set()

    def alert_ids(self) -> list[str]:
        """What the receiver shows: each alert_id once."""
        with self.changed:
            return list(dict.fromkeys(one.alert_id for one in self.taken))

    def wait_for(self, count: int, timeout_s: float = 20.0) -> list[str]:
        """Wait until there are so many alert_ids, and return them all; fewer if the time is over."""
        with self.changed:
            self.changed.wait_for(lambda: len({one.alert_id for one in self.taken}) >= count, timeout_s)
        return self.alert_ids()

    def answer(self, request: Request) -> Answer | None:
        """The answer to a request; None breaks the connection off."""
        with self.changed:
            self.requests.append(request)
            fault = self.faults.popleft() if self.faults else self.always
        if fault is None:
            return self._judge(request)
        if fault.delay_s:
            self._released.wait(fault.delay_s)
        answer = self._judge(request) if fault.after or fault.passes else None
        if fault.passes:
            return answer
        return Answer(fault.status, fault.body) if fault.status else None

    def headers_of(self, status: int) -> Mapping[str, str]:
        """Headers that go with a status: the real ones tell how long to wait."""
        return {"Retry-After": "1"} if status == 429 else {}

    def _judge(self, request: Request) -> Answer:
        raise NotImplementedError

    def _take(self, alert_id: str, service: str) -> None:
        with self.changed:
            repeat = any(one.alert_id == alert_id for one in self.taken)
            self.taken.append(Taken(time.monotonic(), alert_id, service, repeat))
            self.changed.notify_all()


class SlackReceiver(Receiver):
    """An incoming webhook: plain words for an answer, and every message is shown."""

    name = "slack"
    _ID = re.compile(r"alert_id ([0-9a-f]{32})")

    @property
    def webhook(self) -> str:
        """The address that messages go to."""
        return self.address + SLACK_PATH

    def _judge(self, request: Request) -> Answer:
        if request.path != SLACK_PATH:
            return Answer(404, "no_service")
        message = request.json()
        if not isinstance(message, dict):
            return Answer(400, "invalid_payload")
        if not isinstance(message.get("text"), str) or not message["text"]:
            return Answer(400, "no_text")
        found = self._ID.search(json.dumps(message.get("blocks", "")))
        title = re.match(r"\[\w+\] (.*?): ", message["text"])
        self._take(found[1] if found else "", title[1] if title else "")
        return Answer(200, "ok")


class PagerDutyReceiver(Receiver):
    """The Events API v2: alerts of one dedup_key are one incident."""

    name = "pagerduty"

    @property
    def url(self) -> str:
        """Where events are enqueued."""
        return f"{self.address}/v2/enqueue"

    def _judge(self, request: Request) -> Answer:
        event = request.json()
        errors = _event_errors(event) if request.path == "/v2/enqueue" else ["no such path"]
        if errors:
            wrong = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return Answer(400, json.dumps(wrong))
        key = event["dedup_key"]
        self._take(key, event["payload"]["source"])
        return Answer(202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": key}))


def _event_errors(event: Any) -> list[str]:
    if not isinstance(event, dict):
        return ["'event' is not an object"]
    payload = event.get("payload")
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    limits = {"dedup_key": 255, "summary": 1024, "source": 1024}
    texts = {name: event.get(name) if name == "dedup_key" else payload.get(name) for name in limits}
    if any(not isinstance(text, str) or not 0 < len(text) <= limits[name] for name, text in texts.items()):
        return ["'dedup_key', 'summary' or 'source' is missing, blank or too long"]
    if event.get("routing_key") != ROUTING_KEY:
        return ["'routing_key' is invalid"]
    if event.get("event_action") != "trigger" or payload.get("severity") not in SEVERITIES:
        return ["'event_action' or 'severity' is invalid"]
    return []


class JiraReceiver(Receiver):
    """Issues of one project: whoever creates an issue twice has two."""

    name = "jira"
    project = "OPS"

    def __init__(self, deployment: str = "server") -> None:
        super().__init__()
        self.issues: list[dict[str, Any]] = []
        self._search = "/rest/api/2/search" if deployment == "server" else "/rest/api/3/search/jql"

    def _judge(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {JIRA_TOKEN}":
            return Answer(401, json.dumps({"errorMessages": ["You are not authenticated."], "errors": {}}))
        parts = urlsplit(request.path)
        if request.method == "GET" and parts.path == self._search:
            return self._found(parse_qs(parts.query).get("jql", [""])[0])
        if request.method == "GET" and parts.path.endswith("/search"):
            return Answer(410, json.dumps({"errorMessages": ["The requested API has been removed."], "errors": {}}))
        if request.method == "POST" and parts.path == "/rest/api/2/issue":
            return self._create(request.json())
        return Answer(404, json.dumps({"errorMessages": ["no such resource"], "errors": {}}))

    def _found(self, jql: str) -> Answer:
        asked = re.fullmatch(r'project = "(\w+)" AND labels = "([^"]+)"', jql)
        if asked is None or asked[1] != self.project:
            return Answer(
                400, json.dumps({"errorMessages": ["The value does not exist for the field 'project'."], "errors": {}})
            )
        with self.changed:
            found = [issue for issue in self.issues if asked[2] in issue["fields"]["labels"]]
        return Answer(200, json.dumps({"issues": [{"id": issue["id"], "key": issue["key"]} for issue in found]}))

    def _create(self, value: Any) -> Answer:
        fields = value.get("fields") if isinstance(value, dict) else None
        summary = fields.get("summary") if isinstance(fields, dict) else None
        if not isinstance(fields, dict) or not isinstance(summary, str) or not 0 < len(summary) <= 255 or "\n" in summary:
            return Answer(400, json.dumps({"errorMessages": [], "errors": {"summary": "You must specify a summary."}}))
        with self.changed:
            number = len(self.issues) + 1
            issue = {"id": str(10_000 + number), "key": f"{self.project}-{number}", "fields": fields}
            self.issues.append(issue)
        service = str(fields.get("description", "")).removeprefix("{noformat}\n").split("\n")[0]
        self._take(str(fields["labels"][0]).removeprefix("alert-"), service)
        address = f"{self.address}/rest/api/2/issue/{issue['id']}"
        return Answer(201, json.dumps({"id": issue["id"], "key": issue["key"], "self": address}))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that give up are part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = CLIENT_TIMEOUT_S
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver = self.server.receiver
        answer = receiver.answer(Request(self.command, self.path, headers, body))
        self.close_connection = True
        if answer is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        data = answer.body.encode()
        self.send_response(answer.status)
        for name, value in receiver.headers_of(answer.status).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""
