"""What surrounds the routers of a real bench, as its file says."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import BenchError
from harness.lab.load import parse_lab
from harness.lab.schema import Lab
from harness.lab.site import Leg, RemoteTestServer, Site, site_of

ROOT = Path(__file__).parents[2]
LAB: dict[str, Any] = {
    "bench": {"name": "b"},
    "routers": {"r1": {"model": "m", "usb_path": "1-1", "imei": "860000000000017"}},
    "carriers": {"docomo": {"plmn": "44010", "apn": "a", "rate": "10 Mbit/s"}},
}


def lab(**tables: Any) -> Lab:
    """Return a bench file with these tables."""
    return Lab.model_validate(deepcopy(LAB) | tables)


def nowhere(name: str) -> str:
    """Find no host."""
    raise OSError(-2, "Name or service not known", name)


def test_a_bench_without_services_has_none(tmp_path: Path) -> None:
    """Nothing is made up."""
    assert site_of(lab(), tmp_path) == Site()


def test_a_service_has_its_address_certificate_and_token(tmp_path: Path) -> None:
    """Files are relative to the bench file; a line end is no part of a token."""
    (tmp_path / "t").touch(mode=0o600)
    (tmp_path / "t").write_text("secret\n")
    table = {"url": "https://a.example", "ca_file": "ca.pem", "token_file": "t", "host": "a"}

    found = site_of(lab(access_server=table), tmp_path, resolve=lambda _name: "203.0.113.20")

    assert found.access_server is not None
    assert found.access_server.url == "https://a.example"
    assert found.access_server.ca_file == tmp_path / "ca.pem"
    assert found.access_server.token == "secret"
    assert found.server_address == "203.0.113.20"


@pytest.mark.parametrize(
    ("mode", "text", "said"),
    [
        (0o640, "secret", "access_server.token_file: others can read .*; chmod 600"),
        (0o600, " \n", "access_server.token_file: .* is empty"),
        (None, "", "access_server.token_file: .* cannot be read"),
    ],
)
def test_a_token_that_cannot_be_relied_on_is_refused(
    tmp_path: Path, mode: int | None, text: str, said: str
) -> None:
    """Which file, and what to do."""
    if mode is not None:
        (tmp_path / "t").write_text(text)
        (tmp_path / "t").chmod(mode)

    with pytest.raises(BenchError, match=said):
        site_of(lab(access_server={"url": "https://a.example", "token_file": "t"}), tmp_path)


def test_a_host_without_an_address_is_refused(tmp_path: Path) -> None:
    """The tap cannot look for it."""
    with pytest.raises(BenchError, match=r"access_server\.host: 'a\.example' has no address here"):
        site_of(lab(access_server={"host": "a.example"}), tmp_path, resolve=nowhere)


def test_the_far_side_is_an_own_leg_or_a_server_elsewhere(tmp_path: Path) -> None:
    """One of both."""
    own = site_of(lab(uplink={"interface": "eth1", "address": "192.0.2.2/24"}), tmp_path)
    (tmp_path / "t").touch(mode=0o600)
    (tmp_path / "t").write_text("secret")
    uplink = {"server": "far.example:5201", "token_file": "t"}
    other = site_of(lab(uplink=uplink), tmp_path, resolve=lambda _name: "203.0.113.5")

    assert own.uplink == Leg(ifname="eth1", address="192.0.2.2/24", gateway=None)
    assert own.test_server is None
    assert other.uplink is None
    assert other.test_server == RemoteTestServer(address="203.0.113.5", port=5201, token="secret")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"uplink": {}}, "uplink.address: name either"),
        ({"uplink": {"address": "192.0.2.2/24", "server": "a:1"}}, "uplink.address: name either"),
        ({"uplink": {"server": "a:1"}}, "uplink.token_file: it belongs to uplink.server"),
        ({"power": {}}, "power.url: a power strip of kind 'shelly1' needs it"),
        ({"power": {"kind": "snmp", "host": "a"}}, "power.community: .* 'snmp' needs it"),
        ({"power": {"kind": "uhubctl"}}, "power.hub: .* 'uhubctl' needs it"),
    ],
)
def test_half_a_table_is_refused(tables: dict[str, Any], said: str) -> None:
    """With the key that is missing."""
    with pytest.raises(ValueError, match=said):
        lab(**tables)


def test_the_example_of_a_real_bench_is_one() -> None:
    """What README points to can be read."""
    text = (ROOT / "tests/acceptance/labs/real.toml").read_text(encoding="utf-8")

    found = parse_lab(text)

    assert not found.bench.virtual
    assert found.power is not None
    assert (ROOT / "devices/models" / f"{found.routers['r1'].model}.toml").is_file()
