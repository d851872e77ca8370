"""``harness.cloud.event_log``: a log that the access server hands out in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from harness.cloud.adapter import CloudAdapter
from harness.cloud.event_log import each_event, last_event
from harness.cloud.model import ServerEvent
from harness.core.clock import Deadline, FakeClock


class Paged:
    """An access server that hands out three events at most."""

    def __init__(self, count: int) -> None:
        self._log = [
            ServerEvent(seq=2 * n, utc_us=0, kind="login", imei=f"{n % 2}")
            for n in range(1, count + 1)
        ]

    def events(
        self, *, after: int, deadline: Deadline, imei: str | None = None
    ) -> Sequence[ServerEvent]:
        """Return the next page."""
        assert not deadline.passed
        return [e for e in self._log if e.seq > after and imei in {None, e.imei}][:3]


def of(count: int) -> tuple[CloudAdapter, Deadline]:
    """Return a server with so many events, and time enough."""
    return cast("CloudAdapter", Paged(count)), Deadline.after(5.0, FakeClock())


def test_the_end_of_a_log_of_several_pages_is_its_last_event() -> None:
    """And not the last one of its first page; others' events do not count."""

    def last(count: int) -> int:
        cloud, deadline = of(count)
        return last_event(cloud, "0", deadline)

    assert [last(count) for count in (0, 1, 6, 7, 8, 21)] == [0, 0, 12, 12, 16, 40]


def test_every_event_comes_once_and_in_order() -> None:
    """All of one router after a number, over pages."""
    cloud, deadline = of(20)

    found = [event.seq for event in each_event(cloud, after=6, deadline=deadline, imei="0")]

    assert found == [8, 12, 16, 20, 24, 28, 32, 36, 40]
