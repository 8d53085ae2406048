"""The store proxy: counts the round trips between a processor and its store, and breaks or orders them at will."""

from harness.runtime.proxy.counter import TripCounter
from harness.runtime.proxy.faults import Fault, Faults, Fired, every_reply_late, resume
from harness.runtime.proxy.gate import Gate, Granted
from harness.runtime.proxy.operations import OperationProxy
from harness.runtime.proxy.proxy import StoreProxy
from harness.runtime.proxy.trips import CUT, HOLD, PASS, Move, Point, Policy, RoundTrip, Verdict, delay, in_turn
from harness.runtime.proxy.wire import WireError

__all__ = [
    "CUT",
    "HOLD",
    "PASS",
    "Fault",
    "Faults",
    "Fired",
    "Gate",
    "Granted",
    "Move",
    "OperationProxy",
    "Point",
    "Policy",
    "RoundTrip",
    "StoreProxy",
    "TripCounter",
    "Verdict",
    "WireError",
    "delay",
    "every_reply_late",
    "in_turn",
    "resume",
]
