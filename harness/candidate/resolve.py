"""What the operator calls CANDIDATE, turned into a candidate and its checkout.

Four forms: the id of a manifest under `candidates/`; the path of a manifest or a folder; a commit of the
current repository (HEAD, HEAD~2, a branch, a tag, a sha); REPO#COMMIT, REPO being a URL, `github:owner/name`
or a folder. Where a word could be read in more than one way, `./NAME`, `candidates/NAME.toml` and `.#NAME`
say which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.candidate.addresses import normalise, shown
from harness.candidate.cache import Cache
from harness.candidate.checkout import (
    Checkout,
    checkout_commit,
    checkout_folder,
    own_manifest,
    uncommitted,
)
from harness.candidate.manifest import FILE_NAME, Manifest, load_checkout, load_operator
from harness.candidate.mirror import Commit, Limits, fetch_commit, look_up
from harness.candidate.schema import ID_PATTERN
from harness.candidate.values import Candidate
from harness.errors import UsageError


@dataclass(frozen=True, slots=True)
class Resolved:
    """A candidate and the tree that it is.

    `origin` is a CANDIDATE that names the same from any folder, at any time.
    """

    candidate: Candidate
    checkout: Checkout
    origin: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where CANDIDATE was found: a manifest file, a plain folder, or `commit` of the repository at `address`."""

    said: str
    unmistakable: str
    manifest: Path | None = None
    folder: Path | None = None
    address: str = ""
    commit: str = ""


def resolve(
    text: str, *, root: Path, cwd: Path | None = None, cache: Cache | None = None, limits: Limits | None = None
) -> Resolved:
    """The candidate that `text` names, checked out. `root` holds `candidates/`; paths are relative to `cwd`.

    Raises UsageError in one sentence for anything that is absent, ambiguous, unreachable or wrong in a
    manifest.
    """
    where = _Setting(root, cache or Cache.default(), limits or Limits())
    place = _locate(text, root, cwd or Path.cwd())
    resolved = _resolved(where, place)
    return replace(resolved, origin=_origin(place, resolved.checkout))


def _origin(place: _Place, checkout: Checkout) -> str:
    if place.manifest is not None:
        return str(place.manifest)
    return f"{checkout.address}#{checkout.commit}" if checkout.commit is not None else str(place.folder)


def _resolved(where: _Setting, place: _Place) -> Resolved:
    if place.manifest is not None:
        return _from_manifest(where, place.manifest)
    if place.folder is not None:
        return _from_folder(where, place.folder)
    return _from_commit(where, place.address, place.commit)


def distinguish(found: Sequence[Resolved]) -> list[Resolved]:
    """The same candidates with ids made different where two that are not the same share one, since results
    lie by id.
    """
    trees = {(item.candidate.id, item.checkout.tree_digest) for item in found}
    shared = {name for name, count in Counter(name for name, _ in trees).items() if count > 1}
    return [
        replace(item, candidate=replace(item.candidate, id=_longer_id(item.candidate.id, item.checkout)))
        if item.candidate.id in shared
        else item
        for item in found
    ]


def find_repository(start: Path) -> Path | None:
    """The git repository that the folder `start` lies in, or None."""
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)


@dataclass(frozen=True, slots=True)
class _Setting:
    root: Path
    cache: Cache
    limits: Limits


def _locate(text: str, root: Path, cwd: Path) -> _Place:
    if not text or text.startswith("-") or not text.isprintable():
        raise UsageError(f"expected a candidate (a manifest id, a path, a commit or REPO#COMMIT), got {text!r}")
    tried: list[str] = []
    found = [
        place
        for place in (_as_id(text, root, tried), _as_path(text, cwd, tried), _as_commit(text, cwd, tried))
        if place is not None
    ]
    found = [] if "#" in text and not text.startswith(("./", "../", "/", "~")) else found
    if not found and "#" in text:
        return _as_remote(text, cwd)
    if not found:
        raise UsageError(f"no candidate {text!r}: {', '.join(tried)}, and it is not of the form REPO#COMMIT")
    if len({(place.manifest, place.folder, place.address) for place in found}) > 1:
        said = " and ".join(place.said for place in found)
        better = " or ".join(place.unmistakable for place in found)
        raise UsageError(f"{text!r} is ambiguous: it is {said}; write {better}")
    return found[0]


def _as_id(text: str, root: Path, tried: list[str]) -> _Place | None:
    if not ID_PATTERN.fullmatch(text):
        return None
    path = root / "candidates" / f"{text}.toml"
    if path.is_file():
        return _Place(f"the manifest {path}", f"candidates/{text}.toml", manifest=path.resolve())
    tried.append(f"there is no manifest {path}")
    return None


def _as_path(text: str, cwd: Path, tried: list[str]) -> _Place | None:
    path = cwd / Path(text).expanduser()
    if path.is_file() and path.name == FILE_NAME:
        path = path.parent
    if path.is_dir():
        return _Place(f"the folder {path}", f"./{text}", folder=path.resolve())
    if path.is_file() and path.suffix == ".toml":
        return _Place(f"the manifest {path}", f"./{text}", manifest=path.resolve())
    tried.append(f"no folder and no .toml file {path}")
    return None


