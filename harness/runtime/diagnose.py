"""Sentences that tell a candidate's author what went wrong on the wire, and what to mend."""

from __future__ import annotations

import re
import signal

CLIP = 120
_LOGLIKE = re.compile(rb"^\s*(\[?\d{4}-\d\d-\d\d|\[?(info|debug|warn|warning|error|trace|log)\b|>)", re.IGNORECASE)


def clip(raw: bytes, limit: int = CLIP) -> str:
    """The start of a line as text, in quotes, with its length if it was cut."""
    text = raw[:limit].decode("utf-8", "replace")
    return repr(text) + (f"... ({len(raw)} bytes)" if len(raw) > limit else "")


def not_a_message(line: bytes) -> str:
    """A line on stdout that is no JSON-RPC message."""
    if not line.strip():
        return "an empty line came on stdout, where one JSON-RPC message per line was expected: print nothing else there"
    if line.lstrip()[:1] in (b"{", b"["):
        return (
            f"a line came on stdout that starts like JSON and is not one complete JSON-RPC object: {clip(line)}; "
            "a message must stand on one line, ended by a newline"
        )
    what = "a log line" if _LOGLIKE.match(line) else "prose"
    return (
        f"{what} came on stdout, where only JSON-RPC messages may stand: {clip(line)}; "
        "send logs to stderr (stdout carries the protocol only)"
    )


def no_reply(method: str, timeout_s: float, partial: bytes, *, waiting: bool) -> str:
    """No complete reply within the time allowed."""
    start = f"no reply to {method!r} within {timeout_s:g} s"
    if partial:
        return (
            f"{start}: {len(partial)} bytes came without a newline at their end, {clip(partial)}; "
            "end every message with '\\n' and flush"
        )
    if waiting:
        return (
            f"{start}, while the process sits waiting for input: "
            "it may have answered into a buffer (flush stdout after every line), or it takes this request for a notification"
        )
    return f"{start}: the process is alive and busy, or it never answers this method"


def ended(method: str, returncode: int | None, killed_for: str) -> str:
    """The process ended by itself."""
    while_what = f"while {method!r} was outstanding"
    if killed_for == "memory":
        return f"the process was killed {while_what}: it used more memory than its limit"
    if returncode is None:
        return f"the process closed its stdout {while_what} and still runs: keep stdout open until shutdown"
    if returncode < 0:
        name = signal.Signals(-returncode).name if -returncode in set(signal.Signals) else str(-returncode)
        return f"the process was ended by {name} {while_what}"
    return f"the process exited with status {returncode} {while_what}"
