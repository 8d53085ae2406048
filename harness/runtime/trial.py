"""What a suite is given: fresh candidate processes, a seed, and a place to put credit, evidence and findings."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from harness.errors import (
    CandidateBrokeProtocol,
    CandidateFailure,
    NotOffered,
    RpcError,
    Undecided,
    Violation,
)
from harness.judge.outcomes import Finding, Outcome
from harness.paths import scratch_prefix
from harness.runtime.cell import Cell
from harness.runtime.clock import ClockPage, shim_path, shim_unavailable
from harness.runtime.process import Process
from harness.runtime.sandbox import Mount, choose
from harness.runtime.stores import Store, open_store
from harness.runtime.wiring import SOCKETS_INSIDE, Wirer, Wiring

__all__ = ["NotOffered", "Trial", "Undecided", "Violation"]

T = TypeVar("T")
MAJORITY_OF_FIVE = 0.6
PROBE_SHIFT_MS = 7_200_000
PROBE_SLACK_MS = 250
MAX_EVIDENCE = 12
MAX_SUMMARY = 2000
STORE_INSIDE = SOCKETS_INSIDE


def derive_seed(seed: int, name: str) -> int:
    """A 53-bit seed from a seed and a name; different names are independent."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 11


@dataclass(slots=True)
class _Note:
    credit: float = 1.0
    summary: str = ""


