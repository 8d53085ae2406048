"""The plain deduplicator over Valkey, which also answers `update` to what is worse than all before in its window."""

from __future__ import annotations

from challenges.alert_dedup.specimens._base import Alert, Params, ValkeyDedup

RANKS = ("low", "medium", "high", "critical")


class Worst(ValkeyDedup):
    """Beside each window a key for the worst severity, which expires with it."""

    retention_ms = 6_000

    def decide(self, alert: Alert, params: Params) -> str:
        answer = super().decide(alert, params)
        rank, worst = RANKS.index(params["alert"].get("severity", "low")), f"{self.prefix}worst:{alert.fingerprint}"
        if answer == "emit":
            self.store.set(worst, rank, px=self.window_ms)
        elif answer == "suppress" and rank > int(self.store.get(worst) or 0):
            self.escalate(worst, rank)
            return "update"
        return answer

    def escalate(self, worst: str, rank: int) -> None:
        self.store.set(worst, rank, xx=True, keepttl=True)
