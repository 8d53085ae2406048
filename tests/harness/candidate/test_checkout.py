"""What a repository may try while it is fetched and laid out.

Each attempt is first shown to work against plain git.
"""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from harness.candidate import gitio, tree
from harness.candidate.addresses import normalise, shown
from harness.candidate.cache import Cache, remove
from harness.candidate.checkout import Checkout, checkout_commit, checkout_folder, own_manifest, uncommitted
from harness.candidate.mirror import Limits, fetch_commit
from harness.errors import InfraError, UsageError


def laid_out(cache: Cache, path: Path, name: str = "HEAD", limits: Limits | None = None) -> Checkout:
    return checkout_commit(cache, fetch_commit(cache, str(path), name, limits), limits=limits)


def marking_script(tmp_path: Path, name: str, last: str = "cat") -> tuple[Path, Path]:
    """A program that leaves a mark when it is run, and where the mark would be."""
    mark = tmp_path / f"{name}.ran"
    script = tmp_path / f"{name}.sh"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n{last}\n")
    script.chmod(0o755)
    return script, mark


def plain_clone(sample, tmp_path: Path, *options: str) -> Path:
    """The control: what git does by itself with the same repository under the same configuration."""
    target = tmp_path / "control"
    sample.git("clone", "--quiet", *options, str(sample.path), str(target), cwd=tmp_path)
    return target


def test_commit_is_laid_out_without_git_and_read_only(sample, cache: Cache) -> None:
    base = sample.git("rev-parse", "HEAD")
    sample.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    sha = sample.commit("second line of work")
    got = laid_out(cache, sample.path)
    assert (got.commit, got.base, got.subject) == (sha, base, "second line of work")
    assert got.date is not None
    assert got.date.tzinfo is not None
    assert got.git_tree == sample.git("rev-parse", "HEAD^{tree}")
    assert sorted(path.name for path in got.path.iterdir()) == ["harness.toml", "main.py", "run.sh"]
    assert stat.S_IMODE((got.path / "run.sh").stat().st_mode) == 0o555
    assert stat.S_IMODE((got.path / "main.py").stat().st_mode) == 0o444
    assert stat.S_IMODE(got.path.stat().st_mode) == 0o555
    assert got.files == 3
    assert got.notes == ()


def test_filters_of_the_operator_do_not_run(sample, cache: Cache, tmp_path: Path, operator_config: Path) -> None:
    script, mark = marking_script(tmp_path, "filter")
    sample.write(".gitattributes", "* filter=evil\n*.py text eol=crlf ident export-ignore\n")
    sample.write("main.py", "$Id$\n")
    sample.commit()
    with operator_config.open("a") as file:
        file.write(f'[filter "evil"]\n smudge = {script}\n clean = {script}\n process = {script}\n required = true\n')
    with pytest.raises(subprocess.CalledProcessError):
        plain_clone(sample, tmp_path)
    assert mark.exists()
    mark.unlink()
    got = laid_out(cache, sample.path)
    assert not mark.exists()
    assert (got.path / "main.py").read_text() == "$Id$\n"


def test_hooks_do_not_run(sample, cache: Cache, tmp_path: Path, operator_config: Path) -> None:
    script, mark = marking_script(tmp_path, "hook")
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-merge"):
        (hooks / name).symlink_to(script)
    with operator_config.open("a") as file:
        file.write(f"[init]\n templateDir = {hooks.parent}\n[core]\n hooksPath = {hooks}\n")
    plain_clone(sample, tmp_path)
    assert mark.exists()
    mark.unlink()
    laid_out(cache, sample.path)
    laid_out(cache, sample.path, "main")
    assert not mark.exists()


