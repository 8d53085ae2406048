"""Deduplicates nothing, and talks about it on the channel that is reserved for the protocol."""

from __future__ import annotations

import sys

print("Alert deduplicator v1 starting up, have a nice day!", flush=True)
for line in sys.stdin:
    print(f"Received a request of {len(line)} characters, nothing new so far.", flush=True)
