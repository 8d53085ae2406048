"""What `eval` and `compare` share: from the words on the command line to evaluations that are run, or found measured already."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from harness.candidate.resolve import Resolved, distinguish, resolve
from harness.candidate.values import EntryName
from harness.cli._board import Board
from harness.errors import HarnessError, UsageError
from harness.evaluation import Evaluation, Options, wanted_requirements
from harness.judge.requirements import Challenge, challenge_ids, load_challenge
from harness.paths import PROJECT_ROOT, challenges_root
from harness.preparation import Prepared, prepare, subject
from harness.report import terminal
from harness.report.text import one_line
from harness.results import store
from harness.results.layout import EvaluationFolder, evaluation
from harness.runtime.sandbox import choose


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation that is to be had: a prepared candidate, a challenge, an entry."""

    prepared: Prepared
    challenge: Challenge
    entry: EntryName


def plan(candidates: Sequence[str], challenge: str | None, options: Options, console: Console) -> Iterator[Run]:
    """The evaluations that the candidates ask for; every mistake is found before the first is built. Raises UsageError."""
    choose(options.sandbox)
    found = distinguish([resolve(text, root=PROJECT_ROOT) for text in candidates])
    wanted_of = [concerned(wanted_challenges(resolved, challenge), options) for resolved in found]
    for resolved, wanted in zip(found, wanted_of, strict=True):
        heading = Text.assemble((resolved.candidate.id, "bold"), "  ", one_line(resolved.checkout.subject, 100))
        console.print(heading)
        for name in set(resolved.candidate.challenges) - {loaded.id for loaded in wanted} if challenge is None else ():
            console.print(Text(f"not measured for {name}: no such challenge here"))
        prepared = prepare(resolved, options.sandbox)
        for loaded in wanted:
            for entry in prepared.entries(loaded.id):
                yield Run(prepared, loaded, entry)


def wanted_challenges(resolved: Resolved, challenge: str | None) -> list[Challenge]:
    """The candidate's challenges that are known here, or the one asked for. Raises UsageError if there is none."""
    known = challenge_ids(challenges_root())
    names = [name for name in resolved.candidate.challenges if name in known]
    if challenge is not None:
        loaded = load_challenge(challenges_root(), challenge)
        if challenge not in names:
            offered = ", ".join(names) or "none that is known here"
            raise UsageError(f"{resolved.candidate.id} is no candidate for {challenge!r}; its challenges are: {offered}")
        return [loaded]
    if not names:
        said = ", ".join(resolved.candidate.challenges)
        raise UsageError(f"{resolved.candidate.id} names no challenge that is known here ({said}); known: {', '.join(known)}")
    return [load_challenge(challenges_root(), name) for name in names]


def concerned(challenges: Sequence[Challenge], options: Options) -> list[Challenge]:
    """Of these, the ones that know all suites and requirements that were asked for. Raises UsageError where none does."""
    found: list[Challenge] = []
    mistakes: dict[str, UsageError] = {}
    for loaded in challenges:
        try:
            wanted_requirements(loaded, options)
            found.append(loaded)
        except UsageError as error:
            mistakes[loaded.id] = error
    if not found:
        # The mistake to tell is that of the challenge which knows the names: one that is planned, say.
        named = [loaded for loaded in challenges if set(options.requirements) <= {each.id for each in loaded.requirements}]
        raise mistakes[(named or challenges)[0].id]
    return found


def evaluate(run: Run, options: Options, console: Console) -> dict[str, Any]:
    """Measures one, shows its progress and its table."""
    made = Evaluation(
        subject(run.prepared, run.challenge.id, run.entry).over(options.store), run.challenge, options, _siblings(run, options)
    )
    with Board(made, console) as board:
        result = made.run(board.update)
    console.print(terminal.table(result))
    console.print(Text(f"page: {made.folder.page}"), soft_wrap=True)
    return result


def measured_before(run: Run, options: Options) -> dict[str, Any] | None:
    """The whole result of exactly this tree, these suites and these settings, if there is one."""
    made = Evaluation(subject(run.prepared, run.challenge.id, run.entry).over(options.store), run.challenge, options)
    try:
        result = store.read_result(made.folder)
    except HarnessError:
        return None
    wanted = made.identity()
    same = {key: result["provenance"].get(key) for key in wanted} == wanted
    return result if same and not result["provenance"]["partial"] else None


def folder_of(run: Run, options: Options) -> EvaluationFolder:
    """The folder of an evaluation."""
    return evaluation(options.out, run.prepared.candidate.id, run.challenge.id, run.entry)


def page_of(run: Run, options: Options) -> Path:
    """Where the page of an evaluation lies."""
    return folder_of(run, options).page


def _siblings(run: Run, options: Options) -> list[tuple[str, str]]:
    here = page_of(run, options).parent
    others = [Run(run.prepared, run.challenge, name) for name in run.prepared.entries(run.challenge.id) if name != run.entry]
    return [(f"{run.challenge.id}, {other.entry}", os.path.relpath(page_of(other, options), here)) for other in others]
