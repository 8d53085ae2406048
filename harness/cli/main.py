"""The program `harness`: one command a file, each thin."""

from __future__ import annotations

import sys

import typer

from harness.cli.bench import bench
from harness.cli.clean import clean
from harness.cli.compare import compare
from harness.cli.conform import conform
from harness.cli.doctor import doctor
from harness.cli.eval import eval_command
from harness.cli.list import list_command
from harness.cli.new import new
from harness.cli.publish import publish
from harness.cli.replay import replay
from harness.cli.report import report
from harness.cli.selftest import selftest

app = typer.Typer(
    help="Says which model's commit you would deploy: correctness, faults, clock skew and latency, measured with evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("eval")(eval_command)
app.command("list")(list_command)
for body in (compare, publish, replay, report, new, selftest, conform, bench, doctor, clean):
    app.command()(body)


def main() -> None:
    """Entry point."""
    sys.exit(app())
