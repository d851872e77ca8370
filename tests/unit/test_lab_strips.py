"""Outlets by number, whatever switches them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.lab.power_outlet import HttpOutlet, SnmpOutlet
from harness.lab.power_usb import UhubctlPort
from harness.lab.schema import Power
from harness.lab.strips import Outlets, outlet_of

# What uhubctl 2.5 prints of a port (its README).
HUB = "Current status for hub 1-2 [0bda:5411]\n  Port 3: 0503 power highspeed enable connect\n"


def soon() -> Deadline:
    """Return a deadline far enough away."""
    return Deadline.after(10, SystemClock())


class Remembering:
    """An outlet that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on(self, deadline: Deadline) -> None:
        """Remember it."""
        del deadline
        self.told.append("on")

    def off(self, deadline: Deadline) -> None:
        """Remember it."""
        del deadline
        self.told.append("off")

    def is_on(self, deadline: Deadline) -> bool | None:
        """Say what was told last."""
        del deadline
        return self.told[-1] == "on"


def test_a_number_is_switched_and_asked() -> None:
    """Each number is an outlet of its own."""
    outlets = {1: Remembering(), 2: Remembering()}
    strip = Outlets(outlets.__getitem__)

    strip.switch(1, on=True, deadline=soon())
    strip.switch(2, on=False, deadline=soon())

    assert (outlets[1].told, outlets[2].told) == (["on"], ["off"])
    assert strip.is_on(1, soon()) is True
    assert strip.is_on(2, soon()) is False


def test_a_plain_strip_switches_no_cards() -> None:
    """So the cases that pull a card are not applicable."""
    strip = Outlets(lambda _relay: Remembering())

    assert not strip.switches_cards
    with pytest.raises(BenchError, match="switches no cards"):
        strip.insert_card(1, inserted=True, deadline=soon())


@pytest.mark.parametrize(
    ("table", "kind", "name"),
    [
        (
            {"kind": "shelly2", "url": "http://192.0.2.7"},
            HttpOutlet,
            "outlet 3 of http://192.0.2.7",
        ),
        (
            {"kind": "tasmota", "url": "http://192.0.2.7"},
            HttpOutlet,
            "outlet 3 of http://192.0.2.7",
        ),
        (
            {"kind": "snmp", "host": "192.0.2.9", "community": "c", "oid": "1.3.6"},
            SnmpOutlet,
            "1.3.6.3 of PDU 192.0.2.9",
        ),
    ],
)
def test_the_kind_says_who_switches(table: dict[str, str], kind: type, name: str) -> None:
    """The relay is the number of the outlet."""
    found = outlet_of(Power.model_validate(table), 3)

    assert isinstance(found, kind)
    assert found.name == name


@pytest.mark.parametrize(("hub", "place"), [("1-2", ("1-2", "3")), ("2", ("2", "3"))])
def test_a_hubs_port_is_switched_by_uhubctl(hub: str, place: tuple[str, str]) -> None:
    """Also a port of a root hub; what the hub says of it is asked without an action."""
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str], limit_s: float) -> str:
        del limit_s
        ran.append(command)
        return HUB

    name = f"{hub}{'.' if '-' in hub else '-'}3"
    port = UhubctlPort(lambda: name, run=run)

    assert port.is_on(soon()) is True
    assert ran == [("uhubctl", "-l", place[0], "-p", place[1])]


@pytest.mark.parametrize(
    ("text", "is_on"),
    [("  Port 3: 0000 off\n", False), ("  Port 4: 0503 power\n", None), ("", None)],
)
def test_what_a_hub_says_of_a_port(text: str, is_on: bool | None) -> None:  # noqa: FBT001
    """None is "it does not say"."""
    port = UhubctlPort(lambda: "1-2.3", run=lambda _command, _limit_s: text)

    assert port.is_on(soon()) is is_on
