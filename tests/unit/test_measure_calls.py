"""`harness.measure.calls`: who called a server and was left without an answer."""

from __future__ import annotations

import numpy as np
import pytest

from harness.measure.calls import Calls, calls_to
from harness.measure.packets import HEADER_BYTES, Packets

SERVER = "203.0.113.20"
S = 1_000_000_000
SYN, ACK, FIN, RST = 0x02, 0x10, 0x01, 0x04

Segment = tuple[float, str, int, int]
"""Seconds, `>` to the server or `<` from it, TCP flags, payload bytes."""


def frame(direction: str, flags: int, payload: int, *, port: int = 40000) -> bytes:
    """Return the kept bytes of one frame: Ethernet, IPv4 without options, TCP without options."""
    router, server = bytes([100, 64, 0, 2]), bytes([203, 0, 113, 20])
    ends = (router, server) if direction == ">" else (server, router)
    near, far = port.to_bytes(2), (443).to_bytes(2)
    ports = near + far if direction == ">" else far + near
    ip = b"\x45\x00" + (40 + payload).to_bytes(2) + bytes(5) + b"\x06" + bytes(2)
    tcp = ports + bytes(8) + b"\x50" + bytes([flags]) + bytes(6)
    return (bytes(12) + b"\x08\x00" + ip + ends[0] + ends[1] + tcp).ljust(HEADER_BYTES, b"\0")


def seen(*segments: Segment) -> Packets:
    """Return what a tap kept of these segments."""
    return Packets(
        t_ns=np.array([round(t_s * S) for t_s, *_ in segments], np.int64),
        wire_bytes=np.array([54 + payload for *_, payload in segments], np.int32),
        outgoing=np.zeros(len(segments), np.bool_),
        headers=b"".join(frame(way, flags, payload) for _, way, flags, payload in segments),
    )


HANDSHAKE: tuple[Segment, ...] = ((0.0, ">", SYN, 0), (0.1, "<", SYN | ACK, 0), (0.2, ">", ACK, 0))


@pytest.mark.parametrize(
    ("more", "left_waiting"),
    [
        ((), 0),
        (((0.3, ">", ACK, 500),), 1),
        (((0.3, ">", ACK, 500), (0.4, "<", ACK, 0)), 1),
        (((0.3, ">", ACK, 500), (0.4, "<", ACK, 900)), 0),
        (((0.3, ">", ACK, 500), (9.0, ">", FIN | ACK, 0)), 1),
        (((0.3, ">", ACK, 24), (0.3, ">", RST, 0)), 0),
    ],
)
def test_a_caller_is_left_waiting_when_the_server_is_silent_after_it_spoke(
    more: tuple[Segment, ...], left_waiting: int
) -> None:
    """An ACK is no answer; who hangs up at once was not waiting."""
    found = calls_to(seen(*HANDSHAKE, *more), SERVER, now_ns=10 * S)

    assert (found.connections, found.left_waiting) == (1, left_waiting)


def test_a_handshake_that_is_not_answered_is_a_call_without_an_answer() -> None:
    """A server that is down sends nothing at all."""
    found = calls_to(seen((0.0, ">", SYN, 0), (1.0, ">", SYN, 0)), SERVER, now_ns=5 * S)

    assert found == Calls(connections=1, left_waiting=1, total_bytes=108)
    assert found.last_words == "1 of 1 calls got no answer"


def test_traffic_with_others_is_no_call() -> None:
    """Neither other addresses, nor what is no TCP, nor what is no IPv4."""
    other = bytearray(frame(">", SYN, 0))
    other[30:34] = bytes([203, 0, 113, 53])
    datagram = bytearray(frame(">", SYN, 0))
    datagram[23] = 17
    arp = bytearray(frame(">", SYN, 0))
    arp[12:14] = b"\x08\x06"
    packets = Packets(
        t_ns=np.zeros(3, np.int64),
        wire_bytes=np.array([60, 70, 80], np.int32),
        outgoing=np.zeros(3, np.bool_),
        headers=bytes(other + datagram + arp),
    )

    assert calls_to(packets, SERVER, now_ns=0) == Calls(
        connections=0, left_waiting=0, total_bytes=70
    )


def test_calls_of_others_do_not_count_when_it_is_known_who_is_meant() -> None:
    """On a mirror port that several routers share; nobody known means nobody's."""
    packets = seen(*HANDSHAKE, (0.3, ">", ACK, 500))

    def found(*clients: str) -> int:
        return calls_to(packets, SERVER, now_ns=10 * S, clients=clients).left_waiting

    assert (found("100.64.0.2"), found("100.64.0.3"), found()) == (1, 0, 0)
