"""Was everything well all along? What `segue up --for` answers with its exit code."""

from __future__ import annotations

from collections.abc import Sequence

from infra.local.api_probe import ApiProbe, ApiUnavailable
from infra.local.supervision import ProcessStatus

RUNNING = "RUNNING"
MEND = "see its log in the state directory's `logs` folder"


class HealthWatch:
    """Collects reasons why the stack was not healthy; each is told once."""

    def __init__(self, names: Sequence[str], api: ApiProbe, *, must_recommend: bool) -> None:
        self._names = names
        self._api = api
        self._must_recommend = must_recommend
        self._answered = False
        self.reasons: list[str] = []

    def look(self, processes: Sequence[ProcessStatus]) -> None:
        """One look at the processes and at the API's `/readyz`."""
        for process in processes:
            if process.name not in self._names:
                continue
            if process.restarts:
                self._add(f"{process.name} ended by itself and was restarted: {MEND}")
            if process.state != RUNNING:
                self._add(f"{process.name} was {process.state.lower()}: {MEND}")
        self._look_at_api()

    def conclude(self) -> list[str]:
        """All reasons; empty if everything was well."""
        if not self._answered:
            self._add("the API never answered /readyz")
        return self.reasons

    def _look_at_api(self) -> None:
        try:
            readiness = self._api.readiness()
        except ApiUnavailable as error:
            if self._answered:
                self._add(str(error))
            return
        if readiness.ready or not self._must_recommend:
            self._answered = True
        elif self._answered:
            self._add("the API stopped being ready")

    def _add(self, reason: str) -> None:
        if reason not in self.reasons:
            self.reasons.append(reason)
