"""Where descriptions of plugged-in functions come from, and waiting for them to change."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from harness.core.clock import Clock, Deadline, SystemClock
from harness.lab.description import Function

T = TypeVar("T")

_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A function that came or went.

    Attributes:
        t_ns: When it was noticed, in monotonic nanoseconds.
        action: `add` or `remove`.
        function: The function.
    """

    t_ns: int
    action: str
    function: Function


class Changes:
    """What came and went, the newest ten thousand; for the record of a case."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._kept: deque[Change] = deque(maxlen=_REMEMBERED)

    def note(self, happened: Iterable[tuple[str, Function]]) -> None:
        """Remember what happened now, as (action, function)."""
        t_ns = self._clock.monotonic_ns()
        self._kept += [Change(t_ns=t_ns, action=action, function=f) for action, f in happened]

    def since(self, t_ns: int) -> tuple[Change, ...]:
        """Return what happened from a moment on, oldest first."""
        return tuple(change for change in list(self._kept) if change.t_ns >= t_ns)


class DeviceSource(Protocol):
    """Something that knows what is plugged in now."""

    def functions(self) -> tuple[Function, ...]:
        """Return every function that is there now."""
        ...

    def generation(self, usb_path: str) -> int:
        """Return how often a device has appeared at a path since this source was opened."""
        ...

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Wait until `found` makes something of what is plugged in; None when time is over."""
        ...

    def changes(self, since_ns: int) -> tuple[Change, ...]:
        """Return what came and went since a moment of the monotonic clock, oldest first."""
        ...


class Plugged:
    """A set of functions that a thread changes and others wait on."""

    def __init__(self, functions: tuple[Function, ...] = (), clock: Clock | None = None) -> None:
        self._functions = list(functions)
        self._appeared = Counter(f.usb_path for f in functions if f.subsystem == "usb")
        self._changes = Changes(clock)
        self._changed = threading.Condition()

    def functions(self) -> tuple[Function, ...]:
        """Return every function that is there now."""
        with self._changed:
            return tuple(self._functions)

    def generation(self, usb_path: str) -> int:
        """Return how often a device has appeared at a path since this source was opened."""
        with self._changed:
            return self._appeared[usb_path]

    def add(self, function: Function) -> None:
        """Note that a function has come."""
        with self._changed:
            self._functions.append(function)
            if function.subsystem == "usb":
                self._appeared[function.usb_path] += 1
            self._changes.note([("add", function)])
            self._changed.notify_all()

    def remove(self, function: Function) -> None:
        """Note that a function has gone; one that was not there is left alone."""
        with self._changed:
            if function in self._functions:
                self._functions.remove(function)
                self._changes.note([("remove", function)])
            self._changed.notify_all()

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Wait until `found` makes something of what is plugged in; None when time is over."""
        with self._changed:
            while True:
                result = found(tuple(self._functions))
                if result is not None or deadline.passed:
                    return result
                self._changed.wait(deadline.left_s)

    def changes(self, since_ns: int) -> tuple[Change, ...]:
        """Return what came and went since a moment of the monotonic clock, oldest first."""
        with self._changed:
            return self._changes.since(since_ns)
