"""Which sandboxes this machine can give, and the choice of one."""

from __future__ import annotations

import functools

from harness.errors import UsageError
from harness.runtime.sandbox._base import Sandbox
from harness.runtime.sandbox._bwrap import BwrapSandbox, bwrap_unavailable
from harness.runtime.sandbox._none import NoSandbox


@functools.cache
def available() -> dict[str, str]:
    """Sandbox kind -> '' if it works here, else why not. `none` always works."""
    return {"bwrap": bwrap_unavailable(), "none": ""}


def choose(kind: str) -> Sandbox:
    """The sandbox for `auto`, `bwrap` or `none`. Raises UsageError if it cannot be had."""
    if kind == "none":
        return NoSandbox()
    if kind not in {"auto", "bwrap"}:
        raise UsageError(f"--sandbox takes auto, none or bwrap here; it was given {kind!r}")
    why_not = available()["bwrap"]
    if not why_not:
        return BwrapSandbox()
    if kind == "bwrap":
        raise UsageError(f"--sandbox bwrap was asked for, and bubblewrap does not work here: {why_not}")
    raise UsageError(
        f"no sandbox can be had here ({why_not}), and a candidate's code is not run without one unasked: "
        "mend that, or accept the risk with --sandbox none"
    )
