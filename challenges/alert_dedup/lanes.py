"""Cases in real time side by side: what takes long is waiting, so several fields wait at once.

Each lane is a field of its own (processors, proxies, a store) and a thread of its own; nothing is shared between two.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from challenges.alert_dedup.field import Field
from challenges.alert_dedup.judging import Case, Judgement, Played, placed, play
from harness.errors import CandidateFailure, RpcError
from harness.runtime.trial import Trial, Undecided

LANES = 4
Result = Played | Exception


def play_side_by_side(trial: Trial, fields: Sequence[Field], cases: Sequence[Case]) -> list[Result]:
    """What each case came to: a run, or what was raised. The fields are closed when this returns."""
    todo = deque(enumerate(cases))
    results: dict[int, Result] = {}
    stopped = threading.Event()

    def lane(field: Field) -> None:
        # Processes die with the thread that started them, so the lane ends its own.
        with field:
            while not stopped.is_set():
                try:
                    number, case = todo.popleft()
                except IndexError:
                    return
                results[number] = _one(trial, field, case)

    threads = [threading.Thread(target=lane, args=(field,), name=f"lane {at}", daemon=True) for at, field in enumerate(fields)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stopped.set()
    left = RuntimeError("a lane ended before its time")
    return [results.get(number, left) for number in range(len(cases))]


def _one(trial: Trial, field: Field, case: Case) -> Result:
    if trial.over_budget():
        return Undecided(f"its time was over before the case {case.name!r}")
    try:
        return play(field, case)
    except CandidateFailure as error:
        return placed(error, case)
    except Exception as error:  # noqa: BLE001 - sorted by `gather`, in the order of the cases
        return error


def gather(requirements: Sequence[str], cases: Sequence[Case], results: Sequence[Result]) -> Judgement:
    """All runs as one judgement. A broken rule outranks a candidate that failed in another case, and that whatever else was raised.

    Raises what outranks the rest where nothing is broken, Undecided where a fault is not proven.
    """
    judgement = Judgement(tuple(requirements))
    for result in results:
        if isinstance(result, Played):
            judgement.played.append(result)
            judgement.charge(result)
    if judgement.charged:
        return judgement
    errors = [result for result in results if isinstance(result, Exception)]
    own = [error for error in errors if isinstance(error, CandidateFailure | RpcError)]
    if errors:
        raise (own or errors)[0]
    for case, result in zip(cases, results, strict=True):
        if isinstance(result, Played) and (missing := result.unproven(case)) > 0:
            raise Undecided(f"{missing} of {case.faults} faults of the case {case.name!r} are not proven to have happened")
    return judgement
