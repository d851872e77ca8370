"""The access server of a bench that has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from harness.cloud.model import RouterState, ServerEvent, Sim, SimState, SpeedRule
from harness.core.clock import Deadline
from harness.core.errors import CloudError
from harness.core.party import Party

_REMEDY: Final = (
    "lab.toml names no access server; add [access_server] url, ca_file and token_file of its lab "
    "side, or leave out what asks it"
)


class AbsentCloud:
    """Has no capability, so that cases that need one are not applicable."""

    capabilities: frozenset[str] = frozenset()

    def utc_us(self, deadline: Deadline) -> int:
        """Raise `CloudError`: there is no server."""
        self._refuse(deadline)

    def router(self, imei: str, deadline: Deadline) -> RouterState | None:
        """Raise `CloudError`: there is no server."""
        self._refuse(imei, deadline)

    def sims(self, deadline: Deadline) -> Sequence[Sim]:
        """Raise `CloudError`: there is no server."""
        self._refuse(deadline)

    def events(
        self, *, after: int, deadline: Deadline, imei: str | None = None
    ) -> Sequence[ServerEvent]:
        """Raise `CloudError`: there is no server."""
        self._refuse(after, deadline, imei)

    def set_sim_state(self, iccid: str, state: SimState, reason: str, deadline: Deadline) -> None:
        """Raise `CloudError`: there is no server."""
        self._refuse(iccid, state, reason, deadline)

    def set_speed_rules(self, imei: str, rules: Sequence[SpeedRule], deadline: Deadline) -> None:
        """Raise `CloudError`: there is no server."""
        self._refuse(imei, rules, deadline)

    def reassign(self, imei: str, reason: str, deadline: Deadline) -> None:
        """Raise `CloudError`: there is no server."""
        self._refuse(imei, reason, deadline)

    def log(self, deadline: Deadline) -> str | None:
        """Raise `CloudError`: there is no server."""
        self._refuse(deadline)

    def spoil(self, fault: Mapping[str, Any], deadline: Deadline) -> None:
        """Raise `CloudError`: there is no server."""
        self._refuse(fault, deadline)

    def _refuse(self, *_asked: object) -> NoReturn:
        raise CloudError(_REMEDY, party=Party.BENCH)
