"""Any JSON as name-value lists and tables, for those parts of a result whose shape is open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.report.text import as_text, clip, label

MAX_ROWS = 100
MAX_COLUMNS = 14
MAX_TEXT = 600
MAX_NESTING = 3
_NAMING = frozenset({"seed", "seeds", "id", "pid", "port", "schema"})


@dataclass(frozen=True, slots=True)
class TableView:
    """A table ready to draw: `rows` of texts, `numeric[i]` if column i is to be set flush right."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One name with its value: a `text`, or a `table`, or `facts` of its own."""

    name: str
    text: str = ""
    table: TableView | None = None
    facts: list[Fact] = field(default_factory=list)


def table(title: str, columns: Sequence[Any], rows: Sequence[Any]) -> TableView:
    """At most `MAX_ROWS` x `MAX_COLUMNS` of a table; short rows are filled, `note` says what is left out."""
    raw = [list(row)[:MAX_COLUMNS] if _is_list(row) else [row] for row in rows[:MAX_ROWS]]
    width = max([len(columns[:MAX_COLUMNS]), *map(len, raw)], default=0)
    raw = [row + [None] * (width - len(row)) for row in raw]
    heads = [as_text(column) for column in columns[:width]] + [""] * (width - len(columns))
    note = f"First {MAX_ROWS} of {len(rows):,} rows." if len(rows) > MAX_ROWS else ""
    if len(columns) > MAX_COLUMNS:
        note = f"{note} First {MAX_COLUMNS} of {len(columns):,} columns.".strip()
    numeric = [all(_is_number(row[i]) for row in raw if row[i] is not None) for i in range(width)]
    texts = [_column(heads[i], [row[i] for row in raw], numeric[i]) for i in range(width)]
    return TableView(title, heads, [list(cells) for cells in zip(*texts, strict=True)], numeric, note)


def facts(value: object, nesting: int = MAX_NESTING) -> list[Fact]:
    """`value` (a mapping, or anything) as a list of facts; empty values are left out."""
    if not isinstance(value, Mapping):
        return [] if value in (None, "", [], ()) else [_fact("", value, nesting)]
    entries = list(value.items())
    shown = [_fact(label(str(key)), item, nesting) for key, item in entries[:MAX_ROWS] if _says_something(item)]
    if len(entries) > MAX_ROWS:
        shown.append(Fact("…", f"first {MAX_ROWS} of {len(entries):,} entries"))
    return shown


def _fact(name: str, value: object, nesting: int) -> Fact:
    if isinstance(value, Mapping) and nesting > 1:
        return Fact(name, facts=facts(value, nesting - 1))
    if not _is_list(value) or not isinstance(value, Sequence):
        return Fact(name, _scalar(name, value))
    if value and all(isinstance(item, Mapping) for item in value):
        return Fact(name, table=_table_of_mappings(name, value))
    if all(not isinstance(item, Mapping) and not _is_list(item) for item in value):
        more = f" … [first {MAX_ROWS} of {len(value):,}]" if len(value) > MAX_ROWS else ""
        return Fact(name, ", ".join(as_text(item) for item in value[:MAX_ROWS]) + more)
    return Fact(name, as_text(value))


def _scalar(name: str, value: object) -> str:
    """`value` as text; a number that names something (a seed, a port) is not grouped: people copy it."""
    if isinstance(value, int) and not _NAMING.isdisjoint(name.lower().split()):
        return str(value)
    return clip(as_text(value), MAX_TEXT)


def _column(name: str, cells: Sequence[Any], numeric: bool) -> list[str]:
    """The cells of one column as text; fractions of a numeric one get equally many decimals."""
    texts = [_scalar(name, cell) for cell in cells]
    if not numeric or any("e" in text for text in texts):
        return texts
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    return [
        f"{cell:,.{decimals}f}" if isinstance(cell, float) and math.isfinite(cell) else text
        for cell, text in zip(cells, texts, strict=True)
    ]


def _table_of_mappings(name: str, rows: Sequence[Mapping[str, Any]]) -> TableView:
    keys = list(dict.fromkeys(str(key) for row in rows[:MAX_ROWS] for key in row))
    view = table(name, [label(key) for key in keys], [[row.get(key) for key in keys] for row in rows])
    return view


def _says_something(value: object) -> bool:
    return value is not None and value not in ("", [], {}, ())


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
