"""`harness.router.roles`: which interface of a model is what."""

from __future__ import annotations

import pytest

from harness.at.model import Model, UsbMode
from harness.core.errors import BenchError
from harness.lab.description import Function
from harness.lab.inventory import PortRoles
from harness.router.roles import roles_of

SOURCE = "made up here"
FIRST = UsbMode(vid="1782", pid="4d11", roles={0: "net", 2: "at", 3: "at2"}, source=SOURCE)
SECOND = UsbMode(vid="1782", pid="4d12", roles={1: "at", 4: "net", 5: "diag"}, source=SOURCE)
DISK = UsbMode(vid="1782", pid="4d00", roles={0: "ignore"}, source=SOURCE)


def model(*modes: UsbMode) -> Model:
    """Return a model with these sets of USB ids."""
    return Model(name="acme", title="Acme", verified_on_hardware=False, usb=modes)


def test_the_first_set_of_ids_with_both_is_taken() -> None:
    """While nothing is plugged in, nothing else is known."""
    assert roles_of(model(DISK, FIRST, SECOND)) == PortRoles(at=2, at_secondary=3, net=0)


def test_the_ids_that_are_plugged_in_choose() -> None:
    """One model has several compositions; each numbers its interfaces anew."""
    here = [Function(subsystem="usb", usb_path="x/1-1", vid="1782", pid="4d12")]

    assert roles_of(model(FIRST, SECOND), here) == PortRoles(at=1, at_secondary=None, net=4)


def test_a_model_without_an_at_port_is_refused() -> None:
    """There would be nothing to talk to."""
    with pytest.raises(BenchError) as caught:
        roles_of(model(DISK))
    assert str(caught.value) == (
        "acme.toml: usb: no mode has an AT port and a network interface; add one"
    )