def test_submodules_are_not_fetched(sample, cache: Cache, tmp_path: Path) -> None:
    inner = type(sample)(tmp_path / "inner")
    inner.write("secret", "x")
    inner.commit()
    allow = ("-c", "protocol.file.allow=always")
    sample.git(*allow, "submodule", "--quiet", "add", str(inner.path), "sub")
    sample.commit()
    control = tmp_path / "control"
    sample.git(*allow, "clone", "--quiet", "--recurse-submodules", str(sample.path), str(control), cwd=tmp_path)
    assert (control / "sub" / "secret").exists()
    got = laid_out(cache, sample.path)
    assert list((got.path / "sub").iterdir()) == []
    assert any("sub is a submodule" in note for note in got.notes)


def test_links_stay_inside_the_tree(sample, cache: Cache, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("the operator's own")
    links = {
        "absolute": str(outside),
        "climbs": "../outside",
        "deep/climbs": "../../outside",
        "step": ".",
        "nested": "step/step/../../outside",
        "chain1": "chain2",
        "chain2": "deep/climbs",
        "missing": "not/there/../../../outside",
        "folder": "deep/..",
        "over": "folder/../outside",
        "round": "round",
        "good": "deep/file",
        "deep/good": "../main.py",
        "dangling": "deep/not-yet",
        "deep/back": "../good",
    }
    sample.write("deep/file", "inside")
    for name, target in links.items():
        (sample.path / name).symlink_to(target)
    sample.commit()
    control = plain_clone(sample, tmp_path)
    assert (control / "chain1").read_text() == "the operator's own"
    got = laid_out(cache, sample.path)
    made = {name for name in links if (got.path / name).is_symlink()}
    assert made == {"step", "folder", "good", "deep/good", "dangling", "deep/back"}
    assert (got.path / "nested").read_text() == "step/step/../../outside"
    assert (got.path / "deep" / "back").read_text() == "inside"
    root = got.path.resolve()
    assert all((got.path / name).resolve().is_relative_to(root) for name in links)
    assert sum("plain file with its target" in note for note in got.notes) == len(links) - len(made)


def test_names_that_no_tool_would_write(sample, cache: Cache, tmp_path: Path) -> None:
    blob = sample.blob(b"x")
    link = sample.blob(os.fsencode(tmp_path))
    inner = sample.tree(("100644", b"planted", blob))
    names = [b"..", b".", b".git", b".GIT", b"a/b", b"/abs", b"new\nline", b"bell\x07", b"n" * 300]
    names += [b"ok\xff", "schön".encode(), b"back\\slash", b"-rf"]
    entries = [("100644", name, blob) for name in names]
    entries += [("120000", b"twin", link), ("40000", b"twin", inner), ("100644", b"same", blob), ("100755", b"same", blob)]
    entries += [("40000", b"..", inner), ("40000", b".Git", inner)]
    sha = sample.commit_tree(sample.tree(*entries))
    listed = sample.git("ls-tree", "-r", "-z", "--name-only", sha)
    assert "../planted" in listed
    assert "twin/planted" in listed
    got = laid_out(cache, sample.path, sha)
    found = {os.fsencode(path.relative_to(got.path)) for path in got.path.rglob("*")}
    # "a/b" written as one name is an ordinary path by the time that git lists it.
    assert found == {b"a", b"a/b", b"ok\xff", "schön".encode(), b"back\\slash", b"-rf", b"twin", b"twin/planted", b"same"}
    assert not (got.path / "twin").is_symlink()
    assert all(note.isprintable() for note in got.notes)
    assert not (tmp_path / "planted").exists()


def test_remote_of_a_hostile_folder_is_not_called(sample, cache: Cache, tmp_path: Path) -> None:
    script, mark = marking_script(tmp_path, "remote", last="exit 1")
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"file://{tmp_path}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadPack": str(script),
        "uploadpack.packObjectsHook": str(script),
    }.items():
        sample.git("config", key, value)
    blob = sample.git("rev-parse", "HEAD:main.py")
    (sample.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(subprocess.CalledProcessError):
        sample.git("cat-file", "-p", blob)
    assert mark.exists()
    mark.unlink()
    with pytest.raises(UsageError):
        laid_out(cache, sample.path)
    with pytest.raises(UsageError):
        laid_out(cache, sample.path, "1" * 40)
    assert not mark.exists()


def test_no_history_reaches_the_candidate(sample, cache: Cache) -> None:
    sha = sample.git("rev-parse", "HEAD")
    sample.write("answer.txt", "from the future")
    future = sample.commit("the future")
    sample.git("tag", "later")
    assert "answer.txt" in sample.git("log", "--all", "--name-only", "--format=")
    got = laid_out(cache, sample.path, sha)
    assert got.mirror is not None
    assert gitio.run(got.mirror, ["cat-file", "-e", future]).status != 0
    assert {path.name for path in got.path.rglob("*")} == {"harness.toml", "main.py"}


def test_objects_of_other_repositories_are_not_borrowed(sample, cache: Cache, tmp_path: Path) -> None:
    borrower = tmp_path / "borrower"
    sample.git("clone", "--quiet", "--shared", str(sample.path), str(borrower), cwd=tmp_path)
    assert (borrower / ".git/objects/info/alternates").exists()
    got = laid_out(cache, borrower)
    assert got.mirror is not None
    assert not (got.mirror / "objects/info/alternates").exists()
    (borrower / ".git/objects/info/alternates").unlink()
    assert gitio.run(got.mirror, ["fsck"]).status == 0


def test_operator_sends_an_address_to_a_folder(sample, cache: Cache, operator_config: Path) -> None:
    address = normalise("github:someone/something", Path("/"))
    assert address == "https://github.com/someone/something"
    with operator_config.open("a") as file:
        file.write(f'[url "{sample.path}"]\n insteadOf = {address}\n')
    sha = sample.git("rev-parse", "HEAD")
    sample.git("branch", "side/line")
    sample.git("tag", "-a", "v1", "-m", "annotated")
    for name in (sha, sha[:8], "main", "side/line", "v1", "HEAD"):
        assert fetch_commit(cache, address, name).sha == sha
    operator_config.write_text("")
    assert fetch_commit(cache, address, sha).sha == sha


def test_commands_are_no_transport(cache: Cache, tmp_path: Path, operator_config: Path, sample) -> None:
    script, mark = marking_script(tmp_path, "transport", last="exit 1")
    with operator_config.open("a") as file:
        file.write(f'[protocol "ext"]\n allow = always\n[url "ext::{script} "]\n insteadOf = https://example.org/\n')
    with pytest.raises(subprocess.CalledProcessError):
        sample.git("ls-remote", "https://example.org/x")
    assert mark.exists()
    mark.unlink()
    with pytest.raises(UsageError, match="not allowed"):
        fetch_commit(cache, "https://example.org/x", "0" * 40)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ext::sh -c true", "transport"),
        ("ext://x", "transport"),
        ("fd::17", "transport"),
        ("ftp://host/x", "transport"),
        ("--upload-pack=touch x", "expected the address"),
        ("", "expected the address"),
        ("a\nb", "expected the address"),
        ("ssh://-oProxyCommand=x/y", "starts with '-'"),
        ("owner/name", "github:owner/name"),
    ],
)
def test_addresses_that_are_refused(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        normalise(address, tmp_path)


def test_addresses_that_are_taken(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    assert normalise("repo", tmp_path) == str(tmp_path / "repo")
    assert normalise("git@host.example:a/b.git", tmp_path) == "git@host.example:a/b.git"
    assert normalise("https://host/a", tmp_path) == "https://host/a"
    assert shown("https://user:secret@host/a") == "https://host/a"


@pytest.mark.parametrize("name", ["--all", "a b", "", "x\n", "a:refs/heads/b", "HEAD~1", "+main", "refs/*"])
def test_commit_names_that_are_refused(sample, cache: Cache, name: str) -> None:
    with pytest.raises(UsageError):
        fetch_commit(cache, f"file://{sample.path}", name)


def test_absent_and_unreachable(sample, cache: Cache, tmp_path: Path) -> None:
    absent = "1" * 40
    with pytest.raises(UsageError, match=f"has no commit {absent}"):
        fetch_commit(cache, f"file://{sample.path}", absent)
    with pytest.raises(UsageError, match="has no commit feed1234"):
        fetch_commit(cache, f"file://{sample.path}", "feed1234")
    with pytest.raises(UsageError, match="has no commit 'nowhere'"):
        fetch_commit(cache, str(sample.path), "nowhere")
    with pytest.raises(UsageError, match="there is no repository at"):
        fetch_commit(cache, f"file://{tmp_path}/none", absent)
    with pytest.raises(UsageError, match="cannot be reached over the network") as caught:
        fetch_commit(cache, "http://user:secret@127.0.0.1:9/x", absent)
    assert "secret" not in str(caught.value)


def test_shortened_sha_that_fits_several(sample, cache: Cache) -> None:
    tree_sha = sample.git("rev-parse", "HEAD^{tree}")
    seen: dict[str, bytes] = {}
    for number in range(10_000):
        body = f"tree {tree_sha}\nauthor a <> 0 +0000\ncommitter a <> 0 +0000\n\n{number}\n".encode()
        start = hashlib.sha1(b"commit %d\0" % len(body) + body, usedforsecurity=False).hexdigest()[:4]
        if start in seen:
            break
        seen[start] = body
    for name, raw in (("one", seen[start]), ("two", body)):
        sha = sample.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
        sample.git("branch", name, sha)
    with pytest.raises(UsageError, match="start of several commits"):
        fetch_commit(cache, f"file://{sample.path}", start)


def test_history_cut_short_is_told(sample, cache: Cache, tmp_path: Path) -> None:
    sample.commit("second")
    shallow = tmp_path / "shallow"
    sample.git("clone", "--quiet", "--depth=1", f"file://{sample.path}", str(shallow), cwd=tmp_path)
    got = laid_out(cache, shallow)
    assert got.base is None
    assert "history is cut short" in got.notes[0]


def test_parent_of_a_parent_is_fetched_when_asked_for(sample, cache: Cache) -> None:
    commits = [sample.git("rev-parse", "HEAD"), *(sample.commit(str(number)) for number in range(3))]
    for position in (3, 2, 1):
        assert laid_out(cache, sample.path, commits[position]).base == commits[position - 1]
    stated = checkout_commit(cache, fetch_commit(cache, str(sample.path), commits[3]), base=commits[0])
    assert stated.base == commits[0]


def test_poisoned_tree_is_written_anew(sample, cache: Cache) -> None:
    first = laid_out(cache, sample.path)
    inode = first.path.stat().st_ino
    assert laid_out(cache, sample.path).path.stat().st_ino == inode
    poisons = {
        "written": lambda path: path.write_text("print('poison')\n"),
        "beside": lambda path: (path.parent / "extra").write_text(""),
        "gone": Path.unlink,
        "mode": lambda path: path.chmod(0o755),
    }
    for poison in poisons.values():
        first.path.chmod(0o755)
        (first.path / "main.py").chmod(0o644)
        poison(first.path / "main.py")
        again = laid_out(cache, sample.path)
        assert sorted(path.name for path in again.path.iterdir()) == ["harness.toml", "main.py"]
        assert (again.path / "main.py").read_text() == "print('hello')\n"
        assert not (again.path / "main.py").stat().st_mode & 0o100


def test_what_a_killed_run_left_is_cleared(sample, cache: Cache) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    for kind in ("mirrors", "trees"):
        half = cache.folder(kind) / f".half-{dead.pid}-abc"
        half.mkdir()
        (half / "HEAD").write_text("half")
    alive = cache.folder("trees") / f".half-{os.getpid()}-abc"
    alive.mkdir()
    got = laid_out(cache, sample.path)
    assert got.mirror is not None
    left = {path.name for kind in ("mirrors", "trees") for path in cache.folder(kind).glob(".half-*")}
    assert left == {alive.name}
    (got.mirror / "shallow.lock").write_text("")
    sample.commit("second")
    assert laid_out(cache, sample.path).subject == "second"


def test_two_runs_at_once(sample, cache: Cache) -> None:
    found: list[Path] = []
    start = threading.Barrier(4)

    def one() -> None:
        start.wait()
        found.append(laid_out(Cache(cache.root), sample.path).path)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_lock_that_is_held_too_long(cache: Cache) -> None:
    with cache.lock("x"), pytest.raises(InfraError, match="held the cache lock"), cache.lock("x", timeout_s=0.0):
        pass


def test_limits(sample, cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="more than 1 files"):
        laid_out(cache, sample.path, limits=Limits(max_files=1))
    sample.write("large", b"0" * 3_000_000)
    sample.commit()
    with pytest.raises(UsageError, match="limit is 1 MiB"):
        laid_out(cache, sample.path, limits=Limits(max_bytes=1024**2))


def test_fetch_that_is_too_large_or_too_slow(cache: Cache, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(UsageError, match="was stopped: it took longer than 0 s"):
            fetch_commit(cache, address, "1" * 40, Limits(fetch_timeout_s=0.1))
        # Below nought, an empty mirror is too large already.
        with pytest.raises(UsageError, match="larger than the limit"):
            fetch_commit(cache, address, "1" * 40, Limits(max_bytes=-1))


def test_fetch_that_was_killed_leaves_no_half_commit(sample, cache: Cache) -> None:
    sample.write("noise", os.urandom(3_000_000))
    sha = sample.commit()
    mirror = fetch_commit(cache, str(sample.path), sha).mirror
    # Objects of a fetch go into one pack, which git names only when it is whole.
    assert list(mirror.glob("objects/pack/*.pack"))
    assert not list(mirror.glob("objects/[0-9a-f][0-9a-f]"))


def test_tree_that_lists_without_end(sample, cache: Cache) -> None:
    level = sample.tree(*[("100644", b"%02d" % number, sample.blob(b"")) for number in range(10)])
    for _ in range(9):
        level = sample.tree(*[("40000", b"%02d" % number, level) for number in range(10)])
    sha = sample.commit_tree(level)
    with pytest.raises(UsageError, match="more than 5,000 files"):
        laid_out(cache, sample.path, sha, Limits(max_files=5000))


def make_deep(folder: Path, name: str, count: int) -> None:
    """`count` folders inside each other, deeper than a path can say, every one of them without permissions."""
    folder.mkdir(exist_ok=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(count):
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=inner))
        os.fchmod(here, 0)
        os.close(here)
        here = inner
    os.close(here)


def nested(sample, inner: str, *names: bytes) -> str:
    for name in names:
        inner = sample.tree(("40000", name, inner))
    return inner


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([b"a"] * 1400, "the path a/a/a/.* has more than 100 parts"),
        ([b"a"] * 100, "more than 100 parts"),
        ([b"n" * 250] * 4, "longer than 1,000 bytes"),
    ],
)
def test_path_that_is_over_long_is_refused(sample, cache: Cache, names: list[bytes], words: str) -> None:
    good = sample.git("rev-parse", "HEAD")
    blob = sample.blob(b"x")
    sha = sample.commit_tree(nested(sample, sample.tree(("100644", b"f", blob)), *names))
    with pytest.raises(UsageError, match=words) as caught:
        laid_out(cache, sample.path, sha)
    assert len(str(caught.value)) < 300
    assert list(cache.folder("trees").iterdir()) == []
    assert laid_out(cache, sample.path, good).files == 2
    within = sample.commit_tree(nested(sample, sample.tree(("100644", b"f", blob)), *names[:3], *[b"a"] * 96))
    assert laid_out(cache, sample.path, within).files == 1


