"""Reads files of code without running any of it: statements, imports, functions, comments. Runs inside the sandbox.

`python3 read_python.py FOLDER`: FOLDER/index.json lists `{"name", "path", "whole"}`; what is found goes to FOLDER/python.json, by
name. `whole` asks for functions and comments too (any language), else for imports alone.
"""

from __future__ import annotations

import ast
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

SILENT = (ast.Global, ast.Nonlocal, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_silent(node: ast.stmt) -> bool:
    """Whether no line of its own is run for it: a declaration, a docstring, a block that others fill."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, SILENT) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def last_line(node: ast.stmt) -> int:
    """Where the statement itself ends: before its body, if it has one."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return max(node.lineno, int(body[0].lineno) - 1)
    return node.end_lineno or node.lineno


def paint(node: ast.AST, inside: bool, lines: dict[int, int]) -> None:
    """Line -> first line of the innermost statement that it belongs to, for statements inside functions."""
    if inside and isinstance(node, ast.stmt) and not is_silent(node):
        lines.update(dict.fromkeys(range(node.lineno, last_line(node) + 1), node.lineno))
    for child in ast.iter_child_nodes(node):
        paint(child, inside or (isinstance(node, FUNCTIONS) and isinstance(child, ast.stmt)), lines)


def imports(tree: ast.AST) -> Iterator[str]:
    """What it imports, as written: dots of a relative import in front."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            yield from (base + ("" if base.endswith(".") else ".") + alias.name for alias in node.names)


def read_module(path: str, text: str) -> dict[str, Any]:
    """Statements and imports of a Python file."""
    if not path.endswith(".py"):
        return {}
    tree = ast.parse(text)
    lines: dict[int, int] = {}
    paint(tree, False, lines)
    return {"statements": sorted(lines.items()), "imports": sorted(set(imports(tree)))}


def functions(path: str, text: str) -> dict[str, Any]:
    """Name, first line, last line, cyclomatic complexity of every function that lizard knows."""
    import lizard  # type: ignore[import-untyped]  # noqa: PLC0415 - not needed for files that are only followed

    found = lizard.analyze_file.analyze_source_code(path, text).function_list
    return {"functions": [[item.name[:200], item.start_line, item.end_line, item.cyclomatic_complexity] for item in found]}


def comments(path: str, text: str) -> dict[str, Any]:
    """Numbers of the lines that hold a comment, or a docstring, and nothing else."""
    from pygments.lexers import get_lexer_for_filename  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from pygments.token import Comment, String  # type: ignore[import-untyped]  # noqa: PLC0415

    said: set[int] = set()
    coded: set[int] = set()
    line = 1
    for kind, value in get_lexer_for_filename(Path(path).name, stripnl=False, ensurenl=False).get_tokens(text):
        spoken = (kind in Comment and kind not in Comment.Preproc) or kind in String.Doc
        for number, piece in enumerate(value.split("\n"), line):
            if piece.strip():
                (said if spoken else coded).add(number)
        line += value.count("\n")
    return {"comments": sorted(said - coded)}


def read(path: str, text: str, jobs: Sequence[Callable[[str, str], dict[str, Any]]]) -> dict[str, Any]:
    """What the jobs find; what none of them understands is said."""
    entry: dict[str, Any] = {}
    for job in jobs:
        try:
            entry.update(job(path, text))
        except Exception as error:  # noqa: BLE001 - code that no reader understands is the candidate's
            entry.setdefault("unread", []).append(f"{job.__name__}: {type(error).__name__}")
    return entry


def main(folder: Path) -> None:
    """Reads what the index names."""
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(3000)
    found = {}
    for item in json.loads((folder / "index.json").read_text()):
        jobs = [read_module, functions, comments] if item["whole"] else [read_module]
        found[item["name"]] = read(item["path"], (folder / item["name"]).read_text("utf-8"), jobs)
    (folder / "python.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
