"""The remote interface of a lab core network (a test core, a callbox), where the lab has one.

The path prefix and keys are those of the virtual bench; it was never verified on a real callbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError

from harness.cloud.model import CoreEvent, Place, Subscriber
from harness.cloud.service import Service
from harness.core.clock import Deadline
from harness.core.errors import CloudError

_PREFIX: Final = "/core/v1"


class CoreNetwork:
    """Steers and watches carriers that belong to the lab."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def subscriber(self, imsi: str, deadline: Deadline) -> Subscriber:
        """Return one subscriber.

        Raises:
            CloudError: The core network does not serve, or does not know the subscriber.
        """
        answer = self._call("GET", f"/subscribers/{imsi}", deadline)
        try:
            return Subscriber.model_validate({"imsi": imsi, **answer})
        except (ValidationError, TypeError) as exc:
            msg = f"{self._service.name} described subscriber *{imsi[-4:]} oddly: {exc}"
            raise CloudError(msg, party=self._service.party) from None

    def shape(self, imsi: str, settings: Mapping[str, Any], deadline: Deadline) -> None:
        """Change a subscriber: rates, bucket, queue, delay_ms, loss, reject_cause, sqn_jump."""
        self._call("PATCH", f"/subscribers/{imsi}", deadline, settings)

    def set_carrier(self, plmn: str, settings: Mapping[str, Any], deadline: Deadline) -> None:
        """Change a carrier: reject_cause, outage, regulation_bps."""
        self._call("PATCH", f"/carriers/{plmn}", deadline, settings)

    def place_of(self, imei: str, deadline: Deadline) -> Place:
        """Return where a router stands.

        Raises:
            CloudError: The core network does not serve, or does not know the router.
        """
        answer = self._call("GET", f"/radio/{imei}", deadline)
        try:
            return Place.model_validate(answer)
        except ValidationError as exc:
            msg = f"{self._service.name} described the place of *{imei[-4:]} oddly: {exc}"
            raise CloudError(msg, party=self._service.party) from None

    def place(self, imei: str, settings: Mapping[str, Any], deadline: Deadline) -> None:
        """Put a router somewhere else: mcc, mnc, tac, cell, rsrp_dbm, covered."""
        self._call("PATCH", f"/radio/{imei}", deadline, settings)

    def set_name_server(self, settings: Mapping[str, Any], deadline: Deadline) -> None:
        """Change the name server of all networks: silent, delay_s."""
        self._call("PATCH", "/name_server", deadline, settings)

    def events(self, *, after: int, deadline: Deadline) -> Sequence[CoreEvent]:
        """Return what happened after event number `after`, oldest first."""
        answer = self._call("GET", f"/events?{urlencode({'after': after})}", deadline)
        items = answer.get("events") if isinstance(answer, dict) else answer
        try:
            return [CoreEvent.model_validate(item) for item in items or ()]
        except (ValidationError, TypeError) as exc:
            msg = f"{self._service.name} answered its events oddly: {exc}"
            raise CloudError(msg, party=self._service.party) from None

    def _call(
        self, method: str, path: str, deadline: Deadline, body: Mapping[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        return self._service.call(method, _PREFIX + path, body=body, deadline=deadline)
