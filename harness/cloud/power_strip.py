"""A switched power strip that speaks the Shelly Gen1 HTTP API (`/relay/N?turn=on|off`)."""

from __future__ import annotations

from harness.cloud.service import Service
from harness.core.clock import Deadline
from harness.core.errors import BenchError


class PowerStrip:
    """Outlets that can be switched; a strip says what an outlet is, not what the router is."""

    switches_cards = True

    def __init__(self, service: Service) -> None:
        self._service = service

    def is_on(self, relay: int, deadline: Deadline) -> bool:
        """Return whether the strip says that the outlet is on.

        Raises:
            BenchError: The answer is not the strip's.
        """
        return self._state(f"/relay/{relay}", deadline)

    def switch(self, relay: int, *, on: bool, deadline: Deadline) -> None:
        """Switch an outlet and read back that the strip took it.

        Raises:
            BenchError: The strip does not answer as one, or says that it did not switch.
        """
        wanted = "on" if on else "off"
        if self._state(f"/relay/{relay}?turn={wanted}", deadline) != on:
            msg = f"outlet {relay} of the power strip does not switch {wanted}; look at it"
            raise BenchError(msg)

    def insert_card(self, relay: int, *, inserted: bool, deadline: Deadline) -> None:
        """Put the card into the slot of the router at an outlet, or pull it (a SIM switch box).

        Raises:
            BenchError: Nothing there switches cards, or it did not.
        """
        wanted = "in" if inserted else "out"
        answer = self._service.call("GET", f"/card/{relay}?turn={wanted}", deadline=deadline)
        state = answer.get("inserted") if isinstance(answer, dict) else None
        if state != inserted:
            msg = f"the card switch of outlet {relay} does not go {wanted}: {answer!r}"
            raise BenchError(msg)

    def _state(self, path: str, deadline: Deadline) -> bool:
        answer = self._service.call("GET", path, deadline=deadline)
        state = answer.get("ison") if isinstance(answer, dict) else None
        if not isinstance(state, bool):
            msg = f"{self._service.url} does not answer like a Shelly power strip: {answer!r}"
            raise BenchError(msg)
        return state