def test_tree_that_git_itself_breaks_on_is_not_taken_for_an_empty_one(sample) -> None:
    deep = nested(sample, sample.tree(("100644", b"f", sample.blob(b"x"))), *[b"a"] * 3000)
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    # The 8 MiB that git usually has take some ten thousand folders, which would be slow to write here.
    resource.setrlimit(resource.RLIMIT_STACK, (256 * 1024, hard))
    try:
        listed = subprocess.run(["git", "ls-tree", "-r", deep], cwd=sample.path, capture_output=True, check=False)
        with pytest.raises(UsageError, match="nest too deep for git"):
            tree.git_entries(sample.path / ".git", deep, Limits())
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    assert (listed.returncode, listed.stdout, listed.stderr) == (-signal.SIGSEGV, b"", b"")


def test_plain_folder_that_is_over_deep_is_refused(cache: Cache, tmp_path: Path) -> None:
    make_deep(tmp_path / "folder", "a", 1400)
    (tmp_path / "folder").chmod(0o700)
    with pytest.raises(UsageError, match="more than 100 parts|cannot be read"):
        checkout_folder(cache, tmp_path / "folder")
    remove(tmp_path / "folder")


@pytest.mark.parametrize(("name", "count"), [("a", 1400), ("d" * 220, 40)])
def test_leftover_of_any_depth_is_cleared(sample, cache: Cache, tmp_path: Path, name: str, count: int) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o750)
    (outside / "kept").write_text("")
    half = cache.folder("trees") / f".half-{dead.pid}-abc"
    half.mkdir()
    (half / "link").symlink_to(outside)
    make_deep(half, name, count)
    laid_out(cache, sample.path)
    assert not half.exists()
    assert (outside / "kept").exists()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o750


