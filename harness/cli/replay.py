"""`harness replay FOLDER REQUIREMENT`: runs a witness again."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from harness.candidate.resolve import resolve
from harness.cli._frame import EXIT_DONE, EXIT_GATE, EXIT_OURS, command
from harness.errors import UsageError
from harness.evaluation import Evaluation, Options
from harness.judge.outcomes import Outcome
from harness.judge.requirements import load_challenge
from harness.judge.rows import row_of
from harness.paths import PROJECT_ROOT, challenges_root, scratch_prefix
from harness.preparation import prepare, subject
from harness.report.text import one_line
from harness.results import journal, store
from harness.results.layout import EvaluationFolder
from harness.runtime.cell import Cell
from harness.scale.local import run_cells

LINE = 1000


@command
def replay(
    folder: Annotated[
        Path, typer.Argument(help="the folder of an evaluation: OUT/<candidate>/<challenge>, or its result.json")
    ],
    requirement: Annotated[str, typer.Argument(help="the requirement whose witness is to be run again")],
    sandbox: Annotated[str | None, typer.Option(help="auto, bwrap or none; the one of the evaluation if not given")] = None,
) -> int:
    """Run a failing requirement's witness again, alone, and say whether it shows the same."""
    where = EvaluationFolder(folder.parent if folder.name == "result.json" else folder)
    result = store.read_result(where)
    row = _row(result, requirement)
    if row["witness"].get("build"):
        return _replay_build(where, sandbox)
    options, cell = _prepared(where, result, row, sandbox)
    print(f"{requirement} of {result['candidate']['id']}, seed {options.seed}, profile {options.profile}")
    print(one_line(f"recorded: {row['outcome']}: {row['summary']}", LINE))
    ends = run_cells([cell], options.out / "cells", 1, lambda running, ended: None)
    findings = journal.findings(Path(cell.journal), {cell.key}).get(requirement, [])
    if not findings:
        print(
            one_line("replayed: nothing was found; the worker said: " + ends[0].log.read_text("utf-8", "replace")[-400:], LINE)
        )
        return EXIT_OURS
    spec = next(r for r in load_challenge(challenges_root(), cell.challenge).requirements if r.id == requirement)
    again = row_of(spec, findings)
    print(one_line(f"replayed: {again.outcome.value}: {again.summary}", LINE))
    if again.witness is not None:
        print(json.dumps(again.witness, indent=2, ensure_ascii=True))
    same = again.outcome.value == row["outcome"]
    print("the witness is reproduced" if same else "the witness is NOT reproduced")
    return EXIT_DONE if same else EXIT_OURS if again.outcome is Outcome.INFRA_ERROR else EXIT_GATE


def _replay_build(where: EvaluationFolder, sandbox: str | None) -> int:
    origin = _origin(where)
    problem = prepare(resolve(origin["candidate"], root=PROJECT_ROOT), sandbox or origin["sandbox"]).problem
    print(one_line(f"replayed: {problem}", LINE) if problem else "it builds now")
    print("the witness is reproduced" if problem else "the witness is NOT reproduced")
    return EXIT_DONE if problem else EXIT_GATE


def _origin(where: EvaluationFolder) -> dict[str, str]:
    if not where.origin.exists():
        raise UsageError(f"{where.origin} is missing, which names the candidate to replay; evaluate again to renew it")
    return msgspec.json.decode(where.origin.read_bytes(), type=dict[str, str])


def _row(result: dict[str, Any], requirement: str) -> dict[str, Any]:
    rows = {row["id"]: row for row in result["requirements"]}
    if requirement not in rows:
        raise UsageError(f"the result holds no requirement {requirement!r}; it has {', '.join(rows)}")
    if rows[requirement]["witness"] is None:
        failing = [name for name, row in rows.items() if row["witness"] is not None]
        raise UsageError(
            f"{requirement} has no witness (its outcome is {rows[requirement]['outcome']}); witnesses: {', '.join(failing) or 'none'}"
        )
    row: dict[str, Any] = rows[requirement]
    return row


def _prepared(
    where: EvaluationFolder, result: dict[str, Any], row: dict[str, Any], sandbox: str | None
) -> tuple[Options, Cell]:
    origin = _origin(where)
    provenance = result["provenance"]
    scratch = Path(tempfile.mkdtemp(prefix=scratch_prefix("replay")))
    options = Options(
        provenance["profile"], provenance["seed"], 1, sandbox or origin["sandbox"], provenance["time"], out=scratch
    )
    prepared = prepare(resolve(origin["candidate"], root=PROJECT_ROOT), options.sandbox)
    if prepared.checkout.tree_digest != provenance["tree_digest"]:
        raise UsageError(f"{origin['candidate']} is another tree by now than the one that was measured; evaluate it again")
    if prepared.tree is None:
        raise UsageError(f"the candidate does not build: {prepared.problem}")
    challenge = load_challenge(challenges_root(), result["challenge"]["id"])
    evaluation = Evaluation(subject(prepared, challenge.id, result["entry"]).over(provenance.get("store")), challenge, options)
    if evaluation.suite_digest != provenance["suite_digest"]:
        print("note: the suites have changed since this was measured")
    spec = next(r for r in challenge.requirements if r.id == row["id"])
    program = evaluation.subject.program
    if program is None or spec.suite is None:
        raise UsageError(f"{row['id']} has no suite any more")
    return options, evaluation.cell(program, spec.suite, [spec], replay=row["witness"])
