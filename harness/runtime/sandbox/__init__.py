"""Sandboxes behind one small interface: `choose(kind)` gives one, `sandbox.spawn(launch)` starts a process in it."""

from harness.runtime.sandbox._base import Launch, Limits, Mount, Sandbox, Spawned
from harness.runtime.sandbox._choose import available, choose

__all__ = ["Launch", "Limits", "Mount", "Sandbox", "Spawned", "available", "choose"]
