"""Which adapter a bench file asks for, and what it is told."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from harness.cloud.adapter import FAULTS, LOG, MARK, RULES, STEER
from harness.cloud.choice import adapter_of
from harness.cloud.service import Service
from harness.core.clock import Deadline, SystemClock
from harness.core.party import Party
from harness.lab.schema import Lab

SERVICE = Service(name="x", party=Party.ACCESS_SERVER, url="http://127.0.0.1:9997")
SLOT = {
    "slot": 3,
    "iccid": "8981100000000000016",
    "imsi": "440101000000001",
    "carrier": "docomo",
}
LAB: dict[str, Any] = {
    "bench": {"name": "b"},
    "routers": {"r1": {"model": "m", "usb_path": "1-1", "imei": "860000000000017"}},
    "carriers": {"docomo": {"plmn": "44010", "apn": "a", "rate": "10 Mbit/s"}},
    "access_server": {"adapter": "osmo-remsim", "clients": {"r1": "23:1"}, "bank": 7},
}


def test_the_generic_one_is_the_default() -> None:
    """It can do all."""
    lab = deepcopy(LAB)
    del lab["access_server"]

    found = adapter_of(Lab.model_validate(lab), SERVICE)

    assert found.capabilities == {FAULTS, LOG, MARK, RULES, STEER}


class Canned(Service):
    """A server with one client and a map of it to slot 3 of bank 7."""

    def call(self, method: str, path: str, **_what: object) -> Any:
        """Answer GET alone."""
        assert method == "GET"
        mapped = {"bank": {"bankId": 7, "slotNr": 3}, "client": {"clientId": 23, "slotNr": 1}}
        answers = {
            "clients": [{"peer": "C23:1", "state": "CONNECTED_CLIENT"}],
            "slotmaps": [mapped | {"state": "ACTIVE"}],
        }
        what = path.rpartition("/")[2]
        return {what: answers[what]}


def test_osmo_remsim_is_told_clients_and_cards() -> None:
    """A router's client is written as id and slot; the bank of the file holds its slots."""
    lab = LAB | {"sim_bank": {"slots": [SLOT]}}
    canned = Canned(name="x", party=Party.ACCESS_SERVER, url="http://127.0.0.1:9997")
    found = adapter_of(Lab.model_validate(lab), canned)

    state = found.router("860000000000017", Deadline.after(10, SystemClock()))

    assert found.capabilities == {STEER}
    assert state is not None
    assert state.iccid == SLOT["iccid"]


@pytest.mark.parametrize(
    ("clients", "said"),
    [({"r2": "23:0"}, "there is no such router; there are r1"), ({"r1": "23"}, "match pattern")],
)
def test_a_wrong_client_is_refused(clients: dict[str, str], said: str) -> None:
    """With the place in the file."""
    lab = deepcopy(LAB)
    lab["access_server"]["clients"] = clients

    with pytest.raises(ValidationError, match=said):
        Lab.model_validate(lab)