def _as_commit(text: str, cwd: Path, tried: list[str]) -> _Place | None:
    repository = find_repository(cwd)
    if repository is None:
        tried.append(f"{cwd} is in no git repository whose commit it could be")
        return None
    try:
        sha = look_up(repository, text)
    except UsageError:
        tried.append(f"no commit of that name in {repository}")
        return None
    return _Place(f"a commit of {repository}", f".#{text}", address=str(repository), commit=sha)


def _as_remote(text: str, cwd: Path) -> _Place:
    repo, _, name = text.rpartition("#")
    if not repo or not name:
        raise UsageError(f"expected REPO#COMMIT, got {text!r}: the {'commit' if repo else 'repository'} is missing")
    return _Place(text, text, address=normalise(repo, cwd), commit=name)


def _from_manifest(where: _Setting, path: Path) -> Resolved:
    manifest = load_operator(path)
    table = manifest.tables.candidate
    if table.repo is None or table.commit is None:
        raise ValueError("an operator's manifest without repo or commit has passed the checks")
    commit = fetch_commit(where.cache, normalise(table.repo, path.parent), table.commit, where.limits)
    checkout = checkout_commit(where.cache, commit, base=table.base, limits=where.limits)
    candidate = Candidate(
        id=manifest.id,
        challenges=manifest.challenges,
        repo=shown(commit.address),
        commit=commit.sha,
        base=checkout.base,
        entries=manifest.entries(),
        build_steps=manifest.steps(),
        network=manifest.tables.build.network if manifest.tables.build else False,
        tests=tuple(manifest.tables.tests.command) if manifest.tables.tests else None,
        model=table.model,
        prompt=table.prompt,
        repairs=tuple(table.repairs),
        adapter=manifest.adapter,
        base_tables=tuple(table.base_tables),
        usage=manifest.usage(),
        claims=manifest.tables.claims,
        notes=(*manifest.notes, *checkout.notes),
    )
    return Resolved(_completed(candidate, manifest, commit), checkout)


def _completed(candidate: Candidate, manifest: Manifest, commit: Commit) -> Candidate:
    """`candidate` with what its operator's manifest leaves to the commit's own `harness.toml`.

    Entries, build steps.
    """
    if "run" in candidate.entries:
        return candidate
    own = own_manifest(commit)
    if own is None or own.tables.run is None:
        raise UsageError(
            f"{manifest.path} has no [run], and commit {commit.sha[:12]} brings no {FILE_NAME} with one; "
            "say in the manifest how the candidate is started"
        )
    return replace(
        candidate,
        entries={**own.entries(candidate.challenges), **candidate.entries},
        build_steps=manifest.steps() if manifest.tables.build else own.steps(),
        notes=(*candidate.notes, *own.notes, f"[run] is that of the commit's own {FILE_NAME}"),
    )


def _from_folder(where: _Setting, folder: Path) -> Resolved:
    if (folder / ".git").exists() or _is_bare(folder):
        return _from_commit(where, str(folder), look_up(folder, "HEAD"))
    if not (folder / FILE_NAME).exists() and not (folder / FILE_NAME).is_symlink():
        raise UsageError(f"the folder {folder} is no git repository and has no {FILE_NAME}; add one, or name a manifest")
    manifest = load_checkout(folder / FILE_NAME)
    checkout = checkout_folder(where.cache, folder, limits=where.limits)
    return Resolved(_own(where, manifest, checkout), checkout)


def _is_bare(folder: Path) -> bool:
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _from_commit(where: _Setting, address: str, name: str) -> Resolved:
    commit = fetch_commit(where.cache, address, name, where.limits)
    manifest = own_manifest(commit)
    if manifest is None:
        raise UsageError(
            f"commit {commit.sha[:12]} of {shown(address)} has no {FILE_NAME} at its root; add one, or "
            "write a manifest "
            "candidates/<id>.toml that says how it is built and started"
        )
    checkout = checkout_commit(where.cache, commit, limits=where.limits)
    folder = Path(address)
    if (folder / ".git").exists() and look_up(folder, "HEAD") == commit.sha:
        note = uncommitted(where.cache, folder, commit)
        checkout = replace(checkout, notes=(*checkout.notes, note)) if note else checkout
    return Resolved(_own(where, manifest, checkout), checkout)


def _own(where: _Setting, manifest: Manifest, checkout: Checkout) -> Candidate:
    """The candidate that a checkout's own file describes.

    It cannot take the id, and so the results, of another.
    """
    entries = manifest.entries()
    if "run" not in entries:
        raise UsageError(f"{manifest.path}: [run] is missing; say there how the candidate is started")
    notes = [*manifest.notes, *checkout.notes]
    name = manifest.id
    if (where.root / "candidates" / f"{name}.toml").exists():
        name = _longer_id(name, checkout)
        notes.append(f"it calls itself {manifest.id}, which is another candidate's id; it is kept as {name}")
    return Candidate(
        id=name,
        challenges=manifest.challenges,
        repo=shown(checkout.address),
        commit=checkout.commit,
        base=checkout.base,
        entries=entries,
        build_steps=manifest.steps(),
        notes=tuple(notes),
    )


def _longer_id(name: str, checkout: Checkout) -> str:
    return f"{name[:91]}-{(checkout.commit or checkout.tree_digest)[:8]}"
