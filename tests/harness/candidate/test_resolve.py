from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.candidate.cache import Cache
from harness.candidate.resolve import Resolved, distinguish, resolve
from harness.errors import UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    (path / "candidates" / "adapters").mkdir(parents=True)
    return path


def manifest(root: Path, name: str, repo: Path | str, commit: str, rest: str = "[run]\ncommand = ['x']\n") -> Path:
    path = root / "candidates" / f"{name}.toml"
    head = f'[candidate]\nid = "{name}"\nchallenge = "first-challenge"\nrepo = "{repo}"\ncommit = "{commit}"\n'
    path.write_text(head + rest)
    return path


def failure(text: str, root: Path, cwd: Path, cache: Cache) -> str:
    with pytest.raises(UsageError) as caught:
        resolve(text, root=root, cwd=cwd, cache=cache)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_manifest_id_and_path(sample, root: Path, cache: Cache) -> None:
    sha = sample.git("rev-parse", "HEAD")
    path = manifest(root, "one", sample.path, sha, "adapter = 'adapters'\n[run]\ncommand = ['{adapter}/x']\n")
    for text in ("one", str(path), "candidates/one.toml"):
        got = resolve(text, root=root, cwd=root, cache=cache)
        assert (got.candidate.id, got.candidate.commit, got.checkout.commit) == ("one", sha, sha)
        assert not got.candidate.native
        assert got.candidate.adapter == root / "candidates" / "adapters"
        assert got.candidate.entries["run"]["first-challenge"].command == ("{adapter}/x",)


def test_manifest_that_leaves_the_start_to_the_commit(sample, root: Path, cache: Cache) -> None:
    manifest(root, "one", sample.path, sample.git("rev-parse", "HEAD"), "")
    got = resolve("one", root=root, cwd=root, cache=cache).candidate
    assert got.entries["run"]["first-challenge"].command == ("python3", "{checkout}/main.py")
    assert any("the commit's own harness.toml" in note for note in got.notes)
    (sample.path / "harness.toml").unlink()
    manifest(root, "two", sample.path, sample.commit(), "")
    assert "has no [run]" in failure("two", root, root, cache)


def test_commit_of_the_current_repository(sample, root: Path, cache: Cache) -> None:
    first = sample.git("rev-parse", "HEAD")
    second = sample.commit("second")
    sample.git("tag", "v1")
    inside = sample.path / "folder"
    inside.mkdir()
    for text, sha in {"HEAD": second, "HEAD~1": first, "main": second, "v1": second, first[:9]: first}.items():
        got = resolve(text, root=root, cwd=inside, cache=cache)
        assert (got.candidate.commit, got.candidate.id, got.candidate.native) == (sha, "sample", True)
    assert resolve("HEAD", root=root, cwd=inside, cache=cache).candidate.base == first


def test_folder_that_is_a_repository_and_its_uncommitted_work(sample, root: Path, cache: Cache, tmp_path: Path) -> None:
    clean = resolve(str(sample.path), root=root, cwd=root, cache=cache)
    assert clean.candidate.notes == ()
    mark = tmp_path / "monitor.ran"
    script = tmp_path / "monitor.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    sample.git("config", "core.fsmonitor", str(script))
    sample.write(".gitignore", "ignored\n")
    sample.commit()
    sample.write("main.py", "changed")
    sample.write("new.py", "new")
    sample.write("ignored", "")
    sample.git("status")
    assert mark.exists()
    mark.unlink()
    got = resolve(str(sample.path / "harness.toml"), root=root, cwd=root, cache=cache)
    assert "(1 changed, 1 new): it was NOT measured" in got.candidate.notes[-1]
    assert (got.checkout.path / "main.py").read_text() == "print('hello')\n"
    assert not mark.exists()
    older = resolve("HEAD~1", root=root, cwd=sample.path, cache=cache)
    assert older.candidate.notes == ()


def test_worktree_and_bare_repository(sample, root: Path, cache: Cache, tmp_path: Path) -> None:
    sample.git("worktree", "add", "--quiet", str(tmp_path / "linked"), "-b", "linked")
    sample.git("clone", "--quiet", "--bare", str(sample.path), str(tmp_path / "bare"))
    for path in (tmp_path / "linked", tmp_path / "bare"):
        assert resolve(str(path), root=root, cwd=root, cache=cache).candidate.id == "sample"


