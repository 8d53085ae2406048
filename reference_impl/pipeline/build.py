"""From settings to destinations, with their secrets looked up."""

from collections.abc import Sequence

import msgspec

from reference_impl.pipeline.destinations import Destination, Jira, PagerDuty, Slack
from reference_impl.pipeline.destinations.jira import authorization
from reference_impl.pipeline.secret import Secret
from reference_impl.pipeline.settings import (
    DestinationSettings,
    PagerDutySettings,
    Settings,
    SlackSettings,
    require_address,
    secret,
)


class Built(msgspec.Struct, frozen=True):
    """What the settings ask for. `secrets` are all texts that must not be shown."""

    store_url: Secret
    destinations: Sequence[Destination]
    secrets: Sequence[Secret]


def build(settings: Settings) -> Built:
    """Look up the secrets and make the destinations. Raises SettingsError."""
    hidden: list[Secret] = []
    destinations = [_destination(one, hidden) for one in settings.destination]
    store_url = secret(settings.store.url, "store.url")
    return Built(store_url, destinations, [*hidden, store_url])


def _destination(one: DestinationSettings, hidden: list[Secret]) -> Destination:
    """Adds its secrets to `hidden`."""
    what, timeout_s = f"destination {one.name!r}", one.timeout_ms / 1000
    if isinstance(one, SlackSettings):
        webhook = secret(one.webhook, f"{what}: webhook")
        require_address(webhook.reveal(), f"{what}: webhook")
        hidden.append(webhook)
        return Slack(one.name, webhook, timeout_s)
    if isinstance(one, PagerDutySettings):
        key = secret(one.routing_key, f"{what}: routing_key")
        hidden.append(key)
        return PagerDuty(one.name, require_address(one.url, f"{what}: url"), key, timeout_s)
    token = secret(one.token, f"{what}: token")
    header = authorization(one.user, token)
    hidden += [header, token]
    url = require_address(one.url, f"{what}: url")
    return Jira(one.name, url, one.project, header, timeout_s, issue_type=one.issue_type, deployment=one.deployment)
