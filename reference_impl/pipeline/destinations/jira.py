"""Jira, through its REST API: one issue for each alert_id, which is a label of the issue.

Jira has no key to fold by, so each delivery first looks for the label. A repeat comes from a process that has taken over,
a lease later at the earliest: by then the first issue is in Jira's index.
"""

from base64 import b64encode
from typing import Literal
from urllib.parse import urlencode

from reference_impl.pipeline.destinations.base import NotNow
from reference_impl.pipeline.destinations.http import request, require
from reference_impl.pipeline.destinations.pagerduty import iso
from reference_impl.pipeline.observation import Page
from reference_impl.pipeline.secret import Secret

Deployment = Literal["server", "cloud"]
_SEARCH: dict[Deployment, str] = {"server": "/rest/api/2/search", "cloud": "/rest/api/3/search/jql"}
"""The cloud answers 410 to the older search, servers do not know the newer one."""


class Jira:
    """`url` is the address of the site, `authorization` the header's value (see `authorization`)."""

    def __init__(
        self,
        name: str,
        url: str,
        project: str,
        authorization: Secret,
        timeout_s: float,
        *,
        issue_type: str = "Task",
        deployment: Deployment = "cloud",
    ) -> None:
        self.name = name
        self._site = url.rstrip("/")
        self._project = project
        self._issue_type = issue_type
        self._search = _SEARCH[deployment]
        self._timeout_s = timeout_s
        self._authorization = authorization

    def deliver(self, page: Page) -> None:
        label = f"alert-{page.alert_id}"
        if not self._exists(label):
            fields = {
                "project": {"key": self._project},
                "issuetype": {"name": self._issue_type},
                "summary": page.title,
                "description": _description(page),
                "labels": [label],
            }
            created = request("POST", f"{self._site}/rest/api/2/issue", self._timeout_s, {"fields": fields}, self._headers())
            require(created, 201)

    def _exists(self, label: str) -> bool:
        query = urlencode({"jql": f'project = "{self._project}" AND labels = "{label}"', "fields": "key", "maxResults": 1})
        reply = request("GET", f"{self._site}{self._search}?{query}", self._timeout_s, headers=self._headers())
        if reply.status == 400:
            raise NotNow("HTTP 400 to the search: is there such a project, and may this user see it?")
        require(reply, 200)
        found = reply.json()
        issues = found.get("issues") if isinstance(found, dict) else None
        if not isinstance(issues, list):
            raise NotNow("the answer to the search has no list of issues")
        return bool(issues)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._authorization.reveal()}


def authorization(user: str, token: Secret) -> Secret:
    """The header's value: a user's API token, as the cloud wants it, or without a user a personal access token."""
    if not user:
        return Secret(f"Bearer {token.reveal()}")
    return Secret("Basic " + b64encode(f"{user}:{token.reveal()}".encode()).decode())


def _description(page: Page) -> str:
    """Between `noformat` marks: what a service's name holds is shown, not obeyed."""
    text = f"{page.service}\n{page.message}\nseverity: {page.severity}\nkind: {page.kind}\nat: {iso(page.ts_ms)}"
    text += f"\nalert_id: {page.alert_id}\nseen by: {page.node}"
    return "{noformat}\n" + text.replace("{noformat}", "{ noformat }") + "\n{noformat}"
