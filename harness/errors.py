"""Errors that a user can mend, and errors that decide an outcome. Each carries data; none is shown as a traceback."""

from __future__ import annotations

from typing import Any

CLIP = 2000  # what a candidate sends must not make our own sentences grow without end


class HarnessError(Exception):
    """Base of all errors that the harness raises on purpose. `str(error)` is one clear sentence for the user."""

    exit_code = 3


class UsageError(HarnessError):
    """The user gave something that cannot be used: says what was expected, what came, where, how to mend it."""

    exit_code = 2


class InfraError(HarnessError):
    """Our own side failed (no sandbox, no disk, no shim): never charged to the candidate."""


class BuildFailed(HarnessError):
    """A build step of the candidate failed, hung or flooded: `step` is the argv, `tail` the end of its output."""

    def __init__(self, message: str, *, step: list[str], tail: str) -> None:
        super().__init__(message)
        self.step = step
        self.tail = tail


class CandidateFailure(HarnessError):
    """The candidate crashed, hung or broke the protocol: outcome `candidate_error`.

    `stderr_tail` is the last of what it wrote to stderr; `request` the line it was given, shortened.
    """

    def __init__(self, message: str, *, stderr_tail: str = "", request: str = "") -> None:
        super().__init__(message if len(message) <= CLIP else f"{message[:CLIP]}... ({len(message)} characters)")
        self.stderr_tail = stderr_tail
        self.request = request


class CandidateDied(CandidateFailure):
    """The process ended by itself: exit status or signal are in the message."""


class CandidateHung(CandidateFailure):
    """No complete reply within the time that the protocol allows."""


class CandidateBrokeProtocol(CandidateFailure):
    """Something on stdout was not a message of the protocol."""


class RpcError(HarnessError):
    """The candidate answered a request with a JSON-RPC error. A suite may expect it; uncaught it is `candidate_error`."""

    def __init__(self, code: int, message: str, data: object = None, *, method: str = "") -> None:
        super().__init__(f"{method or 'request'} was answered with error {code}: {message}")
        self.code = code
        self.message = message
        self.data = data
        self.method = method


class Violation(HarnessError):
    """A suite found the requirement broken: outcome `fail`. `witness` is small JSON; its `cases` name what a replay re-runs.

    `credit` is the share of the cases that went right.
    """

    def __init__(self, summary: str, *, witness: dict[str, Any], credit: float = 0.0) -> None:
        super().__init__(summary)
        self.witness = witness
        self.credit = credit


class Undecided(HarnessError):
    """A suite could not decide (noise, a fault that did not take, no time left): outcome `inconclusive`."""


class NotApplicable(Undecided):
    """What was to be done to the store has no meaning for a store of that kind: `inconclusive`, and the sentence says why."""


class NotOffered(HarnessError):
    """The candidate does not declare what the requirement is about: outcome `not_offered`."""
