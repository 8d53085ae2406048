"""What is wrong in a manifest, as one sentence with file and line: expected, got, the nearest known word."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from harness.candidate.schema import (
    OVERRIDES,
    BuildTable,
    CandidateTable,
    ManifestTables,
    ProcessTable,
    TestsTable,
    UsageTable,
)
from harness.candidate.toml_lines import KeyPath, line_of


def first_mistake(error: ValidationError, where: str, lines: Mapping[KeyPath, int]) -> str:
    """One sentence for the mistake that stands first in the file; a second one is only counted."""
    mistakes = []
    for item in error.errors():
        path = tuple(str(part) for part in item["loc"] if isinstance(part, str) and part != OVERRIDES)
        mistakes.append((line_of(lines, path) or 1, path, item))
    mistakes.sort(key=lambda mistake: mistake[0])
    line, path, item = mistakes[0]
    more = len(mistakes) - 1
    return f"{where}:{line}: {_sentence(path, item)}" + (f" (and {more} more after it)" if more else "")


_EXPECTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
}


def _sentence(path: KeyPath, item: Mapping[str, Any]) -> str:
    kind, got = item["type"], item["input"]
    name = ".".join(path)
    if kind == "extra_forbidden":
        return unknown_key(path, _keys_of_table(path[:-1]))
    if kind == "missing":
        return f"the key `{name}` is needed and is not there"
    if kind == "value_error":
        expected = str(item["ctx"]["error"])
    elif kind == "literal_error":
        expected = str(item["ctx"]["expected"]).replace("'", '"')
    elif kind == "greater_than_equal":
        expected = f"a number of at least {item['ctx']['ge']:g}"
    else:
        expected = _EXPECTED.get(kind, str(item["msg"]))
    near = _near(got, re.findall(r'"([a-z]+)"', expected)) if kind == "literal_error" else ""
    return f"`{name}` expects {expected}, got {_shown(got)}{near}"


def unknown_key(path: KeyPath, known: Iterable[str]) -> str:
    known = list(known)
    table = f"[{'.'.join(path[:-1])}]" if path[:-1] else "a manifest"
    return f"unknown key {path[-1]!r} in {table}{_near(path[-1], known)}; known are {', '.join(known)}"


def _near(word: object, known: list[str]) -> str:
    close = difflib.get_close_matches(str(word)[:100], known, n=1)
    return f", did you mean `{close[0]}`?" if close else ""


def _shown(value: object) -> str:
    kinds = {
        bool: "a truth value",
        str: "the text",
        int: "the number",
        float: "the number",
        list: "a list",
        dict: "a table",
    }
    text = repr(value)
    kind = next((word for kind, word in kinds.items() if isinstance(value, kind)), type(value).__name__)
    return f"{kind} {text if len(text) <= 60 else text[:57] + '...'}"


def keys(table: type[BaseModel]) -> list[str]:
    return [name for name in table.model_fields if name != "overrides"]


def _keys_of_table(path: KeyPath) -> list[str]:
    tables: dict[KeyPath, type[BaseModel]] = {
        (): ManifestTables,
        ("candidate",): CandidateTable,
        ("build",): BuildTable,
        ("tests",): TestsTable,
        ("usage",): UsageTable,
    }
    return keys(tables.get(path, ProcessTable))
