"""The one place that knows what lies where under OUT.

OUT/<candidate id>/<challenge>[.component]/
    result.json  index.html            what was measured, and the page that shows it
    evidence/<requirement>.json        what the page draws, one list per requirement
    journal.jsonl                      one line per finished requirement, written while it runs
    cells/<key>.json  cells/<key>.log  what each worker was told, and what pytest printed
    histories/<test>-<case>.jsonl      what happened in a run that broke a requirement
    samples/<requirement>-<name>.npz   raw samples of what was measured: times of requests, resident memory
    runs/<run id>/                     earlier results of other commits or settings

OUT/selftest/<challenge>/
    matrix.json  index.html            the kill matrix: what the suites make of the known bad and the known good
    journal.jsonl  cells/              as above

OUT/compare/                           the newest comparison: its page, and the same as files
OUT/site/                              what `harness publish` writes, with a list of its files in site.json
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

COMPONENT_SUFFIX = ".component"
_SAFE = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")


def checked_name(name: str) -> str:
    """`name` if it can be a folder's name here. Raises ValueError otherwise: ids are validated long before."""
    if not _SAFE.match(name) or len(name) > 120:
        raise ValueError(f"not a name for a folder of results: {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """The folder of one evaluation: one candidate, one challenge, one entry."""

    path: Path

    @property
    def result(self) -> Path:
        """The result."""
        return self.path / "result.json"

    @property
    def page(self) -> Path:
        """The page beside it."""
        return self.path / "index.html"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal.jsonl"

    @property
    def evidence(self) -> Path:
        """The folder of evidence."""
        return self.path / "evidence"

    @property
    def cells(self) -> Path:
        """The folder of cells."""
        return self.path / "cells"

    @property
    def histories(self) -> Path:
        """The folder of histories."""
        return self.path / "histories"

    @property
    def samples(self) -> Path:
        """The folder of raw samples."""
        return self.path / "samples"

    @property
    def origin(self) -> Path:
        """What a replay needs in order to prepare the candidate again; not for publication: it may hold a local path."""
        return self.path / "cells" / "origin.json"

    @property
    def runs(self) -> Path:
        """Earlier results."""
        return self.path / "runs"

    def earlier(self) -> list[EvaluationFolder]:
        """Earlier results that still have a `result.json`, in order of path."""
        return [EvaluationFolder(path.parent) for path in sorted(self.runs.glob("*/result.json"))]


def evaluation(out: Path, candidate_id: str, challenge: str, entry: str) -> EvaluationFolder:
    """Where an evaluation lies; `entry` is `run` or `component`."""
    name = challenge + (COMPONENT_SUFFIX if entry == "component" else "")
    return EvaluationFolder(out / checked_name(candidate_id) / checked_name(name))


def all_evaluations(out: Path) -> list[EvaluationFolder]:
    """Every evaluation under OUT that has a result, in order of path."""
    return [EvaluationFolder(path.parent) for path in sorted(out.glob("*/*/result.json"))]


def bench_ledger(out: Path) -> Path:
    """Where runs of the benchmarks are appended, one line each."""
    return out / "bench.jsonl"


def comparison_page(out: Path) -> Path:
    """Where the page of the newest comparison lies."""
    return out / "compare" / "index.html"


@dataclass(frozen=True, slots=True)
class MatrixFolder:
    """The folder of one challenge's kill matrix."""

    path: Path

    @property
    def matrix(self) -> Path:
        """What was found."""
        return self.path / "matrix.json"

    @property
    def page(self) -> Path:
        """The page beside it."""
        return self.path / "index.html"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal.jsonl"

    @property
    def cells(self) -> Path:
        """The folder of cells."""
        return self.path / "cells"


def kill_matrix(out: Path, challenge: str) -> MatrixFolder:
    """Where the kill matrix of a challenge lies."""
    return MatrixFolder(out / "selftest" / checked_name(challenge))


def all_matrices(out: Path) -> list[MatrixFolder]:
    """Every kill matrix under OUT, in order of path."""
    return [MatrixFolder(path.parent) for path in sorted(out.glob("selftest/*/matrix.json"))]


def comparison_files(out: Path) -> dict[str, Path]:
    """Kind -> where the newest comparison lies as a file of that kind."""
    names = {"CSV": "comparison.csv", "Markdown": "comparison.md", "JSON": "comparison.json", "JUnit XML": "junit.xml"}
    return {kind: comparison_page(out).with_name(name) for kind, name in names.items()}


def site(out: Path) -> Path:
    """Where the static site lies unless it is put elsewhere."""
    return out / "site"
