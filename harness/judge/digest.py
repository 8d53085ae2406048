"""The digest of what judges: results are comparable only where it is the same."""

from __future__ import annotations

import hashlib
from pathlib import Path

JUDGING_SUFFIXES = frozenset({".py", ".toml"})
NOT_JUDGING = frozenset({"specimens", "starter", "bench", "__pycache__"})


def suite_digest(folder: Path) -> str:
    """sha256 over the challenge's suites, helpers and requirements: relative path and content, in order of path."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and path.suffix in JUDGING_SUFFIXES and not NOT_JUDGING & set(inside.parts):
            content = path.read_bytes()
            digest.update(f"{inside.as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
