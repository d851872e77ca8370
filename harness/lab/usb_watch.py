"""`harness watch`: plug and unplug as they happen, a line each."""

from __future__ import annotations

from collections.abc import Callable

from harness.core.clock import Deadline
from harness.lab.description import Function
from harness.lab.source import DeviceSource
from harness.lab.usb_list import changes, describe_change


def watch(source: DeviceSource, tell: Callable[[str], None], deadline: Deadline) -> None:
    """Tell what is there, then each change, until the deadline.

    A device that goes and comes between two looks is told as gone and come only when it has come
    under other names; the record has generations for the rest.

    Args:
        source: What is plugged in.
        tell: Takes a line.
        deadline: When to stop.
    """
    known: tuple[Function, ...] = ()
    while True:

        def changed(
            functions: tuple[Function, ...], before: tuple[Function, ...] = known
        ) -> tuple[Function, ...] | None:
            return functions if functions != before else None

        now = source.wait(changed, deadline)
        if now is None:
            return
        for action, function in changes(known, now):
            tell(describe_change(action, function))
        known = now
