"""``devices.virtual.lab_file``: the world's own reading of ``lab.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devices.virtual.errors import WorldError
from devices.virtual.identity import luhn_digit, seed_sim
from devices.virtual.lab_file import parse_lab, parse_rate, parse_size, read_lab_file

ROUTER = {"model": "virtual-unisoc", "usb_path": "virtual/1-1", "imei": "860000000000017"}
SLOT: dict[str, Any] = {
    "slot": 0,
    "iccid": "8981100000000000010",
    "imsi": "440101000000001",
    "carrier": "docomo",
    "quota": "50 GB",
    "throttle": "128 kbit/s",
    "window": "10 GB",
    "source": "contract",
    "disclosed": True,
}
LAB: dict[str, Any] = {
    "routers": {"r1": ROUTER},
    "carriers": {"docomo": {"plmn": "44010", "apn": "a.test", "rate": "40 Mbit/s"}},
    "sim_bank": {"slots": [SLOT]},
}


@pytest.mark.parametrize(
    ("text", "size"),
    [("50 GB", 50_000_000_000), ("1.5 MB", 1_500_000), ("7 B", 7), ("20kB", 20_000)],
)
def test_sizes_are_decimal(text: str, size: int) -> None:
    """GB is 10^9 bytes."""
    assert parse_size(text, "k") == size


@pytest.mark.parametrize("text", ["50 GiB", "50", "GB", "-1 GB", "50 GB "])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A unit that is not understood is an error, with the remedy."""
    with pytest.raises(WorldError, match="is not a size; write it like '50 GB'"):
        parse_size(text, "k")


@pytest.mark.parametrize(
    ("text", "rate"), [("128 kbit/s", 128_000), ("40 Mbit/s", 40_000_000), ("9.6 kbit/s", 9600)]
)
def test_rates_are_bits(text: str, rate: int) -> None:
    """Rates are decimal bits a second."""
    assert parse_rate(text, "k") == rate


def test_bytes_a_second_are_refused() -> None:
    """The unit that is eight times off is an error."""
    with pytest.raises(WorldError, match="'5 MB/s' is not a rate"):
        parse_rate("5 MB/s", "carriers.docomo.rate")


def test_slot_is_read_with_its_defaults() -> None:
    """What a contract does not say is the first of the month in Japan."""
    slot = parse_lab(LAB).slots[0]

    assert slot.quota_bytes == 50_000_000_000
    assert slot.window_bytes == 10_000_000_000
    assert (slot.reset_day, slot.reset_time, slot.zone) == (1, "00:00", "Asia/Tokyo")
    assert slot.throttle_bps == 128_000


def test_slot_of_an_unknown_carrier_is_refused() -> None:
    """A card without a carrier cannot work."""
    lab = LAB | {"sim_bank": {"slots": [SLOT | {"carrier": "docmo"}]}}

    with pytest.raises(WorldError, match="slot 0 names no carrier: 'docmo'"):
        parse_lab(lab)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A missing file is told by its name."""
    with pytest.raises(WorldError, match=r"nolab\.toml: cannot be read"):
        read_lab_file(tmp_path / "nolab.toml")


def test_missing_key_is_named(tmp_path: Path) -> None:
    """A file without routers is told by the missing key."""
    path = tmp_path / "lab.toml"
    path.write_text("[carriers]\n", encoding="utf-8")

    with pytest.raises(WorldError, match="KeyError 'routers'"):
        read_lab_file(path)


def test_seed_sim_follows_from_the_imei() -> None:
    """The seed SIM is of the test PLMN 999 42 and different for each router."""
    seed = seed_sim(parse_lab(LAB).routers[0])

    assert seed.imsi == "999420000000017"
    assert seed.iccid == "899994200000000017" + luhn_digit("899994200000000017")


def test_routers_that_differ_in_the_last_digit_have_seed_sims_of_their_own() -> None:
    """One IMSI in two routers would throw one of them out of the seed network."""
    neighbour = ROUTER | {"imei": "860000000000018"}
    routers = parse_lab(LAB | {"routers": {"r1": ROUTER, "r2": neighbour}}).routers

    assert [seed_sim(router).imsi for router in routers] == ["999420000000017", "999420000000018"]


def test_check_digit_is_luhns() -> None:
    """The example of ISO/IEC 7812-1: 7992739871 gets 3."""
    assert luhn_digit("7992739871") == "3"
