"""What every command shares: one sentence for every failure, exit codes as the design says, no traceback for a user."""

from __future__ import annotations

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from harness.errors import HarnessError
from harness.report.text import visible

EXIT_DONE, EXIT_GATE, EXIT_USAGE, EXIT_OURS, EXIT_NOTHING, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 130

P = ParamSpec("P")


def command(body: Callable[P, int]) -> Callable[P, None]:
    """A typer command from a function that returns an exit status."""

    @functools.wraps(body)
    def framed(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_guarded(functools.partial(body, *args, **kwargs)))

    return framed


def _guarded(run: Callable[[], int]) -> int:
    # A polite end is an interruption too: workers and candidates are stopped, what was finished is kept.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run()
    except HarnessError as error:
        print(f"harness: {visible(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("harness: interrupted; what was finished is kept", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OURS
    except Exception as error:
        if os.environ.get("HARNESS_DEBUG"):
            raise
        where = _where(error)
        print(
            f"harness: our own failure, {type(error).__name__} at {where}: {error} (HARNESS_DEBUG=1 shows all of it)",
            file=sys.stderr,
        )
        return EXIT_OURS


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "an unknown place"
