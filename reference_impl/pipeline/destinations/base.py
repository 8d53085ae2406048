"""What a destination is, and how it says no."""

from typing import Protocol

from reference_impl.pipeline.observation import Page


class NotNow(Exception):
    """The page did not arrive for certain, and may later: try again, after `retry_after_s` seconds if the receiver said so."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Refused(Exception):
    """The receiver will never take this page as it is."""


class Destination(Protocol):
    """One receiver. Called by one thread at a time."""

    name: str

    def deliver(self, page: Page) -> None:
        """Hand over a page, at most once more than needed: a page of an `alert_id` that the receiver has is folded into it.

        Raises NotNow and Refused.
        """
        ...
