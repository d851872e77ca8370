"""The access server's log, whole: a server hands a long one out in pages of its own choice."""

from __future__ import annotations

from collections.abc import Iterator

from harness.cloud.adapter import CloudAdapter
from harness.cloud.model import ServerEvent
from harness.core.clock import Deadline


def each_event(
    cloud: CloudAdapter, *, after: int, deadline: Deadline, imei: str | None = None
) -> Iterator[ServerEvent]:
    """Yield every event after number `after`, oldest first, page by page.

    Raises:
        CloudError: The server does not tell.
    """
    while page := cloud.events(after=after, imei=imei, deadline=deadline):
        yield from page
        after = max(event.seq for event in page)


def last_event(cloud: CloudAdapter, imei: str, deadline: Deadline) -> int:
    """Return the number of the newest event of one router; 0 when there is none.

    Raises:
        CloudError: The server does not tell.
    """
    log = each_event(cloud, after=0, imei=imei, deadline=deadline)
    return max((event.seq for event in log), default=0)
