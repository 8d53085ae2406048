"""Where pages go. One module for each kind of receiver; what they have in common is in `base` and `http`."""

from reference_impl.pipeline.destinations.base import Destination, NotNow, Refused
from reference_impl.pipeline.destinations.jira import Jira
from reference_impl.pipeline.destinations.pagerduty import PagerDuty
from reference_impl.pipeline.destinations.slack import Slack

__all__ = ["Destination", "Jira", "NotNow", "PagerDuty", "Refused", "Slack"]
