"""What the newest kill matrix says of the suites that a result was measured with: one link for its scorecard."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from harness.results.layout import COMPONENT_SUFFIX, EvaluationFolder, kill_matrix


def matrix_link(folder: EvaluationFolder, suite_digest: str) -> list[tuple[str, str]]:
    """(label, address) of the kill matrix of the folder's challenge, if there is one under the same OUT."""
    out, challenge = folder.path.parent.parent, folder.path.name.removesuffix(COMPONENT_SUFFIX)
    place = kill_matrix(out, challenge)
    try:
        found = msgspec.json.decode(place.matrix.read_bytes())
    except (OSError, msgspec.DecodeError):
        return []
    if not isinstance(found, dict):
        return []
    return [(_label(found, suite_digest), os.path.relpath(place.page, folder.path))]


def _label(found: dict[str, Any], suite_digest: str) -> str:
    if (found.get("provenance") or {}).get("suite_digest") != suite_digest:
        return "kill matrix (of other suites than these)"
    caught, bad, bound = found.get("caught"), found.get("bad"), 100 * float(found.get("flake_bound") or 1.0)
    return f"kill matrix: {caught} of {bad} known bad caught, flakes below {bound:.1f} %"