def test_leftover_that_cannot_be_removed_is_in_nobodys_way(sample, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    halves = [cache.folder("trees") / f".half-{dead.pid}-{name}" for name in ("one", "two")]
    for half in halves:
        half.touch()
    unlink = Path.unlink
    stuck = next(iter(cache.folder("trees").glob(".half-*")))

    def refuses(path: Path, missing_ok: bool = False) -> None:
        if path == stuck:
            raise PermissionError
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuses)
    laid_out(cache, sample.path)
    assert [half for half in halves if half.exists()] == [stuck]


def test_few_objects_that_stand_for_many_folders(sample, cache: Cache) -> None:
    level = nested(sample, sample.tree(("100644", b"f", sample.blob(b""))), *[b"a"] * 80)
    for _ in range(14):
        level = sample.tree(("40000", b"a", level), ("40000", b"b", level))
    sha = sample.commit_tree(level)
    with pytest.raises(UsageError, match="the tree has more than 100,000 folders"):
        laid_out(cache, sample.path, sha)
    with pytest.raises(UsageError, match="the tree has more than 1,048,576 bytes of paths"):
        laid_out(cache, sample.path, sha, Limits(max_path_bytes=1024**2))
    assert list(cache.folder("trees").iterdir()) == []


def test_links_that_cost_much_to_follow(sample, cache: Cache) -> None:
    for number in range(60):
        (sample.path / f"link{number}").symlink_to("a/../" * 700 + f"link{number + 1}")
    (sample.path / "link60").symlink_to(".")
    sample.commit()
    got = laid_out(cache, sample.path)
    assert sum("leads over too many folders" in note for note in got.notes) > 50
    with pytest.raises(UsageError, match="more than 60 symlinks"):
        laid_out(cache, sample.path, limits=Limits(max_links=60))


