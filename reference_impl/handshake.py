"""The beginning of the candidate protocol: what `initialize` must ask for, and what is said in return."""

import time
from collections.abc import Mapping, Sequence

from reference_impl.rpc import INVALID_PARAMS, Params, Result, RpcError

PROTOCOL = 1


def require_hello(params: Params, challenge: str) -> None:
    """Raises RpcError(INVALID_PARAMS) unless `initialize` speaks our protocol and is about this challenge."""
    protocol, asked = params.get("protocol"), params.get("challenge")
    if protocol != PROTOCOL or isinstance(protocol, bool):
        raise RpcError(INVALID_PARAMS, f"protocol must be {PROTOCOL}, not {protocol!a:.40}")
    if asked != challenge:
        raise RpcError(INVALID_PARAMS, f"challenge must be {challenge!r} in this process, not {asked!a:.60}")


def introduction(name: str, capabilities: Sequence[str], declared: Mapping[str, object]) -> Result:
    """The answer to `initialize`. `now_ms` is the machine's clock, in epoch ms: what it shows is told, and never used."""
    return {
        "name": name,
        "language": "python",
        "capabilities": capabilities,
        "declared": declared,
        "now_ms": int(time.time() * 1000),
    }
