"""`python -m demo`: play the demonstration, write its page, and say whether the claim holds.

Exit status: 0 it holds, 1 it does not, 2 wrong usage, 3 something of ours did not start, 130 interrupted.
"""

import argparse
import signal
import sys
from pathlib import Path

from demo.page import render
from demo.plan import HISTORY_S, LOGS_PER_S, OFFSETS_MS, Plan, draw
from demo.play import play
from demo.verdict import judge
from harness.errors import HarnessError
from harness.runtime.stores import KINDS


def main(arguments: list[str] | None = None) -> int:
    """Some 90 seconds."""
    parser = argparse.ArgumentParser(
        prog="demo", description="Three processes, one killed, clocks 3 s apart: one page an incident."
    )
    parser.add_argument("--seed", type=int, default=1, help="what is drawn: incidents, faults, the kill (default: 1)")
    parser.add_argument("--store", choices=KINDS, default="postgres", help="the store that the processes share")
    parser.add_argument("--out", type=Path, default=Path("reports/demo"), help="where index.html is written")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what was started, as Ctrl-C does
    try:
        return _demonstrate(draw(options.seed), options.store, options.out)
    except (HarnessError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        print("demo: interrupted; nothing is left running", file=sys.stderr)
        return 130


def _demonstrate(plan: Plan, store: str, out: Path) -> int:
    _announce(plan, store)
    record = play(plan, store, _say)
    verdict = judge(record)
    out.mkdir(parents=True, exist_ok=True)
    page = out / "index.html"
    page.write_text(render(record, verdict), encoding="utf-8")
    for alert in verdict.alerts:
        came = ", ".join(f"{name} {at_s:.1f} s" for name, at_s in sorted(alert.arrived.items()))
        _say(f"{alert.alert_id[:8]}  {alert.service:9} seen {alert.dated_s:5.1f} s: {came}")
    _say(f"{len(verdict.alerts)} alert_ids at each receiver; {verdict.suppressed} alerts folded before they were sent")
    _say(f"{verdict.taken_over} taken over from another process, {verdict.repeats} repeats folded by alert_id")
    for problem in verdict.problems:
        print(f"demo: {problem}", file=sys.stderr)
    _say(f"the claim {'holds' if verdict.holds else 'DOES NOT HOLD'}: see {page}")
    return 0 if verdict.holds else 1


def _announce(plan: Plan, store: str) -> None:
    clocks = "/".join(f"{offset_ms / 1000:+g}" for offset_ms in OFFSETS_MS)
    _say(f"seed {plan.seed}; {store}; {LOGS_PER_S} logs/s to each of three processes, clocks {clocks} s")
    for one in plan.incidents:
        _say(f"incident: {one.service} fails in {one.share:.0%} of its logs from {one.start_s:g} s to {one.end_s:g} s")
    for trouble in plan.troubles:
        _say(f"trouble: {trouble.receiver} {trouble.words} from {trouble.start_s:g} s to {trouble.end_s:g} s")
    _say(
        f"SIGKILL at {plan.kill_s:g} s to whoever has an alert in hand, else to p{plan.victim + 1}; first {HISTORY_S:g} s of history, at full speed"
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
