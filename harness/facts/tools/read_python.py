"""Reads files of code without running any of it: statements, imports, functions, comments. Runs inside the sandbox.

`python3 read_python.py FOLDER`: FOLDER/index.json lists `{"name", "path", "whole"}`; what is found goes to FOLDER/python.json, by
name. `whole` asks for functions and comments too (any language), else for imports alone.
"""

import ast
import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
sys.setrecursionlimit(3000)
SILENT = (ast.Global, ast.Nonlocal, ast.Try, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def is_silent(node):
    """Whether no line of its own is run for it: a declaration, a docstring, a block that others fill."""
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, SILENT) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def last_line(node):
    """Where the statement itself ends: before its body, if it has one."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return max(node.lineno, body[0].lineno - 1)
    return node.end_lineno


def paint(node, inside, lines):
    """Line -> first line of the innermost statement that it belongs to, for statements inside functions."""
    if inside and isinstance(node, ast.stmt) and not is_silent(node):
        lines.update(dict.fromkeys(range(node.lineno, last_line(node) + 1), node.lineno))
    for child in ast.iter_child_nodes(node):
        paint(child, inside or (isinstance(node, FUNCTIONS) and isinstance(child, ast.stmt)), lines)


def imports(tree):
    """What it imports, as written: dots of a relative import in front."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            yield from (base + ("" if base.endswith(".") else ".") + alias.name for alias in node.names)


def read_module(text):
    """Statements and imports of a Python file."""
    tree = ast.parse(text)
    lines = {}
    paint(tree, False, lines)
    return {"statements": sorted(lines.items()), "imports": sorted(set(imports(tree)))}


def functions(path, text):
    """Name, first line, last line, cyclomatic complexity of every function that lizard knows."""
    import lizard

    found = lizard.analyze_file.analyze_source_code(path, text).function_list
    return [[item.name[:200], item.start_line, item.end_line, item.cyclomatic_complexity] for item in found]


def comments(path, text):
    """Numbers of the lines that hold a comment, or a docstring, and nothing else."""
    from pygments.lexers import get_lexer_for_filename
    from pygments.token import Comment, String

    said, coded, line = set(), set(), 1
    for kind, value in get_lexer_for_filename(Path(path).name, stripnl=False, ensurenl=False).get_tokens(text):
        spoken = kind in Comment and kind not in Comment.Preproc or kind in String.Doc
        for number, piece in enumerate(value.split("\n"), line):
            if piece.strip():
                (said if spoken else coded).add(number)
        line += value.count("\n")
    return sorted(said - coded)


def main(folder):
    found = {}
    for item in json.loads((folder / "index.json").read_text()):
        text = (folder / item["name"]).read_text("utf-8")
        entry = found[item["name"]] = {}
        jobs = [("module", lambda: read_module(text))] if item["path"].endswith(".py") else []
        if item["whole"]:
            jobs.append(("functions", lambda: {"functions": functions(item["path"], text)}))
            jobs.append(("comments", lambda: {"comments": comments(item["path"], text)}))
        for name, job in jobs:
            try:
                entry.update(job())
            except Exception as error:  # noqa: BLE001 - code that no reader understands is the candidate's, and is said
                entry.setdefault("unread", []).append(f"{name}: {type(error).__name__}")
    (folder / "python.json").write_text(json.dumps(found))


main(Path(sys.argv[1]))
