"""Whatever bytes come: the parsers of ``harness.userplane`` give a value or their own error."""

from __future__ import annotations

import ipaddress
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import RouterError
from harness.userplane import netlink, pcapng
from harness.userplane.dhcp_message import Kind, Message, Option, frame_of, message_of
from harness.userplane.dissect_flows import flows_of
from harness.userplane.dissect_frames import segment_of
from harness.userplane.pcapng import Record, records_of
from harness.userplane.tap_blocks import Frames, frames_of, whole_blocks


@given(st.binary(max_size=200))
def test_any_bytes_are_attributes_or_nothing(data: bytes) -> None:
    """Reading attributes never fails."""
    assert isinstance(netlink.attributes_of(data), dict)
    assert isinstance(netlink.replies_of(data), list)


@given(st.dictionaries(st.integers(1, 100), st.binary(max_size=40)))
def test_attributes_come_back(values: dict[int, bytes]) -> None:
    """What was written is read, whatever the padding."""
    data = b"".join(netlink.attribute(kind, value) for kind, value in values.items())

    assert netlink.attributes_of(data) == values


def test_an_attribute_is_as_rtnetlink_writes_it() -> None:
    """IFLA_IFNAME "lo" is 7 bytes long and padded to 8."""
    assert netlink.attribute(3, "lo") == bytes.fromhex("0700 0300 6c6f 0000")
    assert netlink.attribute(4, 1500) == bytes.fromhex("0800 0400 dc050000")
    assert netlink.text_of(b"lan0\0") == "lan0"


@given(st.binary(max_size=600))
def test_any_bytes_are_a_dhcp_message_or_not(data: bytes) -> None:
    """A value, nothing, or the router's error."""
    head = bytes(12) + b"\x08\x00" + bytes.fromhex("4500000000000000401100000a0900010a090002")
    for frame in (data, head + b"\0\x43\0\x44" + bytes(4) + data):
        try:
            message = message_of(frame)
        except RouterError:
            continue
        assert message is None or isinstance(message, Message)


@pytest.mark.parametrize(
    ("options", "problem"),
    [("36040a", "DHCP option 54 is cut off: 36040a"), ("3601", "DHCP option 54 is cut off")],
)
def test_an_option_that_is_cut_off_is_told(options: str, problem: str) -> None:
    """The option's number and its bytes are in the message."""
    bootp = bytes([2, 1, 6]) + bytes(233) + bytes.fromhex("63825363" + options)
    frame = bytes(12) + b"\x08\x00" + bytes.fromhex("4500000000000000401100000a0900010a090002")

    with pytest.raises(RouterError, match=problem):
        message_of(frame + b"\0\x43\0\x44" + bytes(4) + bootp)


def test_a_message_type_that_is_not_defined_is_told() -> None:
    """Type 99 is not one of RFC 2132."""
    bootp = bytes([2, 1, 6]) + bytes(233) + bytes.fromhex("63825363 350163 ff")
    frame = bytes(12) + b"\x08\x00" + bytes.fromhex("4500000000000000401100000a0900010a090002")

    with pytest.raises(RouterError, match=r"DHCP message type '63' from 10\.9\.0\.1 is not one of"):
        message_of(frame + b"\0\x43\0\x44" + bytes(4) + bootp)


def test_what_somebody_else_was_answered_is_not_read() -> None:
    """A router that answers another client with nonsense is not the one that was asked."""
    bootp = bytes([2, 1, 6]) + bytes(233) + bytes.fromhex("63825363 350163 ff")
    frame = bytes(12) + b"\x08\x00" + bytes.fromhex("4500000000000000401100000a0900010a090002")

    assert message_of(frame + b"\0\x43\0\x44" + bytes(4) + bootp, 1) is None


def test_a_discover_is_as_rfc_2131_says() -> None:
    """Broadcast, from 0.0.0.0 port 68 to port 67, with the broadcast flag and a right checksum."""
    message = Message(kind=Kind.DISCOVER, transaction=0x01020304, client_mac=b"\x02\0\0\0\0\1")
    frame = frame_of(message)

    assert frame[:14] == bytes.fromhex("ffffffffffff 020000000001 0800")
    assert frame[26:38] == bytes.fromhex("00000000 ffffffff 0044 0043")
    assert frame[42:54] == bytes.fromhex("01 01 06 00 01020304 0000 8000")
    assert frame[278:286] == bytes.fromhex("63825363 35 01 01 ff")
    words = struct.unpack("!10H", frame[14:34])
    assert sum(words) % 0xFFFF == 0
    assert len(frame) == 14 + 20 + 8 + 300


