"""Where descriptions of plugged-in functions come from, and waiting for them to change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from harness.core.clock import Deadline
from harness.lab.description import Function

T = TypeVar("T")


class DeviceSource(Protocol):
    """Something that knows what is plugged in now."""

    def functions(self) -> tuple[Function, ...]:
        """Return every function that is there now."""
        ...

    def wait(
        self, found: Callable[[tuple[Function, ...]], T | None], deadline: Deadline
    ) -> T | None:
        """Wait until `found` makes something of what is plugged in; None when time is over."""
        ...


class Plugged:
    """A set of functions that a thread changes and others wait on."""

    def __init__(self, functions: tuple[Function, ...] = ()) -> None:
        self._functions = list(functions)
        self._changed = threading.Condition()

    def functions(self) -> tuple[Function, ...]:
        """Return every function that is there now."""
        with self._changed:
            return tuple(self._functions)

    def add(self, function: Function) -> None:
        """Note that a function has come."""
        with self._changed:
            self._functions.append(function)
            self._changed.notify_all()

    def remove(self, function: Function) -> None:
        """Note that a function has gone; one that was not there is left alone."""
        with self._changed:
            if function in self._functions:
                self._functions.remove(function)
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
