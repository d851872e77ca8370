"""``bearers`` and ``name_server``: rates, addresses and names, without a kernel."""

from __future__ import annotations

import struct

import pytest

from devices.virtual.bearers import Rates, address_of, bucket_and_queue, gateway_of, rates_for
from devices.virtual.name_server import answer
from devices.virtual.subscribers import CoreNetwork, Shaper

CORE = CoreNetwork(number=1, name="docomo", plmn="44010", apn="d.test", rate_bps=40_000_000)
HEADER = struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0)
ACCESS = b"\x06access\x08cloudsim\x04test\x00"


def rates(rate_bps: int, mode: str = "shaper", bucket_bytes: int | None = None) -> Rates:
    """Return one rate for both directions."""
    return Rates(
        downlink_bps=rate_bps,
        uplink_bps=rate_bps,
        mode=mode,
        bucket_bytes=bucket_bytes,
        queue_bytes=None,
    )


@pytest.mark.parametrize(
    ("rate_bps", "bucket", "queue"),
    [(128_000, 5000, 30_000), (8_000_000, 5000, 150_000), (40_000_000, 25_000, 750_000)],
)
def test_bucket_is_five_milliseconds_and_queue_150(rate_bps: int, bucket: int, queue: int) -> None:
    """A bucket covers a late timer, never less than three frames; a queue is 150 ms."""
    assert bucket_and_queue(rate_bps, rates(rate_bps)) == (bucket, queue)


def test_policer_has_room_for_one_frame() -> None:
    """A queue of one frame drops what a shaper would delay."""
    wanted = rates(10_000_000, "policer", 64_000)

    assert bucket_and_queue(10_000_000, wanted) == (64_000, 1600)


@pytest.mark.parametrize(
    ("throttle_bps", "regulation_bps", "ordered_bps", "downlink_bps"),
    [
        (None, None, None, 40_000_000),
        (128_000, None, None, 128_000),
        (None, 3_000_000, None, 3_000_000),
        (300_000, 128_000, None, 128_000),
        (128_000, 128_000, 1_000_000, 1_000_000),
    ],
)
def test_lowest_limit_rules_unless_the_lab_orders(
    throttle_bps: int | None, regulation_bps: int | None, ordered_bps: int | None, downlink_bps: int
) -> None:
    """Contract, regulation and network rule by the lowest; the lab's word is above them."""
    core = CoreNetwork(
        number=1,
        name="docomo",
        plmn="44010",
        apn="d.test",
        rate_bps=40_000_000,
        regulation_bps=regulation_bps,
    )

    held = rates_for(core, throttle_bps, Shaper(downlink_bps=ordered_bps))

    assert held.downlink_bps == downlink_bps


def test_addresses_do_not_meet_the_gateways() -> None:
    """Bearers get addresses from the second /24 of their network on."""
    assert gateway_of(1) == "10.41.0.1"
    assert address_of(1, 1) == "10.41.1.1"
    assert address_of(4, 300) == "10.44.2.44"


def test_known_name_has_an_address() -> None:
    """The access server's name is 203.0.113.20 (RFC 1035 clause 4.1)."""
    reply = answer(HEADER + ACCESS + b"\x00\x01\x00\x01")

    assert reply is not None
    assert reply[:12] == bytes.fromhex("123485800001000100000000")
    assert reply[-16:] == bytes.fromhex("c00c000100010000003c0004cb007114")


def test_unknown_name_is_nxdomain() -> None:
    """A name that is not in the table gets code 3 and no record."""
    reply = answer(HEADER + b"\x06nobody\x04test\x00\x00\x01\x00\x01")

    assert reply is not None
    assert reply[:12] == bytes.fromhex("123485830001000000000000")


def test_known_name_without_ipv6_has_no_record() -> None:
    """AAAA of a known name is no error and no record."""
    reply = answer(HEADER + ACCESS + b"\x00\x1c\x00\x01")

    assert reply is not None
    assert reply[:12] == bytes.fromhex("123485800001000000000000")


@pytest.mark.parametrize("query", [b"", HEADER[:11], HEADER + ACCESS, b"\x12\x34\x80\x00" + HEADER])
def test_garbage_is_not_answered(query: bytes) -> None:
    """What is cut short or is itself an answer is dropped."""
    assert answer(query) is None
