"""What a load generator has seen of one stretch of requests: plain arrays, and what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.measure.statistics import Floats, Ints

ANSWERED, REFUSED, UNANSWERED, UNSENT = range(4)
FATES = ("answered", "refused", "unanswered", "unsent")
Fates = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sample:
    """Requests in the order of the plan; times in ns since the stretch began, shape (n,), -1 for what did not happen.

    `fate` says for each whether it was answered, refused with an error, not answered within the stretch and its grace, or not
    even sent by then, because the candidate was still at earlier ones. `pipelined`: sent without waiting for earlier replies.
    `refusal` is what the first refused one was told, '' if none was.
    """

    due_ns: Ints
    sent_ns: Ints
    replied_ns: Ints
    fate: Fates
    pipelined: bool = False
    refusal: str = ""

    def __len__(self) -> int:
        return len(self.due_ns)

    @property
    def latency_ms(self) -> Floats:
        """From the intended start to the reply; infinite for what was dropped, whatever the cause."""
        return np.where(self.fate == ANSWERED, (self.replied_ns - self.due_ns) / 1e6, np.inf)

    @property
    def from_send_ms(self) -> Floats:
        """From the actual send to the reply, of those answered: what a generator that waits for its turn would report."""
        answered = self.fate == ANSWERED
        return np.asarray((self.replied_ns[answered] - self.sent_ns[answered]) / 1e6)

    @property
    def sender_lag_ms(self) -> Floats:
        """What the sender itself lost, of those sent: send - max(intended start, previous reply)."""
        free_ns = self.due_ns.copy()
        if not self.pipelined and len(free_ns):
            free_ns[1:] = np.maximum(free_ns[1:], self.replied_ns[:-1])
        sent = self.fate != UNSENT
        return np.asarray((self.sent_ns[sent] - free_ns[sent]) / 1e6)

    def dropped(self) -> dict[str, int]:
        """How many were dropped, by cause."""
        return {name: int((self.fate == number).sum()) for number, name in enumerate(FATES) if number != ANSWERED}

    def keep(self, mask: npt.NDArray[np.bool_]) -> Sample:
        """Those of the mask. The sender's lag is then no longer to be asked for: its predecessors may be missing."""
        return Sample(
            self.due_ns[mask], self.sent_ns[mask], self.replied_ns[mask], self.fate[mask], self.pipelined, self.refusal
        )

    def after(self, count: int) -> Sample:
        """Without the first `count`: the warm-up."""
        return self.keep(np.arange(len(self)) >= count)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Name -> array, for keeping."""
        return {"due_ns": self.due_ns, "sent_ns": self.sent_ns, "replied_ns": self.replied_ns, "fate": self.fate}


def joined(samples: Sequence[Sample]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of several stretches as one, with `round` beside them."""
    arrays = {name: np.concatenate([sample.arrays()[name] for sample in samples]) for name in samples[0].arrays()}
    return arrays | {"round": np.repeat(np.arange(len(samples), dtype=np.int16), [len(sample) for sample in samples])}