def test_plain_folder(sample, root: Path, cache: Cache) -> None:
    specimen = sample.path / "specimens" / "bad"
    sample.write("specimens/bad/harness.toml", (sample.path / "harness.toml").read_text())
    got = resolve("specimens/bad", root=root, cwd=sample.path, cache=cache)
    assert got.candidate.commit is None
    assert got.checkout.tree_digest
    assert [path.name for path in got.checkout.path.iterdir()] == ["harness.toml"]
    (specimen / "harness.toml").unlink()
    assert "is no git repository and has no harness.toml" in failure(str(specimen), root, root, cache)
    (specimen / "harness.toml").symlink_to("/etc/passwd")
    assert "got a symlink" in failure(str(specimen), root, root, cache)


def test_repository_and_commit(sample, root: Path, cache: Cache) -> None:
    sha = sample.git("rev-parse", "HEAD")
    for text in (f"{sample.path}#{sha}", f"file://{sample.path}#main", f"file://{sample.path}#{sha[:10]}", "origin#HEAD"):
        assert resolve(text, root=root, cwd=sample.path.parent, cache=cache).candidate.commit == sha
    assert "has no commit" in failure(f"file://{sample.path}#nothing", root, root, cache)
    assert "the commit is missing" in failure("github:a/b#", root, root, cache)
    assert "the repository is missing" in failure("#HEAD", root, root, cache)


def test_absent(sample, root: Path, cache: Cache) -> None:
    message = failure("nothing", root, sample.path, cache)
    for tried in ("no manifest", "no folder and no .toml file", "no commit of that name", "REPO#COMMIT"):
        assert tried in message
    assert "in no git repository" in failure("nothing", root, root, cache)
    for text in ("", "-x", "a\nb"):
        assert "expected a candidate" in failure(text, root, root, cache)


def test_ambiguous(sample, root: Path, cache: Cache) -> None:
    manifest(root, "main", sample.path, sample.git("rev-parse", "HEAD"))
    (sample.path / "main").mkdir()
    message = failure("main", root, sample.path, cache)
    assert "ambiguous" in message
    assert "write candidates/main.toml or ./main or .#main" in message
    assert resolve(".#main", root=root, cwd=sample.path, cache=cache).candidate.id == "sample"


def test_no_manifest_in_the_commit(repository, root: Path, cache: Cache) -> None:
    repository.commit()
    assert "has no harness.toml at its root" in failure("HEAD", root, repository.path, cache)
    repository.write("harness.toml", "[candidate]\nid = 'a'\nchallenge = 'b'\n")
    repository.commit()
    assert "[run] is missing" in failure("HEAD", root, repository.path, cache)
    repository.write("harness.toml", "[candidate]\nid = 'a'\nchalenge = 'b'\n")
    sha = repository.commit()
    message = failure("HEAD", root, repository.path, cache)
    assert message.startswith(f"harness.toml of {sha[:12]}:3: unknown key 'chalenge'")


def test_checkout_cannot_take_the_id_of_another(sample, root: Path, cache: Cache) -> None:
    sha = sample.git("rev-parse", "HEAD")
    manifest(root, "sample", sample.path, sha)
    got = resolve("HEAD", root=root, cwd=sample.path, cache=cache).candidate
    assert got.id == f"sample-{sha[:8]}"
    assert any("another candidate's id" in note for note in got.notes)


def test_ids_are_made_different(sample, root: Path, cache: Cache) -> None:
    sample.write("main.py", "other")
    sample.commit()

    def one(text: str) -> Resolved:
        return resolve(text, root=root, cwd=sample.path, cache=cache)

    ids = [item.candidate.id for item in distinguish([one("HEAD"), one("HEAD~1"), one("main")])]
    shas = [sample.git("rev-parse", "HEAD")[:8], sample.git("rev-parse", "HEAD~1")[:8]]
    assert ids == [f"sample-{shas[0]}", f"sample-{shas[1]}", f"sample-{shas[0]}"]
    assert [item.candidate.id for item in distinguish([one("HEAD"), one("main")])] == ["sample", "sample"]


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "own"))
    assert Cache.default().root == tmp_path / "own"
    monkeypatch.delenv("HARNESS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache.default().root == tmp_path / "xdg" / "harness"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Cache.default().root == tmp_path / ".cache" / "harness"
    assert "HARNESS_CACHE" not in os.environ
