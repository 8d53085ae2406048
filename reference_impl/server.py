"""`python -m reference_impl.server CHALLENGE`: the reference as a candidate, on stdin and stdout."""

import gc
import sys

from reference_impl import anomaly_service
from reference_impl.rpc import serve

RECURSION_LIMIT = 5000
"""JSON nested 1,000 deep is to be read like any other."""


def _serve_anomaly_detection() -> None:
    service = anomaly_service.AnomalyService()
    gc.freeze()  # what the imports made stays: collections need not look at it again
    with open(0, "rb", buffering=1 << 20) as stdin, open(1, "wb") as stdout:
        serve(service.handlers(), stdin, stdout, service.fast)


def _serve_alert_dedup() -> None:
    # Imported here: the other challenge needs no store's driver, and may not have one.
    from reference_impl.crew import Crew  # noqa: PLC0415 - only the driver that is asked for
    from reference_impl.dedup_service import CONNECTIONS, DedupService, LineWriter  # noqa: PLC0415 - only the driver that is asked for

    writer = LineWriter(1)
    service = DedupService(writer)
    gc.freeze()
    # Not closed: after a broken pipe a thread of the crew still reads from it.
    stdin = open(0, "rb", buffering=1 << 20, closefd=False)  # noqa: SIM115 - see above
    Crew(service.handlers(), stdin, writer.write, CONNECTIONS).run()
    service.close()


SERVERS = {anomaly_service.CHALLENGE: _serve_anomaly_detection, "alert-dedup": _serve_alert_dedup}


def main(arguments: list[str]) -> int:
    """Serve one challenge until stdin ends; exit code 2 if it is not one of `SERVERS`."""
    known = ", ".join(sorted(SERVERS))
    if len(arguments) != 1 or arguments[0] not in SERVERS:
        given = " ".join(arguments) or "nothing"
        print(f"server: expected the name of one challenge ({known}), got {given}", file=sys.stderr)
        return 2
    sys.setrecursionlimit(RECURSION_LIMIT)
    try:
        SERVERS[arguments[0]]()
    except BrokenPipeError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
