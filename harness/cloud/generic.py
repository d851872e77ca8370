"""Adapter for the generic lab API, which the virtual access server speaks.

No maker publishes such an interface; it was never verified on a real access server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from harness.cloud.adapter import FAULTS, LOG, MARK, RULES, STEER
from harness.cloud.model import RouterState, ServerEvent, Sim, SimState, SpeedRule, UsageRow
from harness.cloud.service import Service
from harness.core.clock import Deadline
from harness.core.errors import CloudError

_PREFIX: Final = "/lab/v1"

M = TypeVar("M", bound=BaseModel)


class GenericCloud:
    """The lab side of an access server over `/lab/v1`."""

    capabilities: Final = frozenset({FAULTS, LOG, MARK, RULES, STEER})

    def __init__(self, service: Service) -> None:
        self._service = service

    def utc_us(self, deadline: Deadline) -> int:
        """Return the server's time in microseconds since 1970."""
        path = "/time"
        answer = self._get(path, deadline)
        try:
            return int(answer["utc_us"])
        except (KeyError, TypeError, ValueError):
            raise self._strange(path, answer) from None

    def router(self, imei: str, deadline: Deadline) -> RouterState | None:
        """Return what the server knows of a router; None when it has never seen it."""
        for item in self._list("/routers", "routers", deadline, RouterState):
            if item.imei == imei:
                return item
        return None

    def sims(self, deadline: Deadline) -> Sequence[Sim]:
        """Return every SIM of the bank and of the registry."""
        return self._list("/sims", "sims", deadline, Sim)

    def events(
        self, *, after: int, deadline: Deadline, imei: str | None = None
    ) -> Sequence[ServerEvent]:
        """Return what happened after event number `after`, oldest first."""
        query = {"after": str(after)} | ({"imei": imei} if imei else {})
        return self._list(f"/events?{urlencode(query)}", "events", deadline, ServerEvent)

    def set_sim_state(self, iccid: str, state: SimState, reason: str, deadline: Deadline) -> None:
        """Mark a SIM."""
        body = {"state": state, "reason": reason}
        self._service.call("PATCH", f"{_PREFIX}/sims/{iccid}", body=body, deadline=deadline)

    def set_speed_rules(self, imei: str, rules: Sequence[SpeedRule], deadline: Deadline) -> None:
        """Give a router other tiers; it hears of them at its next heartbeat."""
        path = f"{_PREFIX}/routers/{imei}/speed_rules"
        body = [rule.model_dump() for rule in rules]
        self._service.call("PUT", path, body=body, deadline=deadline)

    def reassign(self, imei: str, reason: str, deadline: Deadline) -> None:
        """Ask the server to give a router another SIM at its next heartbeat."""
        path = f"{_PREFIX}/routers/{imei}/reassign"
        self._service.call("POST", path, body={"reason": reason}, deadline=deadline)

    def log(self, deadline: Deadline) -> str | None:
        """Return the server's log as its operator reads it."""
        return self._service.text("GET", f"{_PREFIX}/log", deadline=deadline)

    def spoil(self, fault: Mapping[str, Any], deadline: Deadline) -> None:
        """Let the device side go wrong: path, imei, status, delay_s, corrupt, after, times."""
        body = {"fault": dict(fault)}
        self._service.call("PUT", f"{_PREFIX}/conditions", body=body, deadline=deadline)

    def usage(self, imei: str, deadline: Deadline) -> Sequence[UsageRow]:
        """Return what a router reported to have used, by SIM and hour."""
        return self._list(f"/usage?{urlencode({'imei': imei})}", "usage", deadline, UsageRow)

    def set_plan(self, imei: str, plan: Mapping[str, Any], deadline: Deadline) -> None:
        """Sell a router's user another plan: cap_bytes, reset_day, zone, limited_bps."""
        path = f"{_PREFIX}/routers/{imei}/plan"
        self._service.call("PUT", path, body=dict(plan), deadline=deadline)

    def suspend(self, imei: str, requested_utc_us: int | None, deadline: Deadline) -> None:
        """Ask for a suspension at a moment; None takes it back."""
        path = f"{_PREFIX}/routers/{imei}/suspension"
        if requested_utc_us is None:
            self._service.call("DELETE", path, deadline=deadline)
            return
        body = {"requested_utc_us": requested_utc_us}
        self._service.call("PUT", path, body=body, deadline=deadline)

    def set_used(self, iccid: str, used_bytes: int, deadline: Deadline) -> None:
        """Let the server count a SIM's use of this period as a given one."""
        body = {"used_bytes": used_bytes}
        self._service.call("PATCH", f"{_PREFIX}/sims/{iccid}", body=body, deadline=deadline)

    def set_disclosed(self, iccid: str, deadline: Deadline, *, disclosed: bool) -> None:
        """Tell the server that a SIM's terms are known, or are not after all."""
        body = {"disclosed": disclosed}
        self._service.call("PATCH", f"{_PREFIX}/sims/{iccid}", body=body, deadline=deadline)

    def set_date(self, date: str | float, deadline: Deadline) -> None:
        """Put the whole world at another date.

        Args:
            date: ISO date and time in Japan, or how far the world is ahead of the host in seconds.
            deadline: Until when.
        """
        key = "date" if isinstance(date, str) else "clock_offset_s"
        body = {key: date}
        self._service.call("PUT", f"{_PREFIX}/conditions", body=body, deadline=deadline)

    def _get(self, path: str, deadline: Deadline) -> Any:  # noqa: ANN401 - JSON
        return self._service.call("GET", _PREFIX + path, deadline=deadline)

    def _list(self, path: str, key: str, deadline: Deadline, model: type[M]) -> list[M]:
        """Ask for a list; it may stand alone or under its name."""
        answer = self._get(path, deadline)
        items = answer.get(key) if isinstance(answer, dict) else answer
        if not isinstance(items, list):
            raise self._strange(path, answer)
        try:
            return [model.model_validate(item) for item in items]
        except ValidationError as exc:
            problem = exc.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            msg = f"{self._service.name} answered GET {path} oddly: {where}: {problem['msg']}"
            raise CloudError(msg, party=self._service.party) from None

    def _strange(self, path: str, answer: object) -> CloudError:
        msg = f"{self._service.name} answered GET {path} with {str(answer)[:200]!r}"
        return CloudError(msg, party=self._service.party)
