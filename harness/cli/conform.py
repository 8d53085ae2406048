"""`harness conform CMD...`: checks a program against the protocol."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from harness.cli._frame import EXIT_DONE, EXIT_GATE, command
from harness.errors import CandidateDied, UsageError
from harness.judge.requirements import load_challenge
from harness.paths import challenges_root, scratch_prefix
from harness.report.text import visible
from harness.runtime.conform import Check, Session, run
from harness.runtime.samples import read_samples
from harness.runtime.sandbox import choose
from harness.runtime.stores import KINDS, Store, open_store

TRACE_CLIP = 2000


def _checks(session: Session, folder: Path) -> Iterator[Check]:
    try:
        yield from run(session, read_samples(folder))
    except CandidateDied as error:  # raised outside a check only where the command itself cannot be run
        raise UsageError(str(error)) from error


def _open_store(kind: str, stack: ExitStack) -> Store | None:
    if kind == "none":
        return None
    if kind not in KINDS:
        raise UsageError(f"--store is none, {' or '.join(KINDS)}; it was {kind!r}")
    return stack.enter_context(open_store(kind))


@command
def conform(
    program: Annotated[
        list[str],
        typer.Argument(metavar="CMD...", help="the program and its arguments (after --, if it has options)"),
    ],
    challenge: Annotated[str, typer.Option(help="whose sample requests to send")] = "anomaly-detection",
    virtual: Annotated[
        bool, typer.Option("--virtual", help='the program takes its time from now_ms (clock = "virtual")')
    ] = False,
    store: Annotated[str, typer.Option(help="the store that it asks for: none, postgres, redis or sqlite")] = "none",
    trace: Annotated[bool, typer.Option("--trace", help="print every line both ways on stderr")] = False,
    sandbox: Annotated[str, typer.Option(help="none, bwrap or auto; it is your own program, so none is the default")] = "none",
) -> int:
    """Check a program against the protocol in seconds: every breach in one sentence that says what to mend."""
    chosen = load_challenge(challenges_root(), challenge)
    failures = 0
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=scratch_prefix("conform"))))
        session = Session(choose(sandbox), tuple(program), Path.cwd(), scratch, challenge, virtual, chosen.config)
        session.store = _open_store(store, stack)
        if trace:
            session.trace = lambda way, line: print(way, visible(line[:TRACE_CLIP].decode("utf-8", "replace")), file=sys.stderr)
        for check in _checks(session, chosen.folder):
            failures += bool(check.problem)
            print(
                f"{'FAIL' if check.problem else 'ok  '}  {check.name}"
                + (f"\n      {visible(check.problem)}" if check.problem else "")
            )
    print(f"{failures} of the checks failed" if failures else "all checks hold")
    return EXIT_GATE if failures else EXIT_DONE
