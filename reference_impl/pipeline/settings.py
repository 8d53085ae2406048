"""The one configuration of a process: TOML, read strictly. A mistake is told with where it is, what was expected, and the cure."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from reference_impl.dedup import STORES
from reference_impl.pipeline.destinations.jira import Deployment
from reference_impl.pipeline.observation import SEVERITIES, Observation, Page, Severity
from reference_impl.pipeline.secret import Secret, read_secret_file

PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
Positive = Annotated[int, msgspec.Meta(ge=1, le=86_400_000)]
ProjectKey = Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]{0,60}$")]


class SettingsError(Exception):
    """The configuration cannot be used; the text says where, why, and how to mend it."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table in which every key is known."""


class SecretPlace(_Strict, frozen=True):
    """Where a secret is to be found: the name of an environment variable, or a file that holds nothing else."""

    env: str = ""
    file: str = ""


class StoreSettings(_Strict, frozen=True):
    """The deduplicators' store. `url` is the address itself, or the place of one with a password in it."""

    kind: str
    url: str | SecretPlace
    prefix: str = "pages_"


class _DestinationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    name: Name
    timeout_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 5000


class SlackSettings(_DestinationSettings, frozen=True, kw_only=True, tag="slack"):
    """`webhook` is the incoming webhook's whole address."""

    webhook: SecretPlace


class PagerDutySettings(_DestinationSettings, frozen=True, kw_only=True, tag="pagerduty"):
    """`routing_key` is the integration key of a service's Events API v2 integration."""

    routing_key: SecretPlace
    url: str = PAGERDUTY_URL


class JiraSettings(_DestinationSettings, frozen=True, kw_only=True, tag="jira"):
    """`url` is the site's address. With `user` the token is that user's API token, without it a personal access token."""

    url: str
    project: ProjectKey
    token: SecretPlace
    user: str = ""
    issue_type: str = "Task"
    deployment: Deployment = "cloud"


DestinationSettings = SlackSettings | PagerDutySettings | JiraSettings


class Route(_Strict, frozen=True):
    """Alerts of these services (shell patterns) from `min_severity` on go to the destinations named in `to`."""

    name: Name
    to: Annotated[list[str], msgspec.Meta(min_length=1)]
    services: Annotated[list[str], msgspec.Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["*"])
    min_severity: Severity = "low"

    def takes(self, service: str, severity: Severity) -> bool:
        """Whether such an alert goes this way."""
        high_enough = SEVERITIES.index(severity) >= SEVERITIES.index(self.min_severity)
        return high_enough and any(fnmatchcase(service, pattern) for pattern in self.services)


class Settings(_Strict, frozen=True):
    """All of a configuration. An alert takes the first route that takes it; one that none takes is told in the journal alone."""

    store: StoreSettings
    destination: Annotated[list[DestinationSettings], msgspec.Meta(min_length=1)]
    route: Annotated[list[Route], msgspec.Meta(min_length=1)]
    window_ms: Positive = 300_000
    lease_ms: Annotated[int, msgspec.Meta(ge=500, le=60_000)] = 5000

    def destinations_of(self, page: Page) -> list[str]:
        """Names of the destinations that a page goes to."""
        route = self._route(page.service, page.severity)
        return list(dict.fromkeys(route.to)) if route is not None else []

    def fingerprint(self, seen: Observation) -> str:
        """Which alerts are one: those of a service that go the same way. With the severity out of it but not the way, an anomaly
        that grows worse pages those whom its beginning did not concern."""
        route = self._route(seen.service, seen.severity)
        return msgspec.json.encode([seen.service, route.name if route is not None else None]).decode()

    def _route(self, service: str, severity: Severity) -> Route | None:
        return next((route for route in self.route if route.takes(service, severity)), None)


def load(path: Path) -> Settings:
    """The settings in a file. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}); give --config a TOML file") from None
    return parse(text, str(path))


def parse(text: str, where: str) -> Settings:
    """The settings in a text that came from `where`. Raises SettingsError."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where}: not TOML: {error}") from None
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where}: {_explain(str(error), given)}") from None
    for problem in _problems(settings):
        raise SettingsError(f"{where}: {problem}")
    return settings


