"""The manifest: read, checked to the letter, every mistake named by file and line.

Two readers. `load_operator` takes the operator's own file at its word. `load_checkout` takes the
`harness.toml` that a commit brings along, which is hostile until shown otherwise: of it only `[run]`,
`[component]`, `[build].steps` and the candidate's id and challenge are believed.

Beyond the contract there are four keys of ours: `candidate.adapter` (a folder, relative to the operator's
manifest, bound read-only beside the checkout; commands and steps name it `{adapter}`, and the checkout
`{checkout}`; the environment variable HARNESS_ADAPTER holds it too), `candidate.base_tables` (tables that the
product had before the commit and fills by itself, the operator's word alone), and `language` in `[run]` and
`[component]` (text, where the process does not say).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.candidate.mistakes import first_mistake, keys, unknown_key
from harness.candidate.schema import BuildTable, CandidateTable, EntryTable, ManifestTables, ProcessTable
from harness.candidate.toml_lines import MAX_BYTES, KeyPath, key_lines, line_of, parse
from harness.candidate.values import EntryName, EntrySpec, Usage
from harness.errors import UsageError

FILE_NAME = "harness.toml"
ENTRY_NAMES: tuple[EntryName, ...] = ("run", "component")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that passed every check. `path` is what errors call it.

    `adapter` is an existing folder, or None.
    """

    path: str
    id: str
    challenges: tuple[str, ...]
    tables: ManifestTables
    adapter: Path | None
    notes: tuple[str, ...] = ()

    def entries(self, challenges: Sequence[str] = ()) -> dict[EntryName, dict[str, EntrySpec]]:
        """How a process is started, per entry that the file has and per challenge.

        The challenges are the file's own, unless others are asked for.

        Raises UsageError where a challenge is left without a command.
        """
        found: dict[EntryName, dict[str, EntrySpec]] = {}
        for name in ENTRY_NAMES:
            table = self.tables.run if name == "run" else self.tables.component
            if table is not None:
                asked = challenges or self.challenges
                found[name] = {challenge: self._entry(name, table, challenge) for challenge in asked}
        return found

    def usage(self) -> Usage:
        """`[usage]` as a value; everything unknown where the table is absent."""
        return Usage(**self.tables.usage.model_dump()) if self.tables.usage is not None else Usage()

    def steps(self) -> tuple[tuple[str, ...], ...]:
        """`[build].steps`; none where the table is absent."""
        return tuple(tuple(step) for step in self.tables.build.steps) if self.tables.build else ()

    def _entry(self, name: EntryName, table: EntryTable, challenge: str) -> EntrySpec:
        own = table.overrides.get(challenge, ProcessTable())
        command = own.command or table.command
        if command is None:
            raise UsageError(
                f"{self.path}: [{name}] gives no command for challenge {challenge}; "
                f"add `command = [...]` to [{name}] or to [{name}.{challenge}]"
            )
        values = {key: _first(getattr(own, key), getattr(table, key)) for key in ("store", "store_tcp", "clock", "language")}
        given = {key: value for key, value in values.items() if value is not None}
        return EntrySpec(command=tuple(command), env={**table.env, **own.env}, **given)


def _first(own: Any, general: Any) -> Any:
    return general if own is None else own


def load_operator(path: Path) -> Manifest:
    """The operator's manifest. Raises UsageError with file and line for anything that is not as documented."""
    text = _decode(_read_regular(path, follow=True), str(path))
    tables, lines = _validated(text, str(path))
    for key in ("id", "challenge", "repo", "commit"):
        if not getattr(tables.candidate, key):
            line = line_of(lines, ("candidate",)) or 1
            raise UsageError(f"{path}:{line}: [candidate] needs the key `{key}`, which is not there")
    adapter = _adapter_folder(path, tables, lines)
    _check_placeholders(tables, adapter, str(path), lines)
    return _manifest(str(path), tables, adapter, ())


def load_checkout(path: Path) -> Manifest:
    """`harness.toml` in a folder, not trusted: a regular file of at most 64 KiB, no symlink.

    Raises UsageError.
    """
    return parse_checkout(_read_regular(path, follow=False), str(path))


