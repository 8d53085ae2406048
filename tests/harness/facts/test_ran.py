"""From a runtime's dump to lines: source maps, ranges, and what a hostile candidate could leave there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.facts.ran import decode_mappings, lines_run
from harness.facts.reach import entry_of, reachable, resolve

CODE = "function add(a) {\n  if (a) {\n    return 1;\n  }\n  return 2;\n}\nadd(0);\n//# sourceMappingURL=a.js.map\n"
# Each line of the file above is that of the source, four further down.
MAPPINGS = "AAIA;EACE;IACE;;EAEF;;AAEF"


def dump(folder: Path, functions: list[dict[str, Any]], url: str = "file:///candidate/dist/a.js") -> None:
    (folder / "coverage-1.json").write_text(json.dumps({"result": [{"url": url, "functions": functions, "scriptId": "1"}]}))


def span(start: int, end: int, count: int) -> dict[str, int]:
    return {"startOffset": start, "endOffset": end, "count": count}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "dist").mkdir(parents=True)
    (root / "dist" / "a.js").write_text(CODE)
    source_map = {"version": 3, "sources": ["../src/a.ts"], "mappings": MAPPINGS}
    (root / "dist" / "a.js.map").write_text(json.dumps(source_map))
    return root


@pytest.fixture
def left(tmp_path: Path) -> Path:
    folder = tmp_path / "left"
    folder.mkdir()
    return folder


def test_blocks_that_were_not_reached_are_left_out_and_so_is_the_module(tree: Path, left: Path) -> None:
    body, branch = CODE.index("}\nadd") + 1, CODE.index("{\n    return")
    functions = [
        {"functionName": "", "ranges": [span(0, len(CODE), 1)]},
        {"functionName": "add", "ranges": [span(0, body, 1), span(branch, CODE.index("}\n  return") + 1, 0)]},
    ]
    dump(left, functions)
    assert lines_run(left, tree, "/candidate", {"src/a.ts"}) == {"src/a.ts": {5, 6, 9}}


def test_mappings_decode_and_end_where_they_are_damaged() -> None:
    assert list(decode_mappings("AAAA,IACE;AACA")) == [(0, 0, 0, 0), (0, 4, 0, 1), (1, 0, 0, 2)]
    assert list(decode_mappings("AAAA;!!!!;AACA")) == [(0, 0, 0, 0)]
    assert list(decode_mappings("g" * 100)) == []


def test_nothing_left_is_not_known_and_what_is_damaged_is_passed_over(tree: Path, left: Path) -> None:
    assert lines_run(left, tree, "/candidate", {"src/a.ts"}) is None
    (left / "coverage-1.json").write_text('{"result": [{"url": 3}]}')
    (left / "python-2.json").write_text("[" * 5000)
    (left / "python-3.json").symlink_to("/etc/passwd")
    assert lines_run(left, tree, "/candidate", {"src/a.ts"}) is None
    (left / "python-4.json").write_text('{"/candidate/x.py": [1, 2], "/elsewhere/y.py": [3], "/candidate/../y.py": [1]}')
    assert lines_run(left, tree, "/candidate", {"x.py", "y.py"}) == {"x.py": {1, 2}}


def test_no_file_outside_the_tree_is_read(tree: Path, left: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.js").write_text("function f() {}\n")
    (tree / "link").symlink_to(tmp_path)
    for url in ("file:///candidate/../secret.js", "file:///candidate/link/secret.js", "file:///candidate/%2e%2e/secret.js"):
        dump(left, [{"functionName": "f", "ranges": [span(0, 99, 1)]}], url)
        assert lines_run(left, tree, "/candidate", {"link/secret.js", "../secret.js", "secret.js"}) == {}


FILES = {
    "app/index.ts": ["./detector", "@x/core", "node:fs"],
    "app/detector.ts": ["./model.js"],
    "app/model.ts": [],
    "app/idle.ts": ["./detector"],
    "packages/core/src/index.ts": [],
}


def test_imports_are_followed_through_packages_of_the_repository() -> None:
    found = reachable("app/index.ts", FILES, {"@x/core": "packages/core"})
    assert found == {"app/index.ts", "app/detector.ts", "app/model.ts", "packages/core/src/index.ts"}


def test_python_imports_bring_in_the_packages_around_them() -> None:
    files = {"pkg/__init__.py", "pkg/a.py", "pkg/sub/__init__.py", "pkg/sub/b.py", "main.py"}
    assert set(resolve("main.py", "pkg.sub.b", files, {})) == {"pkg/__init__.py", "pkg/sub/__init__.py", "pkg/sub/b.py"}
    assert "pkg/a.py" in resolve("pkg/sub/b.py", "..a", files, {})
    assert resolve("main.py", "numpy", files, {}) == []


def test_entry_of_a_command() -> None:
    files = {"pkg/server.py", "main.ts", "x/__main__.py"}
    assert entry_of(["python3", "-m", "pkg.server", "name"], files) == "pkg/server.py"
    assert entry_of(["python3", "-m", "x"], files) == "x/__main__.py"
    assert entry_of(["node", "{checkout}/main.ts"], files) == "main.ts"
    assert entry_of(["./run"], files) is None
