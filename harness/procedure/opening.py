"""Opens a router's AT ports under the names they have now."""

from __future__ import annotations

from typing import Final

from harness.at.errors import AtTimeoutError
from harness.at.model import Model
from harness.at.session import AtSession
from harness.core.clock import Clock, Deadline
from harness.lab.inventory import FoundRouter
from harness.port.serial_port import SerialPort
from harness.port.transcript import Transcript

_FIRST_AT_S: Final = 0.5


def open_session(
    found: FoundRouter, name: str, model: Model, *, transcript: Transcript | None, clock: Clock
) -> AtSession:
    """Open the AT ports of a router.

    Raises:
        BenchError: A port cannot be opened; the message says who holds it, or whose it is.
    """
    nodes = [found.at_node] + ([found.at_secondary_node] if found.at_secondary_node else [])
    ports = [
        SerialPort(node, name=f"{name}.{role}", transcript=transcript, clock=clock)
        for node, role in zip(nodes, ("at", "urc"), strict=False)
    ]
    return AtSession.open(ports, habits=model.habits, clock=clock)


def first_answer_ns(session: AtSession, deadline: Deadline) -> int:
    """Return when the router answered its first AT; a booting one may not hear the first.

    Raises:
        AtTimeoutError: It answered none.
    """
    while True:
        try:
            return session.execute("AT", deadline.within(_FIRST_AT_S)).done_ns
        except AtTimeoutError:
            if deadline.passed:
                raise
