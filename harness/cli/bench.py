"""`harness bench`: ratios against a floor or a peer in the same run; with `--compare`, one commit against another."""

from __future__ import annotations

import datetime
import importlib
import pkgutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from harness.bench import against
from harness.cli._frame import EXIT_DONE, EXIT_GATE, command
from harness.errors import UsageError
from harness.measure import machine
from harness.paths import PROJECT_ROOT, challenges_root, scratch_prefix
from harness.results import journal
from harness.results.layout import bench_ledger

PREFIX = "bench_"


@command
def bench(
    only: Annotated[list[str] | None, typer.Option(help="only benchmarks whose module name holds this (repeatable)")] = None,
    compare: Annotated[
        tuple[str, str] | None, typer.Option(metavar="A B", help="two commits of this project in turns, in one run")
    ] = None,
    out: Annotated[Path, typer.Option(help="where results are appended, one line a run")] = Path("reports"),
) -> int:
    """Run the benchmarks; exit 1 if a ratio misses its target, or with --compare if B is slower than A."""
    names = [name for name in module_names() if not only or any(word in name for word in only)]
    if not names:
        raise UsageError(f"no benchmark matches {only}; there are: {', '.join(module_names())}")
    return _compare(names, *compare) if compare is not None else _run(names, out)


def _run(names: Sequence[str], out: Path) -> int:
    table = _table("harness bench", ("what", "value", "ratio", "to", "target", ""))
    missed, told = 0, []
    for name in names:
        for row in _load(name).run():
            missed += row.get("ok") is False
            told.append(row)
            table.add_row(*_cells(row))
    moment = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    commit = against.head_of(PROJECT_ROOT)
    journal.append(bench_ledger(out), {"commit": commit, "at": moment, "machine": machine.facts(), "rows": told})
    Console().print(table)
    return EXIT_GATE if missed else EXIT_DONE


def _compare(names: Sequence[str], first: str, second: str) -> int:
    table = _table(f"{second} against {first}, {against.ROUNDS} rounds", ("what", first, second, "times as fast", "95 %", ""))
    slower = 0
    with tempfile.TemporaryDirectory(prefix=scratch_prefix("bench")) as scratch:
        ours, theirs = (
            against.export(PROJECT_ROOT, commit, Path(scratch) / side) for side, commit in (("a", first), ("b", second))
        )
        for name in names:
            for row in against.compare(ours, theirs, name):
                slower += row.slower
                speed = row.speed
                interval = f"{speed.low:.3f} to {speed.high:.3f}"
                values = (f"{value:,.4g} {row.unit}" for value in (row.first, row.second))
                table.add_row(row.name, *values, f"{speed.value:.3f}", interval, "SLOWER" if row.slower else "")
    Console().print(table)
    return EXIT_GATE if slower else EXIT_DONE


def _table(title: str, headings: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="right" if heading in {"value", "ratio", "target", "times as fast"} else "left")
    return table


def module_names() -> list[str]:
    """Benchmarks of the engine, then of each challenge."""
    theirs = sorted(folder.parent.name for folder in challenges_root().glob("*/bench"))
    packages = ["harness.bench", *(f"challenges.{name}.bench" for name in theirs)]
    return [name for package in packages for name in _modules(package)]


def _modules(package: str) -> Iterator[str]:
    try:
        found = importlib.import_module(package)
    except ModuleNotFoundError:
        return
    for module in sorted(pkgutil.iter_modules(found.__path__), key=lambda item: item.name):
        if module.name.startswith(PREFIX):
            yield f"{package}.{module.name}"


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the package {error.name!r}: install the extra `bench`") from error


def _cells(row: dict[str, Any]) -> list[str]:
    ratio = "" if row.get("ratio") is None else f"{row['ratio']:.2f}"
    word = "MISSED" if row.get("ok") is False else "ok" if row.get("target") else ""
    return [
        row["name"],
        f"{row['value']:,.4g} {row['unit']}",
        ratio,
        str(row.get("ratio_to") or ""),
        str(row.get("target") or ""),
        word,
    ]