def test_options_of_numbers_and_addresses_are_read() -> None:
    """A missing option is None or empty, never a number."""
    options = {Option.DNS: ipaddress.IPv4Address("8.8.8.8").packed, Option.LEASE_S: b"\0\0\0\x3c"}
    message = Message(
        kind=Kind.ACK,
        transaction=1,
        client_mac=b"",
        options={int(k): v for k, v in options.items()},
    )

    assert message.addresses(Option.DNS) == ("8.8.8.8",)
    assert message.addresses(Option.ROUTER) == ()
    assert message.number(Option.LEASE_S) == 60
    assert message.number(Option.MTU) is None


@given(st.lists(st.tuples(st.integers(0, 2**62), st.binary(max_size=99), st.booleans())))
def test_packets_come_back_from_a_file(packets: list[tuple[int, bytes, bool]]) -> None:
    """Time to the nanosecond, bytes, length and direction survive pcapng."""
    kept = np.array([len(frame) for _, frame, _ in packets], np.int32)
    frames = Frames(
        data=np.frombuffer(b"".join(frame for _, frame, _ in packets), np.uint8),
        t_ns=np.array([t_ns for t_ns, _, _ in packets], np.int64),
        wire_bytes=kept + np.int32(7),
        kept_bytes=kept,
        starts=np.cumsum(kept, dtype=np.int64) - kept,
        outgoing=np.array([out for _, _, out in packets], np.bool_),
    )
    data = pcapng.preamble("lan0", snap_bytes=0) + pcapng.packets(frames)
    data += pcapng.statistics(1, received=2, dropped=3)

    assert records_of(data) == [
        Record(t_ns=t_ns, wire_bytes=len(frame) + 7, outgoing=out, frame=frame)
        for t_ns, frame, out in packets
    ]


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_a_capture(data: bytes, begun: bool) -> None:  # noqa: FBT001 - from hypothesis
    """What cannot be read is left out, and what can be read can be dissected."""
    records = records_of((pcapng.preamble("x", snap_bytes=0) if begun else b"") + data)
    frames = [*records, Record(t_ns=0, wire_bytes=1, outgoing=None, frame=data)]
    segments = [s for s in map(segment_of, frames) if s is not None]

    assert len(flows_of(segments)) <= len(segments)


def _block(*packets: tuple[int, int, bytes, int]) -> bytes:
    """Write a block as the kernel does (linux/if_packet.h): seconds, ns, bytes, packet type."""
    body = b""
    for number, (seconds, ns, frame, kind) in enumerate(packets):
        length = (48 + 20 + 14 + len(frame) + 15) & ~15
        next_at = length if number + 1 < len(packets) else 0
        one = struct.pack("<IIIIIIHH", next_at, seconds, ns, len(frame), 1500, 0, 82, 96)
        one = one.ljust(48, b"\0") + struct.pack("<HHiHBB8s", 17, 8, 2, 1, kind, 6, bytes(8))
        body += (one.ljust(82, b"\0") + frame).ljust(length, b"\0")
    return (
        struct.pack("<IIIIII", 1, 48, 1, len(packets), 48, 48 + len(body)).ljust(48, b"\0") + body
    )


def test_a_block_of_the_ring_is_read() -> None:
    """Time, lengths, direction and place of each frame; type 4 is an outgoing one."""
    data = _block((1, 2, b"abc", 4), (3, 999_999_999, b"de", 0)) + _block((5, 0, b"f", 0))
    frames = frames_of(data)
    packets = frames.packets()

    assert frames.t_ns.tolist() == [1_000_000_002, 3_999_999_999, 5_000_000_000]
    assert frames.kept_bytes.tolist() == [3, 2, 1]
    assert packets.outgoing.tolist() == [True, False, False]
    assert packets.wire_bytes.tolist() == [1500, 1500, 1500]
    assert packets.headers[:4] == b"abc\0"
    assert packets.headers[96:99] == b"de\0"
    assert len(packets.headers) == 3 * 96


def test_a_block_that_is_not_whole_waits() -> None:
    """Half a block is not touched; an empty piece has no frames."""
    data = _block((1, 2, b"abc", 4))

    assert whole_blocks(data + data[:40]) == len(data)
    assert whole_blocks(data[:-1]) == 0
    assert len(frames_of(b"").t_ns) == 0