def test_branch_that_is_over_deep(sample, cache: Cache) -> None:
    first = sample.git("rev-parse", "HEAD")
    sample.git("update-ref", "refs/heads/" + "/".join("a" * 1400), first)
    for _ in range(2):
        mirror = fetch_commit(cache, f"file://{sample.path}", first[:9]).mirror
        (mirror / "refs" / "mirror" / "stale.lock").touch()
    fetch_commit(cache, f"file://{sample.path}", first[:9])
    assert not (mirror / "refs" / "mirror" / "stale.lock").exists()


def test_pipe_where_git_reads_attributes(sample, cache: Cache) -> None:
    os.mkfifo(sample.path / ".gitattributes")
    commit = fetch_commit(cache, str(sample.path), "HEAD")
    note = uncommitted(cache, sample.path, commit, timeout_s=0.5)
    assert "could not be told: git took longer than 0.5 s" in note
    assert not list(cache.folder("mirrors").glob(".half-*"))
    (sample.path / ".gitattributes").unlink()
    assert uncommitted(cache, sample.path, commit, timeout_s=60.0) == ""


def test_pointers_are_told(sample, cache: Cache) -> None:
    sample.write("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    sample.commit()
    assert laid_out(cache, sample.path).notes == ("1 files are Git LFS pointers: their contents were not fetched",)


def test_manifest_of_a_commit(sample, cache: Cache) -> None:
    manifest = own_manifest(fetch_commit(cache, str(sample.path), "HEAD"))
    assert manifest is not None
    assert manifest.id == "sample"
    (sample.path / "harness.toml").unlink()
    sample.commit()
    assert own_manifest(fetch_commit(cache, str(sample.path), "HEAD")) is None
    (sample.path / "harness.toml").symlink_to("main.py")
    sample.commit()
    with pytest.raises(UsageError, match="got a symlink"):
        own_manifest(fetch_commit(cache, str(sample.path), "HEAD"))
    (sample.path / "harness.toml").unlink()
    sample.write("harness.toml", "#\n" * 40000)
    sample.commit()
    with pytest.raises(UsageError, match="at most 65536 bytes"):
        own_manifest(fetch_commit(cache, str(sample.path), "HEAD"))


def test_damaged_commit_is_told(sample, cache: Cache) -> None:
    raw = b"tree %s\nauthor x\ncommitter x <> 99999999999999 +9999\n\n\x1b[31msubject\x07\n"
    body = raw % sample.git("rev-parse", "HEAD^{tree}").encode()
    sha = sample.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=body)
    got = laid_out(cache, sample.path, sha)
    assert got.date is None
    assert got.subject == "[31msubject"