def parse_checkout(data: bytes, where: str) -> Manifest:
    """The bytes of a checkout's own `harness.toml`; what is the operator's to say is left out, with a note.

    Raises UsageError.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{where}: expected at most {MAX_BYTES} bytes, got {len(data)}")
    tables, lines = _validated(_decode(data, where), where)
    if not tables.candidate.id or not tables.candidate.challenge:
        missing = "id" if not tables.candidate.id else "challenge"
        raise UsageError(f"{where}:{line_of(lines, ('candidate',)) or 1}: [candidate] needs the key `{missing}`")
    believed, ignored = _believed(tables)
    _check_placeholders(believed, None, where, lines)
    note = f"{where}: not believed from a checkout's own file, and left out: {', '.join(ignored)}"
    return _manifest(where, believed, None, (note,) if ignored else ())


def _manifest(where: str, tables: ManifestTables, adapter: Path | None, notes: tuple[str, ...]) -> Manifest:
    if tables.candidate.id is None:
        raise ValueError("a manifest without an id has passed the checks")
    return Manifest(where, tables.candidate.id, tuple(tables.candidate.challenge), tables, adapter, notes)


def _believed(tables: ManifestTables) -> tuple[ManifestTables, list[str]]:
    """The part of a checkout's tables that is taken at its word, and the names of what is not."""
    candidate = CandidateTable(id=tables.candidate.id, challenge=tables.candidate.challenge)
    ignored = [f"candidate.{key}" for key in sorted(tables.candidate.model_fields_set - {"id", "challenge"})]
    if tables.build is not None and "network" in tables.build.model_fields_set:
        ignored.append("build.network")
    ignored += [f"[{name}]" for name in ("tests", "usage", "claims") if name in tables.model_fields_set]
    build = None if tables.build is None else BuildTable(steps=tables.build.steps)
    return ManifestTables(candidate=candidate, build=build, run=tables.run, component=tables.component), ignored


def _read_regular(path: Path, *, follow: bool) -> bytes:
    """At most MAX_BYTES of a regular file.

    A device, a pipe, a folder or (unless `follow`) a symlink is refused.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if path.is_symlink():
            raise UsageError(f"{path}: expected a regular file, got a symlink; put the file itself there") from None
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise UsageError(f"{path}: expected a regular file, got {'a folder' if stat.S_ISDIR(mode) else 'something else'}")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path}: expected at most {MAX_BYTES} bytes, got more")
    return data


def _decode(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{where}:{line}: expected UTF-8 text, got the byte 0x{data[error.start]:02x}") from None


def _validated(text: str, where: str) -> tuple[ManifestTables, dict[KeyPath, int]]:
    raw = parse(text, where)
    lines = key_lines(text)
    try:
        tables = ManifestTables.model_validate(raw)
    except ValidationError as error:
        raise UsageError(first_mistake(error, where, lines)) from None
    challenges = tables.candidate.challenge
    for name, table in (("run", tables.run), ("component", tables.component)):
        for key in table.overrides if table else ():
            if key not in challenges:
                line = line_of(lines, (name, key)) or 1
                known = [*keys(ProcessTable), *challenges]
                raise UsageError(f"{where}:{line}: {unknown_key((name, key), known)}")
    return tables, lines


def _adapter_folder(manifest: Path, tables: ManifestTables, lines: Mapping[KeyPath, int]) -> Path | None:
    if tables.candidate.adapter is None:
        return None
    folder = (manifest.parent / tables.candidate.adapter).resolve()
    if not folder.is_dir():
        line = line_of(lines, ("candidate", "adapter")) or 1
        raise UsageError(f"{manifest}:{line}: `candidate.adapter` expects a folder, relative to this file; {folder} is none")
    return folder


def _check_placeholders(tables: ManifestTables, adapter: Path | None, where: str, lines: Mapping[KeyPath, int]) -> None:
    if adapter is not None:
        return
    for path, words in _texts(tables):
        if any("{adapter}" in word for word in words):
            line = line_of(lines, path) or 1
            raise UsageError(
                f"{where}:{line}: `{'.'.join(path)}` names {{adapter}}, but there is no `candidate.adapter`"
                " (only an operator's manifest can give one)"
            )


def _texts(tables: ManifestTables) -> Iterable[tuple[KeyPath, Iterable[str]]]:
    """Everything that may hold placeholders, with the path of its key."""
    for step in tables.build.steps if tables.build else ():
        yield ("build", "steps"), step
    for name, table in (("run", tables.run), ("component", tables.component)):
        if table is None:
            continue
        for path, process in [
            ((name,), table),
            *(((name, key), own) for key, own in table.overrides.items()),
        ]:
            yield (*path, "command"), process.command or ()
            yield (*path, "env"), process.env.values()
    if tables.tests:
        yield ("tests", "command"), tables.tests.command
