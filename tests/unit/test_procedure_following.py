"""``harness.procedure.following``: an event of the access server is waited for, none of before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from harness.cloud.model import ServerEvent
from harness.core.clock import Deadline, FakeClock
from harness.procedure.following import await_event, heard_so_far

RUN: Any = SimpleNamespace(clock=FakeClock())
NO_MILESTONES: Any = None


class Log:
    """What a watch hears of the access server: one event more each time it listens."""

    def __init__(self, *kinds: str) -> None:
        self._coming = [
            ServerEvent(seq=7 + n, utc_us=1000 * n, kind=kind) for n, kind in enumerate(kinds)
        ]
        self.events: list[ServerEvent] = []

    def hear_server(self, _milestones: object) -> None:
        """Hear the next event, if there is one."""
        self.events += self._coming[:1]
        del self._coming[:1]

    def happened_ns(self, event: ServerEvent) -> int:
        """Return when it happened."""
        return event.utc_us * 1000


def soon() -> Deadline:
    """Return a deadline on the run's clock."""
    return Deadline.after(5.0, RUN.clock)


def test_an_event_is_waited_for() -> None:
    """It comes with the third look."""
    log: Any = Log("login", "location", "selected")

    assert await_event(RUN, log, NO_MILESTONES, "selected", soon()) == 2_000_000


def test_what_happened_before_does_not_count() -> None:
    """A boot releases the SIM of before; the release that is waited for is another one."""
    log: Any = Log("released", "held", "suspended", "released")
    log.hear_server(NO_MILESTONES)

    before = heard_so_far(log, NO_MILESTONES)

    assert before == 8
    found = await_event(RUN, log, NO_MILESTONES, "released", soon(), after=before)
    assert found == 3_000_000


def test_an_event_that_does_not_come_ends_with_the_deadline() -> None:
    """Nothing is made up of the old one."""
    log: Any = Log("released")
    before = heard_so_far(log, NO_MILESTONES)

    assert await_event(RUN, log, NO_MILESTONES, "released", soon(), after=before) is None
    silent: Any = Log()
    assert heard_so_far(silent, NO_MILESTONES) == 0