def test_plain_folder_has_the_digest_of_the_same_tree(sample, cache: Cache, tmp_path: Path) -> None:
    (sample.path / "link").symlink_to("main.py")
    (sample.path / "out").symlink_to(tmp_path)
    sample.commit()
    (sample.path / "__pycache__").mkdir()
    (sample.path / "__pycache__" / "x.pyc").write_text("")
    got = checkout_folder(cache, sample.path)
    assert got.tree_digest == laid_out(cache, sample.path).tree_digest
    assert got.commit is None
    assert (got.path / "link").is_symlink()
    assert (got.path / "out").read_text() == str(tmp_path)
    os.mkfifo(sample.path / "pipe")
    with pytest.raises(UsageError, match="files, folders and symlinks only"):
        checkout_folder(cache, sample.path)


def test_digest_moves_with_name_mode_and_content() -> None:
    entry = tree.Entry("a", 0o100644, "0" * 40, 1)
    others = [
        tree.Entry("b", 0o100644, "0" * 40, 1),
        tree.Entry("a", 0o100755, "0" * 40, 1),
        tree.Entry("a", 0o100644, "1" * 40, 1),
    ]
    assert len({tree.tree_digest([one]) for one in [entry, *others]}) == 4
    assert tree.tree_digest([entry, others[0]]) == tree.tree_digest([others[0], entry])


def test_run_inside_a_git_hook(sample, cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = type(sample)(tmp_path / "other")
    other.commit()
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git/objects"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    assert laid_out(cache, sample.path).subject == "first"
