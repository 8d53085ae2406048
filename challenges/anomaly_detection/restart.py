"""Ending a process in the middle of its stream and going on with another: snapshot, SIGKILL, start, restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from challenges.anomaly_detection.detector import Detector
from challenges.anomaly_detection.playback import Step
from harness.errors import CandidateBrokeProtocol
from harness.runtime.trial import NotOffered, Undecided

SNAPSHOT = "snapshot"


def require_snapshot(detector: Detector) -> None:
    """Raises NotOffered where the candidate declares no snapshots."""
    if SNAPSHOT not in detector.process.capabilities:
        raise NotOffered("the candidate does not offer the capability 'snapshot'")


def snapshot_of(detector: Detector, now_ms: int) -> str:
    """The state of a process. Raises CandidateBrokeProtocol if it is no text, RpcError for an error."""
    detector.process.set_wall_ms(now_ms)
    result: dict[str, Any] = detector.process.request(SNAPSHOT, {}, now_ms=now_ms)
    state = result.get("state")
    if not isinstance(state, str):
        raise CandidateBrokeProtocol(f"the result of 'snapshot' needs 'state' as a string; it had {state!r:.120}")
    return state


def restore(detector: Detector, state: str, now_ms: int) -> None:
    """Hands a state to a process that has seen nothing yet. Raises RpcError if it is refused."""
    detector.process.set_wall_ms(now_ms)
    detector.process.request("restore", {"state": state}, now_ms=now_ms)


def kill(detector: Detector) -> None:
    """SIGKILL to the whole process, seen to have taken. Raises Undecided if it did not."""
    proof = detector.process.kill()
    if not proof.took:
        raise Undecided(f"the SIGKILL did not take: {proof.states}")
    detector.close()


def cut_at(steps: Sequence[Step], at_ms: int) -> int:
    """The number of requests before that moment of the stream."""
    return next((n for n, step in enumerate(steps) if step.now_ms >= at_ms), len(steps))