def secret(place: SecretPlace | str, what: str, environment: Mapping[str, str] = os.environ) -> Secret:
    """The secret at a place. Raises SettingsError, which names the place and never the value."""
    if isinstance(place, str):
        return Secret(place)
    if place.env:
        value = environment.get(place.env, "")
        if not value:
            raise SettingsError(f"{what}: the environment variable {place.env} is not set, or empty: set it")
        return Secret(value)
    try:
        value = read_secret_file(Path(place.file))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{what}: {place.file} cannot be read ({type(error).__name__}): make it readable") from None
    if not value:
        raise SettingsError(f"{what}: {place.file} is empty: write the secret there")
    return Secret(value)


def require_address(url: str, what: str) -> str:
    """`url` if a token may be sent there. Raises SettingsError, which does not name it: a webhook's address is its secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    plain = parts.scheme == "http" and host in LOOPBACK
    if not host or port == 0 or not (parts.scheme == "https" or plain):
        raise SettingsError(f"{what}: expected an https:// address (http:// only on the loopback interface)")
    if parts.username is not None or any(c.isspace() for c in url) or not url.isascii():
        raise SettingsError(
            f"{what}: expected an address of plain ASCII without a user in it: credentials have keys of their own"
        )
    return url


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*?)`(?: - at `\$\.?(?P<at>.*)`)?", re.DOTALL)
_KINDS: dict[str, type[msgspec.Struct]] = {"slack": SlackSettings, "pagerduty": PagerDutySettings, "jira": JiraSettings}
_TABLES: dict[str, type[msgspec.Struct]] = {"": Settings, "store": StoreSettings, "route": Route}


def _explain(error: str, given: dict[str, Any]) -> str:
    """msgspec's sentence about what was `given`, with what could have been meant."""
    unknown = _UNKNOWN.fullmatch(error)
    if unknown is not None:
        at = unknown["at"] or ""
        place = f"in `{at}`" if at else "at the top"
        return f"unknown key `{unknown['key']}` {place}: there are {', '.join(_known_keys(at, given))}; correct or remove it"
    cure = ""
    if "expected `object`" in error.lower():
        cure = ' (a secret is given as { env = "NAME" } or { file = "PATH" })'
    elif error.endswith(".kind`"):
        cure = f": expected one of {', '.join(sorted(_KINDS))}"
    return error.replace("`$.", "`") + cure


def _known_keys(at: str, given: dict[str, Any]) -> list[str]:
    destination = re.fullmatch(r"destination\[(\d+)\]", at)
    if destination is not None:
        return sorted([*_KINDS[given["destination"][int(destination[1])]["kind"]].__struct_encode_fields__, "kind"])
    table = _TABLES.get(at.partition("[")[0], SecretPlace)
    return sorted(table.__struct_encode_fields__)


def _problems(settings: Settings) -> Iterator[str]:
    """What types alone do not say."""
    if settings.store.kind not in STORES:
        yield f"store.kind: expected one of {', '.join(sorted(STORES))}, not {settings.store.kind!a:.40}"
    names = [destination.name for destination in settings.destination]
    yield from (f"destination: two are called {name!r}: rename one" for name in sorted(set(names)) if names.count(name) > 1)
    routes = [route.name for route in settings.route]
    yield from (f"route: two are called {name!r}: rename one" for name in sorted(set(routes)) if routes.count(name) > 1)
    for route in settings.route:
        for name in route.to:
            if name not in names:
                yield f"route {route.name!r}: no destination is called {name!a:.60}: there are {', '.join(names)}"
    unused = set(names).difference(*(route.to for route in settings.route))
    yield from (f"destination {name!r}: no route leads to it: name it in one, or remove it" for name in sorted(unused))
    for what, place in _places(settings):
        if isinstance(place, SecretPlace) and bool(place.env) == bool(place.file):
            yield f'{what}: expected either {{ env = "NAME" }} or {{ file = "PATH" }}'


def _places(settings: Settings) -> Iterator[tuple[str, SecretPlace | str]]:
    yield "store.url", settings.store.url
    for one in settings.destination:
        match one:
            case SlackSettings():
                yield f"destination {one.name!r}: webhook", one.webhook
            case PagerDutySettings():
                yield f"destination {one.name!r}: routing_key", one.routing_key
            case JiraSettings():
                yield f"destination {one.name!r}: token", one.token
