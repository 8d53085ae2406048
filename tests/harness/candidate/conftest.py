"""Real git repositories in a temporary folder, with an operator's git configuration of the test's own."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.candidate.cache import Cache, remove

MANIFEST = """[candidate]
id = "sample"
challenge = "first-challenge"
[run]
command = ["python3", "{checkout}/main.py"]
"""


class Repository:
    """A git repository that a test fills; `git` runs plain git in it, the way a careless tool would."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=cwd or self.path, input=stdin, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def commit(self, message: str = "a commit") -> str:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """A tree object with these (mode, name, sha), unchecked: names that no tool would write."""
        body = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(sha) for mode, name, sha in entries)
        raw = b"tree %d\0" % len(body) + body
        sha = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
        path = self.path / ".git" / "objects" / sha[:2] / sha[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(raw))
        return sha

    def commit_tree(self, tree: str) -> str:
        sha = self.git("commit-tree", tree, "-m", "crafted")
        self.git("update-ref", "refs/heads/main", sha)
        return sha


@pytest.fixture(autouse=True)
def operator_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The operator's own git configuration, empty but for a name; tests add to it."""
    path = tmp_path / "operator.gitconfig"
    path.write_text("[user]\n name = Operator\n email = operator@example.org\n")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    # Some tests make trees deeper than the removal of temporary folders would recurse.
    yield Repository(tmp_path / "origin")
    remove(tmp_path / "origin")


@pytest.fixture
def sample(repository: Repository) -> Repository:
    """A repository with one commit that is a candidate."""
    repository.write("harness.toml", MANIFEST)
    repository.write("main.py", "print('hello')\n")
    repository.commit("first")
    return repository


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    yield Cache(tmp_path / "cache")
    remove(tmp_path / "cache")
