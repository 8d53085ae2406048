"""Specimens: small candidates whose verdict on one requirement is known beforehand. They judge the judge."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.candidate.values import StoreKind
from harness.errors import UsageError
from harness.judge.outcomes import Finding, Outcome, worst

FILE_NAME = "specimen.toml"


class Specimen(BaseModel):
    """A known bad that `designated` must catch, or a known good that it must leave alone.

    `outcome` is what catching means for a bad one: `fail` with a witness, or `candidate_error` where breaking the protocol is
    the planted fault. `predicts` names figures that the suite will measure, written down before it ever ran.
    `quick` puts it into `selftest --quick`. A `sound` one is good by every requirement, not by its own alone. `profile` is set
    where only that one measures long enough for the fault to show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["bad", "good"]
    designated: str
    why: str
    command: tuple[str, ...] = Field(min_length=1)
    clock: Literal["wall", "virtual"] = "virtual"
    store: StoreKind = "none"
    predicts: dict[str, float] = {}
    outcome: Literal["fail", "candidate_error"] = "fail"
    quick: bool = False
    sound: bool = False
    profile: Literal["quick", "full"] | None = None
    folder: Path

    @property
    def expected(self) -> Outcome:
        """The outcome that the designated requirement must have."""
        return Outcome.PASS if self.kind == "good" else Outcome(self.outcome)


def read_specimens(challenge_folder: Path) -> list[Specimen]:
    """The specimens of a challenge, by name. Raises UsageError that names the file."""
    return [_read(path) for path in sorted((challenge_folder / "specimens").glob(f"*/{FILE_NAME}"))]


def digest_of(specimen: Specimen) -> str:
    """sha256 over the specimen's own files and those that its fellows share with it."""
    shared = [path for path in specimen.folder.parent.iterdir() if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted([*shared, *(path for path in specimen.folder.rglob("*") if path.is_file())]):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(specimen.folder.parent).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> Specimen:
    try:
        specimen = Specimen(**tomllib.loads(path.read_text("utf-8")), folder=path.parent)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if specimen.sound and specimen.kind == "bad":
        raise UsageError(f"{path}: a known bad specimen cannot be sound")
    if specimen.name != path.parent.name:
        raise UsageError(f"{path}: name is {specimen.name!r}; it must be its folder's, {path.parent.name!r}")
    return specimen


def outcome_of(findings: list[Finding]) -> str:
    """The outcome of a requirement's findings as a word; `none` if it left none."""
    main = _main(findings)
    return worst(finding.outcome for finding in main).value if main else "none"


def kills(specimen: Specimen, findings: list[Finding]) -> bool:
    """Whether these findings of any requirement catch the known bad: failed with a witness, as its fault would have it."""
    main = _main(findings)
    if not main or (outcome := worst(finding.outcome for finding in main)) is not specimen.expected:
        return False
    return next(finding for finding in main if finding.outcome is outcome).witness is not None


def _main(findings: list[Finding]) -> list[Finding]:
    """Those that decide: graded parts never fail."""
    return [finding for finding in findings if not finding.part or finding.severity != "graded"]


def _mistake(specimen: Specimen, outcome: Outcome) -> str:
    if specimen.kind == "bad":
        return "got away"
    return "was not found good" if outcome is Outcome.INCONCLUSIVE else "was wrongly accused"


def misjudged(specimen: Specimen, findings: list[Finding], requirement: str | None = None) -> str:
    """'' if the requirement (the designated one, for None) judged the specimen as it must, else what went wrong."""
    name, main = requirement or specimen.designated, _main(findings)
    if not main:
        return f"{name} left no finding"
    outcome = worst(finding.outcome for finding in main)
    telling = next(finding for finding in main if finding.outcome is outcome)
    if specimen.sound and outcome is Outcome.NOT_OFFERED and name != specimen.designated:
        return ""  # true of it, and no accusation
    if outcome is not specimen.expected:
        return f"{_mistake(specimen, outcome)}: {name} said {outcome.value}: {telling.summary}"
    if specimen.kind == "bad" and telling.witness is None:
        return f"{name} failed it without a witness"
    figures = {name: value for finding in findings for name, value in finding.figures.items()}
    wrong = {name: figures.get(name) for name, value in specimen.predicts.items() if figures.get(name) != value}
    return f"{name} measured {wrong} where {specimen.predicts} was predicted" if wrong else ""
