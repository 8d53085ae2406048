"""From results on disk to a static site: an index, scorecards, comparisons, kill matrices. Every address in it is relative.

The site is built beside its place and put there by a rename, so that a reader never sees half of one. What `publish` did not
write is never removed: a folder that holds anything else is refused.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import HarnessError, UsageError
from harness.judge.comparable import conditions
from harness.report import comparison_page, exports, page, site
from harness.report.text import one_line
from harness.results import store
from harness.results.judge import matrix_link
from harness.results.layout import COMPONENT_SUFFIX, EvaluationFolder, all_evaluations, all_matrices, checked_name, kill_matrix

MARKER = "site.json"
MAX_COLUMNS = 16
Result = dict[str, Any]


@dataclass(slots=True)
class _Site:
    """What was read, and where it goes."""

    root: Path
    read: list[tuple[Result, EvaluationFolder]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def put(self, address: str, text: str) -> None:
        """Writes one page; `address` is relative to the site."""
        path = self.root / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def publish(out: Path, target: Path, tell: Callable[[str], None] = lambda text: None) -> int:
    """Writes the site for the results under OUT to `target`; how many results it shows. Raises UsageError."""
    _refuse_what_is_not_ours(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        made = _Site(building)
        _read(made, out)
        entries = [_scorecards(made, out, result, folder) for result, folder in made.read]
        tell(f"{len(entries)} scorecards")
        comparisons = _comparisons(made)
        made.put("index.html", site.index(entries, comparisons, _matrices(made, out), made.skipped))
        files = sorted(str(path.relative_to(building)) for path in building.rglob("*") if path.is_file())
        store.write_json(building / MARKER, {"made_by": "harness publish", "files": files})
        _put_in_place(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return len(entries)


def _refuse_what_is_not_ours(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir() or target.is_symlink():
        raise UsageError(f"{target} is no folder: name another place for the site with --to")
    found = {str(path.relative_to(target)) for path in target.rglob("*") if not path.is_dir()}
    known: set[str] = set()
    if (target / MARKER).is_file():
        try:
            known = {MARKER, *msgspec.json.decode((target / MARKER).read_bytes())["files"]}
        except (msgspec.DecodeError, KeyError, TypeError):
            known = set()
    if strange := sorted(found - known):
        raise UsageError(
            f"{target} holds what `harness publish` did not write ({strange[0]}): move it, or name another place with --to"
        )


def _put_in_place(building: Path, target: Path) -> None:
    building.chmod(0o755)
    old = building.with_name(f"{building.name}-old")
    if target.exists():
        target.rename(old)
    try:
        building.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read(made: _Site, out: Path) -> None:
    for folder in all_evaluations(out):
        try:
            made.read.append((store.read_result(folder), folder))
        except HarnessError as error:
            made.skipped.append(f"Left out: {one_line(str(error), 200)}")


def _address(folder: EvaluationFolder, run: str = "") -> str:
    """Where a scorecard lies in the site: names were checked when the folders were made, and are checked again."""
    names = [checked_name(folder.path.parent.name), checked_name(folder.path.name), *([checked_name(run)] if run else [])]
    return "/".join(["results", *names, "index.html"])


def _scorecards(made: _Site, out: Path, result: Result, folder: EvaluationFolder) -> site.Entry:
    """The page of one result and those of its earlier runs; the row that leads there."""
    address = _address(folder)
    made.put(address, page.render(result, store.read_evidence(folder), _siblings(out, result, folder)))
    past = []
    for earlier in reversed(folder.earlier()):
        try:
            old = store.read_result(earlier)
        except HarnessError:
            continue
        where = _address(folder, earlier.path.name)
        made.put(
            where,
            page.render(
                old, store.read_evidence(earlier), [("All results", "../../../../index.html"), ("newest", "../index.html")]
            ),
        )
        past.append((old, where))
    return site.entry(result, address, past)


def _siblings(out: Path, result: Result, folder: EvaluationFolder) -> list[tuple[str, str]]:
    name = folder.path.name
    challenge = name.removesuffix(COMPONENT_SUFFIX)
    other = name.removesuffix(COMPONENT_SUFFIX) if name.endswith(COMPONENT_SUFFIX) else name + COMPONENT_SUFFIX
    links = [("All results", "../../../index.html")]
    if EvaluationFolder(folder.path.with_name(other)).result.exists():
        links.append(("component" if other.endswith(COMPONENT_SUFFIX) else "run", f"../{other}/index.html"))
    digest = str((result.get("provenance") or {}).get("suite_digest"))
    judged = [label for label, _ in matrix_link(folder, digest) if kill_matrix(out, challenge).page.is_file()]
    return links + [(label, f"../../../selftest/{checked_name(challenge)}/index.html") for label in judged]


def _comparisons(made: _Site) -> list[site.Link]:
    """A page for each challenge and each set of comparable results in it, of the best of them where there are many."""
    groups: dict[str, dict[tuple[str, ...], list[tuple[Result, EvaluationFolder]]]] = defaultdict(lambda: defaultdict(list))
    for result, folder in made.read:
        challenge = str((result.get("challenge") or {}).get("id") or folder.path.name)
        groups[challenge][conditions(result)].append((result, folder))
    links = []
    for sets in groups.values():
        pairs_of = sorted((pairs for pairs in sets.values() if len(pairs) > 1), key=len, reverse=True)
        links += [_comparison(made, pairs, number) for number, pairs in enumerate(pairs_of, 1)]
    return links


def _comparison(made: _Site, pairs: Sequence[tuple[Result, EvaluationFolder]], number: int) -> site.Link:
    chosen = _best(pairs)
    name = checked_name(chosen[0][1].path.name.removesuffix(COMPONENT_SUFFIX)) + (f"-{number}" if number > 1 else "")
    section = comparison_page.section(
        [result for result, _ in chosen],
        [f"../../{_address(folder)}" for _, folder in chosen],
        [store.read_evidence(folder) for _, folder in chosen],
    )
    base = f"compare/{name}"
    made.put(f"{base}/comparison.csv", exports.as_csv([section.view]))
    downloads = [("CSV", "comparison.csv")]
    made.put(f"{base}/index.html", comparison_page.page([section], downloads, home="../../index.html"))
    return site.Link(section.view.challenge, f"{base}/index.html", _told(pairs, chosen))


def _told(pairs: Sequence[tuple[Result, EvaluationFolder]], chosen: Sequence[Any]) -> str:
    made: Mapping[str, Any] = pairs[0][0].get("provenance") or {}
    number = f"{len(chosen)} results" if len(chosen) == len(pairs) else f"the best {len(chosen)} of {len(pairs)} results"
    partial = ", partial runs" if made.get("partial") else ""
    return one_line(f"{number}; {made.get('profile')}, seed {made.get('seed')}, {made.get('sandbox')}{partial}", 160)


def _best(pairs: Sequence[tuple[Result, EvaluationFolder]]) -> list[tuple[Result, EvaluationFolder]]:
    """All of them where they fit side by side, else those of the highest scores; in the order of their folders."""
    ranked = sorted(pairs, key=lambda pair: -(pair[0].get("score") or 0.0))
    kept = {str(folder.path) for _, folder in ranked[:MAX_COLUMNS]}
    return [pair for pair in pairs if str(pair[1].path) in kept]


def _matrices(made: _Site, out: Path) -> list[site.Link]:
    """Kill matrices whose page lies beside them."""
    links = []
    for matrix in all_matrices(out):
        name = matrix.path.name
        if matrix.page.is_file():
            made.put(f"selftest/{checked_name(name)}/index.html", matrix.page.read_text(encoding="utf-8"))
            links.append(site.Link(f"Kill matrix: {name}", f"selftest/{name}/index.html", "specimens by requirement"))
    return links
