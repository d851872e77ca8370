"""Unsolicited result codes with their times of arrival, and who waits for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from harness.at.errors import AtTimeoutError
from harness.core.clock import Deadline

URCS_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Urc:
    """One unsolicited result code.

    Attributes:
        t_ns: Monotonic time of arrival, in nanoseconds.
        line: The line without its terminator.
        port: Name of the port it came from.
    """

    t_ns: int
    line: str
    port: str


class Pump(Protocol):
    """Lets a session take in what arrives."""

    def __call__(self, done: Callable[[], bool], deadline: Deadline) -> bool:
        """Take in arrivals until `done()` or until `deadline`; return `done()`."""
        ...


class Subscription:
    """URCs of some names, kept from the moment of subscribing; the oldest go when it is full.

    Iterating gives what came and has not been taken yet, and does not wait.
    """

    def __init__(self, prefixes: tuple[str, ...], pump: Pump) -> None:
        self.prefixes = prefixes
        self._pump = pump
        self._urcs: deque[Urc] = deque(maxlen=URCS_KEPT)
        self._lost = 0

    @property
    def lost(self) -> int:
        """How many URCs were dropped because nobody took them."""
        return self._lost

    def offer(self, urc: Urc) -> None:
        """Keep `urc` if it is subscribed to."""
        if not self.prefixes or urc.line.startswith(self.prefixes):
            self._lost += len(self._urcs) == URCS_KEPT
            self._urcs.append(urc)

    def __iter__(self) -> Iterator[Urc]:
        while self._urcs:
            yield self._urcs.popleft()

    def wait_for(self, predicate: Callable[[Urc], bool] | None, deadline: Deadline) -> Urc:
        """Take the first URC that `predicate` accepts (None: any); earlier ones are taken, too.

        Raises:
            AtTimeoutError: None came until `deadline`; says what came instead.
            PortLostError: The port went away meanwhile.
        """
        found: list[Urc] = []
        seen: deque[str] = deque(maxlen=5)

        def done() -> bool:
            while self._urcs and not found:
                urc = self._urcs.popleft()
                seen.append(urc.line)
                if predicate is None or predicate(urc):
                    found.append(urc)
            return bool(found)

        if self._pump(done, deadline):
            return found[0]
        wanted = " or ".join(self.prefixes) or "any URC"
        msg = (
            f"no {wanted} as wanted after {deadline.waited_s:.1f} s; "
            f"received {list(seen)!r} instead"
        )
        raise AtTimeoutError(msg, waited_s=deadline.waited_s, got="\n".join(seen).encode("latin-1"))
