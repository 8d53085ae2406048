"""`harness bench`: ratios against a floor or a peer in the same run."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from harness.cli._frame import EXIT_DONE, EXIT_GATE, command
from harness.errors import UsageError
from harness.paths import challenges_root

PREFIX = "bench_"


@command
def bench(
    only: Annotated[list[str] | None, typer.Option(help="only benchmarks whose module name holds this (repeatable)")] = None,
) -> int:
    """Run the benchmarks; exit 1 if a ratio misses its target."""
    table = Table(title="harness bench", title_justify="left")
    for heading in ("what", "value", "ratio", "to", "target", ""):
        table.add_column(heading, justify="right" if heading in {"value", "ratio", "target"} else "left")
    missed = 0
    names = [name for name in module_names() if not only or any(word in name for word in only)]
    if not names:
        raise UsageError(f"no benchmark matches {only}; there are: {', '.join(module_names())}")
    for name in names:
        for row in _load(name).run():
            missed += row.get("ok") is False
            table.add_row(*_cells(row))
    Console().print(table)
    return EXIT_GATE if missed else EXIT_DONE


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
