"""Bringing a router back that does not answer: from the mildest step to the hardest."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.at.errors import AtTimeoutError, DeadPortError
from harness.at.session import AtSession
from harness.core.clock import Deadline
from harness.core.errors import HarnessError
from harness.port.errors import PortLostError
from harness.port.inbox import BytePort

_DTR_LOW_S: Final = 0.2
_SYNC_S: Final = 5.0
_RESET_ANSWER_S: Final = 2.0
_BOOT_S: Final = 60.0
_FAILURES: Final = (HarnessError, OSError)

Reacquire = Callable[[Deadline], Sequence[BytePort]]
Power = Callable[[Deadline], None]


class Rung(StrEnum):
    """Steps of the ladder, in their order."""

    DRAIN = "drain"
    REOPEN = "reopen"
    DTR = "dtr"
    RESET = "reset"
    POWER = "power"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryStep:
    """One step that was taken.

    Attributes:
        rung: Which one.
        start_ns: Monotonic time at its start, in nanoseconds.
        took_s: How long it took, in seconds.
        ok: Whether the router answered afterwards.
        detail: Why it did not; empty when it did.
    """

    rung: Rung
    start_ns: int
    took_s: float
    ok: bool
    detail: str


class Ladder:
    """The steps, and what they need from the bench.

    Args:
        session: The session of the router.
        reacquire: Finds the router's ports again after a re-enumeration; None when the bench
            cannot: then the same ports are opened again.
        power: Switches the router, or its USB port, off and on; None when the bench cannot.
        report: Is told each step that was taken.
    """

    def __init__(
        self,
        session: AtSession,
        *,
        reacquire: Reacquire | None = None,
        power: Power | None = None,
        report: Callable[[RecoveryStep], None] | None = None,
    ) -> None:
        self._session = session
        self._reacquire = reacquire
        self._power = power
        self._report = report

    def climb(self, deadline: Deadline) -> Rung:
        """Take one step after the other until the router answers; return the last one.

        Raises:
            DeadPortError: It does not answer after any of them; names them all.
        """
        steps: list[RecoveryStep] = []
        actions = {
            Rung.DRAIN: self._drain,
            Rung.REOPEN: self._reopen,
            Rung.DTR: self._dtr,
            Rung.RESET: self._reset,
            Rung.POWER: self._power_cycle,
        }
        for rung, action in actions.items():
            if rung is Rung.POWER and self._power is None:
                continue
            step = self._taken(rung, action, deadline)
            steps.append(step)
            if self._report is not None:
                self._report(step)
            if step.ok:
                return rung
            if deadline.passed:
                break
        tried = "; ".join(f"{step.rung}: {step.detail}" for step in steps)
        msg = f"the router does not answer after {deadline.waited_s:.1f} s of recovery: {tried}"
        raise DeadPortError(msg)

    def _taken(
        self, rung: Rung, action: Callable[[Deadline], str], deadline: Deadline
    ) -> RecoveryStep:
        clock = self._session.clock
        start = Deadline.after(0.0, clock)
        try:
            detail = action(deadline)
        except _FAILURES as exc:
            detail = str(exc)
        return RecoveryStep(
            rung=rung,
            start_ns=start.start_ns,
            took_s=start.waited_s,
            ok=not detail,
            detail=detail,
        )

    def _drain(self, deadline: Deadline) -> str:
        self._session.drain(deadline.within(_SYNC_S))
        return ""

    def _reopen(self, deadline: Deadline) -> str:
        self._bind(deadline.within(_SYNC_S))
        self._session.sync(deadline.within(_SYNC_S))
        return ""

    def _dtr(self, deadline: Deadline) -> str:
        if not self._session.ports[0].pulse_dtr(_DTR_LOW_S):
            return "the port has no modem lines"
        self._session.sync(deadline.within(_SYNC_S))
        return ""

    def _reset(self, deadline: Deadline) -> str:
        # It restarts without a word, or drops the port, or does not hear: the sync below tells.
        with contextlib.suppress(AtTimeoutError, PortLostError):
            self._session.reset(deadline.within(_RESET_ANSWER_S))
        self._bind(deadline.within(_BOOT_S))
        self._session.sync(deadline.within(_BOOT_S))
        return ""

    def _power_cycle(self, deadline: Deadline) -> str:
        if self._power is None:
            return "the bench cannot switch this router's power"
        self._power(deadline)
        self._bind(deadline.within(_BOOT_S))
        self._session.sync(deadline.within(_BOOT_S))
        return ""

    def _bind(self, deadline: Deadline) -> None:
        if self._reacquire is not None:
            self._session.close()  # only then does the kernel free the old numbers
            self._session.rebind(self._reacquire(deadline))
        else:
            self._session.rebind(self._session.ports)
