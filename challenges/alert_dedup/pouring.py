"""Many offers through some processors, as fast as they are decided, one request outstanding at each.

Beside the history, which is made for some hundred offers: what is counted here is replies, pages and time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from challenges.alert_dedup.field import Field, offer_params
from harness.errors import CandidateHung
from harness.runtime.actor import Call
from harness.runtime.cluster import TICK_NS, Cluster, Node
from harness.runtime.process import OTHER_TIMEOUT_S


@dataclass(slots=True)
class Poured:
    """What came of it. `seconds`: real time from the first offer to the last reply; `pages`: the events that were paged."""

    offered: int = 0
    accepted: int = 0
    seconds: float = 0.0
    pages: set[str] = field(default_factory=set)


class _Pour:
    """One pouring: the callbacks that the cluster calls meanwhile."""

    def __init__(self, cluster: Cluster, procs: Sequence[str], offers: Sequence[dict[str, Any]]) -> None:
        self.cluster = cluster
        self.procs = frozenset(procs)
        self.waiting = deque(offers)
        self.left = len(offers)
        self.done = Poured(len(offers))
        self.ticked_ns: dict[str, int] = {}

    def feed(self, node: Node) -> None:
        """The next request to a processor that has none: a tick where one is due, or an offer."""
        if not self.tick(node) and self.waiting:
            self.cluster.send(node, "offer", self.waiting.popleft())

    def tick(self, node: Node) -> bool:
        """Sends a tick if one is due; whether it did. Raises what the last one came to."""
        now_ns = self.cluster.loop.now_ns()
        if (node.tick is not None and not node.tick.over) or now_ns - self.ticked_ns.setdefault(node.name, now_ns) < TICK_NS:
            return False
        if node.tick is not None:
            node.tick.value()
        self.ticked_ns[node.name] = now_ns
        node.tick = self.cluster.send(node, "tick", {})
        return True

    def replied(self, node: Node, call: Call) -> None:
        """See `Cluster.on_reply`."""
        if call.method == "offer":
            self.left -= 1
            self.done.accepted += call.result is not None
        if node.name in self.procs and call.lost is None and not node.live.calls:
            self.feed(node)

    def heard(self, _node: Node, _t_ns: int, message: dict[str, Any]) -> None:
        """See `Cluster.on_notification`."""
        params = message.get("params")
        event = params.get("event_id") if message.get("method") == "emit" and isinstance(params, dict) else None
        if isinstance(event, str) and len(event) < 200 and len(self.done.pages) <= self.done.offered:
            self.done.pages.add(event)


def firsts(fingerprints: Iterable[str]) -> list[dict[str, Any]]:
    """The params of one event of each of these."""
    return [offer_params(f"{fingerprint}/event", fingerprint, 1, "high") for fingerprint in fingerprints]


def pour(ground: Field, procs: Sequence[str], offers: Sequence[dict[str, Any]], patience_s: float) -> Poured:
    """Makes these offers (their params), each to whichever of `procs` is free; the other processors get their ticks.

    Raises CandidateHung if a reply takes longer than the protocol allows, or all of it longer than `patience_s`.
    """
    cluster, loop = ground.cluster, ground.cluster.loop
    work = _Pour(cluster, procs, offers)
    before = cluster.on_reply, cluster.on_notification
    cluster.on_reply, cluster.on_notification = work.replied, work.heard
    began_ns = loop.now_ns()
    try:
        for name in procs:
            if not cluster.nodes[name].live.calls:  # else a tick is under way there, and its reply brings the first offer
                work.feed(cluster.nodes[name])
        while not cluster.run_until(lambda: work.left == 0, TICK_NS / 1e9):
            _check_patience(cluster, procs, began_ns, patience_s)
            for node in cluster.nodes.values():
                if node.name not in work.procs and not node.live.calls:
                    work.tick(node)
    finally:
        cluster.on_reply, cluster.on_notification = before
    work.done.seconds = (loop.now_ns() - began_ns) / 1e9
    return work.done


def _check_patience(cluster: Cluster, procs: Sequence[str], began_ns: int, patience_s: float) -> None:
    now_ns = cluster.loop.now_ns()
    for name in procs:
        actor = cluster.nodes[name].live
        for call in actor.calls.values():
            if call.method == "offer" and now_ns - call.sent_ns > OTHER_TIMEOUT_S * 1e9:
                raise actor.hung(call, OTHER_TIMEOUT_S)
    if now_ns - began_ns > patience_s * 1e9:
        raise CandidateHung(f"it did not come to the end of its offers in {patience_s:g} s, one outstanding at each processor")
