"""Slack, through an incoming webhook.

A webhook knows no key to fold by: the alert_id stands in the message, and each process remembers what Slack took from it, so
that a repeat is seen only where a process died between Slack's answer and the store's.
"""

from reference_impl.pipeline.destinations.base import NotNow
from reference_impl.pipeline.destinations.http import Reply, request, require
from reference_impl.pipeline.observation import LONGEST_NAME, Page, clip
from reference_impl.pipeline.secret import Secret

_MARKS = {
    "low": ":white_circle:",
    "medium": ":large_yellow_circle:",
    "high": ":large_orange_circle:",
    "critical": ":red_circle:",
}


class Slack:
    """`webhook` is the whole address, which is the secret."""

    def __init__(self, name: str, webhook: Secret, timeout_s: float) -> None:
        self.name = name
        self._webhook = webhook
        self._timeout_s = timeout_s

    def deliver(self, page: Page) -> None:
        body = {"text": _escape(page.title), "blocks": [_section(page), _context(page)]}
        reply = request("POST", self._webhook.reveal(), self._timeout_s, body)
        require(reply, 200)
        _require_ok(reply)


def _require_ok(reply: Reply) -> None:
    """Whoever answers 200 with something else is not Slack, but a proxy or a page that asks for a login."""
    if reply.body.strip() != b"ok":
        raise NotNow("HTTP 200, but the body is not `ok`")


def _section(page: Page) -> dict[str, object]:
    text = f"{_MARKS[page.severity]} *{_escape(clip(page.service, LONGEST_NAME))}*\n{_escape(clip(page.message, 2000))}"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(page: Page) -> dict[str, object]:
    text = f"{page.severity}, {page.kind}, alert_id {page.alert_id}"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _escape(text)}]}


def _escape(text: str) -> str:
    """A service called `<!channel>` must wake nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