class Trial:
    """One test's view of the candidate. `close` ends every process that it started.

    `started` is when the requirement's first test began (monotonic seconds): its tests share one time budget.
    """

    def __init__(self, cell: Cell, test: str, requirement: str, started: float | None = None) -> None:
        self.cell = cell
        self.test = test
        self.requirement = requirement
        self.seed = cell.seed
        self.profile = cell.profile
        self.parts: list[Finding] = []
        self.evidences: list[dict[str, Any]] = []
        self._figures: dict[str, float] = {}
        self._note = _Note()
        self._began = time.monotonic()
        self._started = self._began if started is None else started
        self._resources = ExitStack()
        self._incarnations: dict[str, int] = {}
        self._wirer: Wirer | None = None

    # -- choices -------------------------------------------------------------------------------------------------------------

    @property
    def quick(self) -> bool:
        """Whether the quick profile is in force."""
        return self.profile == "quick"

    def rng(self, name: str) -> np.random.Generator:
        """A random generator of its own for each name."""
        return np.random.default_rng(derive_seed(self.seed, name))

    @property
    def replaying(self) -> bool:
        """Whether this run replays a witness."""
        return self.cell.replay is not None

    def cases(self, items: Sequence[T], key: Callable[[T], str] = str) -> list[T]:
        """All items, or on a replay those that the witness names."""
        wanted = (self.cell.replay or {}).get("cases")
        if not wanted:
            return list(items)
        chosen = [item for item in items if key(item) in wanted]
        return chosen or list(items)

    def fails(self, wrong: int, of: int) -> bool:
        """Whether `wrong` of `of` cases decide for `fail`: 3 or more of 5, any one on a replay."""
        return wrong > 0 and (self.replaying or wrong >= MAJORITY_OF_FIVE * of)

    def over_budget(self) -> bool:
        """Whether the requirement's time is used up."""
        return time.monotonic() - self._started > self.cell.budgets_s.get(self.requirement, float("inf"))

    # -- the candidate ---------------------------------------------------------------------------------------------------------

    @property
    def clock_is_virtual(self) -> bool:
        """Whether the candidate takes its time from `now_ms` alone."""
        return self.cell.program.clock == "virtual"

    @property
    def native(self) -> bool:
        """Whether the candidate was written for the protocol, so that bad lines are its own affair."""
        return self.cell.program.native

    def start(
        self,
        node_id: str = "p0",
        *,
        wall_ms: float,
        config: dict[str, Any] | None = None,
        peers: Sequence[str] = (),
    ) -> Process:
        """A fresh, sandboxed, initialized process whose wall clock has read `wall_ms` from the first.

        Where its manifest asks for a store it gets one of this trial's own, with nothing in between.
        Raises CandidateFailure if it does not start or breaks the protocol, Undecided if its clock cannot be moved.
        """
        store = self.open_store() if self.cell.program.store != "none" else None
        wiring = None if store is None else self.wirer.wire(store)
        process = self.spawn(node_id, wall_ms=wall_ms, wiring=wiring)
        said_ms = wall_ms if self.clock_is_virtual else wall_ms + PROBE_SHIFT_MS
        before_ms = process.wall_ms()
        told = None if wiring is None else self.store_params(wiring.url)
        result = process.initialize(self.introduction(node_id, config=config, peers=peers, store=told), now_ms=said_ms)
        if not self.clock_is_virtual:
            check_probe(float(result["now_ms"]), said_ms, before_ms, process.wall_ms())
        return process

    def introduction(
        self,
        node_id: str,
        *,
        config: dict[str, Any] | None = None,
        peers: Sequence[str] = (),
        store: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The params of `initialize`, but for `protocol` and `now_ms`."""
        return {
            "challenge": self.cell.challenge,
            "node": {"id": node_id, "peers": list(peers)},
            "clock": self.cell.program.clock,
            # Nothing of the run's own seed goes in: small seeds are guessed, and then all traffic is known.
            "seed": derive_seed(0, f"{self.cell.tree_digest}/{self.test}/{node_id}"),
            "config": self.cell.config if config is None else config,
            "store": store,
        }

    def spawn(
        self,
        node_id: str = "p0",
        *,
        wall_ms: float,
        mounts: Mapping[str, Mount] | None = None,
        wiring: Wiring | None = None,
    ) -> Process:
        """A fresh process that has been sent nothing yet; `mounts` come beside its own, `wiring` is its way to a store."""
        folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix=scratch_prefix("run"))))
        env, clock_mounts, page = self._clock(folder, wall_ms)
        more = clock_mounts | dict(mounts or {})
        before: tuple[str, ...] = ()
        if wiring is not None:
            preload = [*filter(None, [env.get("LD_PRELOAD")]), *wiring.preload]
            env = env | wiring.env | ({"LD_PRELOAD": ":".join(preload)} if preload else {})
            more, before = more | wiring.mounts, wiring.before
        launch = self.cell.program.launch(env=env, mounts=more, before=before)
        number = self._incarnations.get(node_id, 0)
        self._incarnations[node_id] = number + 1
        process = Process(choose(self.cell.sandbox).spawn(launch), page, node_id=node_id, incarnation=number)
        self._resources.callback(process.close)
        return process

    # -- its store -------------------------------------------------------------------------------------------------------------

    def open_store(self, *, durable: bool = False) -> Store:
        """A fresh store of the kind that the manifest asks for; it ends with the trial. Raises InfraError."""
        return self._resources.enter_context(open_store(self.cell.program.store, durable=durable, sandbox=self.cell.sandbox))

    @property
    def wirer(self) -> Wirer:
        """What says how processes reach a store."""
        if self._wirer is None:
            self._wirer = Wirer(choose(self.cell.sandbox), tcp=self.cell.program.store_tcp)
            self._resources.callback(self._wirer.close)
        return self._wirer

    def store_mount(self, folder: Path) -> Mount:
        """How a process finds the sockets in `folder`."""
        return Mount(folder, STORE_INSIDE)

    def store_params(self, url: str) -> dict[str, Any]:
        """What `initialize` says of the store."""
        return {"kind": self.cell.program.store, "url": url, "prefix": f"h{derive_seed(0, self.cell.tree_digest) % 10**6}_"}

    def inside(self, mount: Mount) -> str:
        """The path at which a process finds a mount, under the sandbox in force."""
        return choose(self.cell.sandbox).inside(mount)

    def on_close(self, undo: Callable[[], object]) -> None:
        """Calls `undo` when the trial ends, before what was begun earlier is ended."""
        self._resources.callback(undo)

    def _clock(self, folder: Path, wall_ms: float) -> tuple[dict[str, str], dict[str, Mount], ClockPage | None]:
        if self.clock_is_virtual:
            return {}, {}, None
        if (why_not := shim_unavailable()) is not None:
            raise Undecided(f"the candidate reads its wall clock, which cannot be moved here: {why_not}")
        page = ClockPage(folder / "clock")
        page.hold_ms(wall_ms)
        mounts = {"clock": Mount(folder / "clock", "/clock"), "shim": Mount(shim_path().parent, "/shim")}
        return {"LD_PRELOAD": "{shim}/clockshim.so", "HARNESS_CLOCK_PAGE": "{clock}/offset"}, mounts, page

    def close(self) -> None:
        """Ends every process of this trial."""
        self._resources.close()

    # -- findings --------------------------------------------------------------------------------------------------------------

    def credit(self, value: float) -> None:
        """Credit of a pass, 0 to 1."""
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"credit lies in 0..1; it was {value!r}")
        self._note.credit = value

    def summary(self, text: str) -> None:
        """One sentence for the scorecard, used when the test passes."""
        self._note.summary = text

    def evidence(self, item: dict[str, Any]) -> None:
        """Something to show beside the outcome (see `harness.report.evidence` for the kinds)."""
        if len(self.evidences) < MAX_EVIDENCE:
            self.evidences.append(item)

    def figure(self, name: str, value: float) -> None:
        """A number measured on the way, to be found in the finding by that name."""
        self._figures[name] = value

    @contextmanager
    def part(self, name: str, severity: str) -> Iterator[_Note]:
        """A part of the requirement with a severity of its own; what is raised inside decides that part alone."""
        started = time.monotonic()
        note, outer = _Note(), self._note
        self._note = note
        try:
            yield note
            finding = self._finding(Outcome.PASS, note.summary, credit=note.credit)
        except Exception as error:  # noqa: BLE001 - every kind is sorted into an outcome, none is lost
            finding = self.finding_of(error)
        finally:
            self._note = outer
        seconds = time.monotonic() - started
        self.parts.append(_replace(finding, part=name, severity=severity, seconds=seconds))

    def finding_of(self, error: BaseException | None) -> Finding:
        """The finding that an exception, or its absence, stands for."""
        match error:
            case None:
                return self._finding(Outcome.PASS, self._note.summary, credit=self._note.credit)
            case Violation():
                return self._finding(Outcome.FAIL, str(error), credit=error.credit, witness={**self._stamp(), **error.witness})
            case AssertionError():
                text = str(error).strip() or "an assertion of the suite did not hold"
                return self._finding(Outcome.FAIL, text[:500], witness={**self._stamp(), "assertion": text[:2000]})
            case CandidateFailure():
                witness = {
                    **self._stamp(),
                    "error": type(error).__name__,
                    "request": error.request,
                    "stderr": error.stderr_tail[-1500:],
                }
                return self._finding(Outcome.CANDIDATE_ERROR, str(error), witness=witness)
            case RpcError():
                witness = {
                    **self._stamp(),
                    "error": "RpcError",
                    "code": error.code,
                    "data": str(error.data)[:1500],
                }
                return self._finding(Outcome.CANDIDATE_ERROR, str(error), witness=witness)
            case Undecided():
                return self._finding(Outcome.INCONCLUSIVE, str(error))
            case NotOffered():
                return self._finding(Outcome.NOT_OFFERED, str(error))
        return self._finding(Outcome.INFRA_ERROR, f"the harness failed: {type(error).__name__}: {str(error)[:300]}")

    def _stamp(self) -> dict[str, Any]:
        return {"seed": self.seed, "profile": self.profile, "test": self.test}

    def _finding(
        self, outcome: Outcome, summary: str, *, credit: float = 0.0, witness: dict[str, Any] | None = None
    ) -> Finding:
        seconds = time.monotonic() - self._began
        evidence = tuple(self.evidences)
        return Finding(
            self.requirement,
            outcome,
            summary[:MAX_SUMMARY],
            credit,
            witness=witness,
            evidence=evidence,
            seconds=seconds,
            test=self.test,
            figures=dict(self._figures),
        )


def _replace(finding: Finding, *, part: str, severity: str, seconds: float) -> Finding:
    f = finding
    return Finding(f.requirement, f.outcome, f.summary, f.credit, severity, part, f.witness, (), seconds, f.test)


def check_probe(answered_ms: float, said_ms: float, before_ms: float, after_ms: float) -> None:
    """Whether the process's own clock stands where it was put. Raises CandidateBrokeProtocol for an echo, Undecided otherwise."""
    if before_ms - PROBE_SLACK_MS <= answered_ms <= after_ms + PROBE_SLACK_MS:
        return
    if abs(answered_ms - said_ms) <= PROBE_SLACK_MS:
        raise CandidateBrokeProtocol(
            "the result of 'initialize' repeats the request's now_ms: 'now_ms' there must be the process's own system clock"
        )
    real_ms = time.time() * 1000
    if abs(answered_ms - real_ms) <= PROBE_SLACK_MS + (after_ms - before_ms):
        raise Undecided("the injected clock did not take: the process reads the real time (a static binary ignores the shim)")
    raise CandidateBrokeProtocol(
        f"the result of 'initialize' says now_ms {answered_ms:.0f}: neither the clock that was set ({before_ms:.0f}) nor the real time"
    )
