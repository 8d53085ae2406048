"""Sample requests of a challenge for `harness conform`, read from its `conform.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from harness.errors import UsageError
from harness.runtime.conform import Exchange


def read_samples(folder: Path) -> list[Exchange]:
    """The samples, none if the challenge brings no file. Raises UsageError that names the entry."""
    path = folder / "conform.toml"
    if not path.exists():
        return []
    try:
        entries = tomllib.loads(path.read_text("utf-8")).get("exchange", [])
        return [Exchange(e["method"], e["params"], tuple(e.get("keys", ())), e.get("error")) for e in entries]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path}: each [[exchange]] needs method, params, and keys or error: {error!r}") from error
