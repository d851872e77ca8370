"""`harness.lab.rehearsal`: a bench file for virtual routers on a real USB bus."""

from __future__ import annotations

import json
from pathlib import Path

from harness.lab.announced import read_announcement
from harness.lab.load import parse_lab
from harness.lab.rehearsal import rehearsal_of

SHIPPED = (Path(__file__).parents[2] / "lab.toml").read_text(encoding="utf-8")
TOLD, _ = read_announcement(
    json.dumps(
        {
            "version": 1,
            "devices": [],
            "usb": {"virtual/1-1": "platform-vhci_hcd.0/1-1"},
            "access_server": {
                "lab_url": "https://203.0.113.20:8443",
                "ca_file": "/state/ca.pem",
                "token": "secret",
                "device_address": "203.0.113.20",
            },
            "core_network": {"url": "https://203.0.113.30:8443", "token": "other"},
            "power": {"url": "http://203.0.113.40"},
            "taps": [{"name": "seed", "ifname": "mir0"}],
            "uplink": {"ifname": "inet0", "address": "203.0.113.10/24", "gateway": "203.0.113.1"},
        }
    ).encode()
)


def test_the_shipped_file_becomes_one_of_a_real_bench() -> None:
    """Not virtual, the router at the kernel's path, every service by its address."""
    found = rehearsal_of(SHIPPED, TOLD)
    lab = parse_lab(found.text)

    assert lab.bench.virtual is False
    assert lab.routers["r1"].usb_path == "platform-vhci_hcd.0/1-1"
    assert lab.access_server.url == "https://203.0.113.20:8443"
    assert lab.access_server.ca_file == Path("/state/ca.pem")
    assert lab.access_server.host == "203.0.113.20"
    assert lab.core_network is not None
    assert lab.core_network.url == "https://203.0.113.30:8443"
    assert lab.power is not None
    assert (lab.power.kind, lab.power.url) == ("shelly1", "http://203.0.113.40")
    assert lab.taps["seed"].interface == "mir0"
    assert lab.uplink is not None
    assert (lab.uplink.interface, lab.uplink.gateway) == ("inet0", "203.0.113.1")
    assert len(lab.sim_bank.slots) == len(parse_lab(SHIPPED).sim_bank.slots)


def test_tokens_are_beside_the_file_and_not_in_it() -> None:
    """A bench file is written to each record."""
    found = rehearsal_of(SHIPPED, TOLD)

    assert found.tokens == {"access_server.token": "secret", "core_network.token": "other"}
    assert "secret" not in found.text
    assert 'token_file = "access_server.token"' in found.text


def test_a_file_without_an_access_server_table_gets_one() -> None:
    """The virtual bench has one whether its file says so or not."""
    text = SHIPPED.replace("[access_server]\n", "").replace('adapter = "generic"\n', "")
    found = rehearsal_of(text, TOLD)

    assert parse_lab(found.text).access_server.url == "https://203.0.113.20:8443"
