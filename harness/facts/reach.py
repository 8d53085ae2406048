"""Which files of a repository an entry point can reach by its imports, as they are written. Pure.

An import that is built at run time is not seen, and one that is never carried out is followed: the lines that ran say the rest.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence

SUFFIXES = (
    "",
    ".ts",
    ".tsx",
    ".mts",
    ".cts",
    ".js",
    ".jsx",
    ".mjs",
    ".cjs",
    "/index.ts",
    "/index.tsx",
    "/index.js",
    "/index.mjs",
)
# TypeScript sources name the file that will be compiled from the one they mean.
COMPILED = {".js": ".ts", ".mjs": ".mts", ".cjs": ".cts", ".jsx": ".tsx"}
CODE = (".py", ".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")


def reachable(entry: str, imports: Mapping[str, Sequence[str]], packages: Mapping[str, str]) -> frozenset[str]:
    """Paths that can be reached from `entry`, itself included; nothing if it is not there.

    `imports` gives for every file of code what it imports; `packages` the folder of each package that the repository itself has.
    """
    files = imports.keys()
    seen: set[str] = set()
    todo = [entry] if entry in files else []
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports[path]:
            todo += resolve(path, name, files, packages)
    return frozenset(seen)


def resolve(importer: str, name: str, files: Collection[str], packages: Mapping[str, str]) -> list[str]:
    """The files that the import `name` in `importer` brings in; none for what lies outside the repository."""
    if importer.endswith(".py"):
        return list(_python(importer, name, files))
    if name.startswith("."):
        return _script(posixpath.normpath(posixpath.join(posixpath.dirname(importer), name)), files)
    package = max((own for own in packages if name == own or name.startswith(f"{own}/")), key=len, default=None)
    if package is None:
        return []
    rest = name[len(package) :].strip("/")
    folders = [packages[package], f"{packages[package]}/src".lstrip("/")]
    return next((hit for folder in folders if (hit := _script(posixpath.normpath(posixpath.join(folder, rest)), files))), [])


def _script(path: str, files: Collection[str]) -> list[str]:
    stem, suffix = posixpath.splitext(path)
    tried = [path + end for end in SUFFIXES] + ([stem + COMPILED[suffix]] if suffix in COMPILED else [])
    return [found for found in tried if found in files][:1]


def _python(importer: str, name: str, files: Collection[str]) -> Iterator[str]:
    """A module and the packages around it, sought beside the importer, from the root and from `src`."""
    dots = len(name) - len(name.lstrip("."))
    parts = [part for part in name[dots:].split(".") if part]
    here = posixpath.dirname(importer).split("/") if posixpath.dirname(importer) else []
    roots = [here[: max(len(here) - dots + 1, 0)]] if dots else [[], ["src"], here]
    for root in roots:
        for end in range(len(parts) + 1):
            stem = "/".join(root + parts[:end])
            yield from (path for path in (f"{stem}.py", f"{stem}/__init__.py".lstrip("/")) if path in files)


def entry_of(command: Sequence[str], files: Collection[str]) -> str | None:
    """The file of the repository that a command starts, or None if none of its words names one."""
    words = [word.removeprefix("{checkout}/").removeprefix("./") for word in command]
    for before, word in zip(["", *words], words, strict=False):
        stem = word.replace(".", "/")
        for path in (f"{stem}/__main__.py", f"{stem}.py") if before == "-m" else (word,):
            if path in files and path.endswith(CODE):
                return path
    return None
