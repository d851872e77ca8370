"""``harness.userplane.dissect``: names, TLS, flows and leaks out of a capture."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import struct
from pathlib import Path

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.core.errors import BenchError
from harness.userplane import pcapng
from harness.userplane.dissect import (
    Capture,
    clear_text_to,
    dhcp_messages,
    leaks_of,
    names_asked,
    tls_handshakes,
)
from harness.userplane.tap_blocks import Frames

BENCH = "192.168.43.2"
SERVER = "203.0.113.20"
SYN, ACK, PUSH_ACK, SYN_ACK, FIN_ACK = 0x02, 0x10, 0x18, 0x12, 0x11


def ip(source: str, target: str, protocol: int, body: bytes) -> bytes:
    """Write an Ethernet frame with an IPv4 packet (no checksums: a tap does not look)."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    return bytes(12) + b"\x08\x00" + head + body


def udp(source: str, target: str, ports: tuple[int, int], payload: bytes) -> bytes:
    """Write a frame with a UDP datagram."""
    return ip(source, target, 17, struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload)


def tcp(up: bool, numbers: tuple[int, int], flags: int, payload: bytes = b"") -> bytes:  # noqa: FBT001 - the direction
    """Write a frame of the one connection of these tests: bench 5000 to server 443."""
    ends = (BENCH, SERVER) if up else (SERVER, BENCH)
    ports = (5000, 443) if up else (443, 5000)
    head = struct.pack("!HHIIBBHHH", *ports, *numbers, 0x50, flags, 65535, 0, 0)
    return ip(*ends, 6, head + payload)


def capture(tmp_path: Path, *frames: tuple[int, bool, bytes]) -> Capture:
    """Write frames (time in ms, outgoing, bytes) with our writer and read them back."""
    data = b"".join(frame for _, _, frame in frames)
    lengths = np.array([len(frame) for _, _, frame in frames], np.int32)
    columns = Frames(
        data=np.frombuffer(data, np.uint8),
        t_ns=np.array([ms * 1_000_000 for ms, _, _ in frames], np.int64),
        wire_bytes=lengths,
        kept_bytes=lengths,
        starts=np.cumsum(lengths, dtype=np.int64) - lengths,
        outgoing=np.array([outgoing for _, outgoing, _ in frames]),
    )
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng.preamble("lan0", snap_bytes=0) + pcapng.packets(columns))
    return Capture.read(path)


@pytest.mark.slow
def test_a_name_and_its_answer_are_found(tmp_path: Path) -> None:
    """A question for access.test (RFC 1035) is answered with one address after 5 ms."""
    question = bytes.fromhex("0661636365737304746573740000010001")
    query = bytes.fromhex("1234 0100 0001 0000 0000 0000") + question
    answer = bytes.fromhex("1234 8180 0001 0001 0000 0000") + question
    answer += bytes.fromhex("c00c 0001 0001 0000003c 0004 cb007114")
    silent = bytes.fromhex("9999 0100 0001 0000 0000 0000") + question
    seen = capture(
        tmp_path,
        (0, True, udp(BENCH, "8.8.8.8", (4000, 53), query)),
        (5, False, udp("8.8.8.8", BENCH, (53, 4000), answer)),
        (9, True, udp(BENCH, "8.8.8.8", (4001, 53), silent)),
    )
    first, second = names_asked(seen)

    assert (first.name, first.kind, first.server) == ("access.test", "A", "8.8.8.8")
    assert first.answers == ("203.0.113.20",)
    assert (first.rcode, first.took_s) == (0, 0.005)
    assert (second.rcode, second.answers, second.took_s) == (None, (), None)


def _certificate(folder: Path) -> tuple[Path, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "access.test")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path, certificate.public_bytes(serialization.Encoding.DER)


def _hellos(pem: Path, version: ssl.TLSVersion) -> tuple[bytes, bytes]:
    """Return what a real client and a real server say first."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.maximum_version = version
    client_context.check_hostname = False
    client_context.verify_mode = ssl.CERT_NONE
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pem)
    client = client_context.wrap_bio(to_client, to_server, server_hostname="access.test")
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    said = []
    for side, out in ((client, to_server), (server, to_client)):
        with pytest.raises(ssl.SSLWantReadError):
            side.do_handshake()
        said.append(out.read())
        out.write(said[-1])
    return said[0], said[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "offered", "visible"),
    [(ssl.TLSVersion.TLSv1_3, 0x0304, 0), (ssl.TLSVersion.TLSv1_2, 0x0303, 1)],
)
def test_the_server_name_and_the_certificate_of_tls_are_found(
    tmp_path: Path, version: ssl.TLSVersion, offered: int, visible: int
) -> None:
    """SNI is always there; the certificate only up to TLS 1.2, after that it is encrypted.

    The client's hello comes in two segments, the second one first.
    """
    pem, der = _certificate(tmp_path)
    hello, answer = _hellos(pem, version)
    frames = [
        (0, True, tcp(True, (99, 0), SYN)),
        (40, False, tcp(False, (499, 100), SYN_ACK)),
        (41, True, tcp(True, (150, 500), PUSH_ACK, hello[50:])),
        (42, True, tcp(True, (100, 500), PUSH_ACK, hello[:50])),
        (80, False, tcp(False, (500, 100 + len(hello)), PUSH_ACK, answer)),
    ]
    (handshake,) = tls_handshakes(capture(tmp_path, *frames))

    assert handshake.server_name == "access.test"
    assert offered in handshake.versions
    assert handshake.certificates == (der,) * visible
    assert handshake.flow.handshake_s == 0.04


def test_bytes_are_counted_at_each_layer(tmp_path: Path) -> None:
    """A datagram of 100 bytes is 128 at layer 3 and 142 at layer 2."""
    seen = capture(
        tmp_path,
        (0, True, udp(BENCH, SERVER, (1, 2), bytes(100))),
        (1, False, udp(SERVER, BENCH, (2, 1), bytes(10))),
        (2, False, udp(SERVER, BENCH, (2, 1), bytes(10))),
    )
    (flow,) = seen.flows

    assert (flow.client, flow.client_port, flow.server, flow.server_port) == (BENCH, 1, SERVER, 2)
    assert flow.outgoing is True
    assert (flow.sent.payload_bytes, flow.sent.l3_bytes, flow.sent.l2_bytes) == (100, 128, 142)
    assert (flow.answered.packets, flow.answered.payload_bytes) == (2, 20)
    assert (flow.answered.l3_bytes, flow.answered.l2_bytes) == (76, 104)


def test_what_tcp_repeated_and_its_round_trip_are_found(tmp_path: Path) -> None:
    """One segment is sent twice, one fills a hole; the round trip is 30 ms; numbers wrap."""
    first = 2**32 - 50
    after = [(first + n) % 2**32 for n in (0, 100, 200, 300, 400)]
    seen = capture(
        tmp_path,
        (0, True, tcp(True, (first - 1, 0), SYN)),
        (10, True, tcp(True, (after[0], 1), PUSH_ACK, b"a" * 100)),
        (40, False, tcp(False, (1, after[1]), ACK)),
        (50, True, tcp(True, (after[1], 1), PUSH_ACK, b"b" * 100)),
        (60, True, tcp(True, (after[1], 1), PUSH_ACK, b"b" * 100)),
        (70, False, tcp(False, (1, after[2]), ACK)),
        (80, True, tcp(True, (after[3], 1), PUSH_ACK, b"d" * 100)),
        (90, True, tcp(True, (after[2], 1), PUSH_ACK, b"c" * 100)),
        (110, False, tcp(False, (1, after[4]), ACK)),
    )
    side = seen.flows[0].client_tcp

    assert side is not None
    assert (side.repeated_segments, side.repeated_bytes, side.late_segments) == (1, 100, 1)
    assert (side.rtt_s, side.rtt_samples) == (0.03, 2)
    assert side.start == b"a" * 100 + b"b" * 100 + b"c" * 100 + b"d" * 100


def test_traffic_that_must_not_leave_is_found(tmp_path: Path) -> None:
    """Only the access server may be reached through a seed bearer."""
    seen = capture(
        tmp_path,
        (0, True, udp(BENCH, SERVER, (1, 443), b"x")),
        (1, True, udp(BENCH, "198.51.100.1", (1, 80), b"x")),
    )
    (leak,) = leaks_of(seen, allowed=["203.0.113.20/32"])

    assert leak.why == "192.168.43.2 to 198.51.100.1 port 80 is not allowed here"


def test_clear_text_to_the_access_server_is_found(tmp_path: Path) -> None:
    """Plain HTTP is shown with its first bytes; a TLS record is not a finding."""
    request = tcp(True, (1, 1), PUSH_ACK, b"POST /v1/login HTTP/1.1")
    record = tcp(True, (1, 1), PUSH_ACK, b"\x16\x03\x01\x00\x01\x01")
    (leak,) = clear_text_to(capture(tmp_path, (0, True, request)), SERVER)

    assert leak.why == ("TCP port 443 of 203.0.113.20 gets b'POST /v1/login H', which is not TLS")
    assert clear_text_to(capture(tmp_path, (0, True, record)), SERVER) == ()


def test_dhcp_answers_are_found(tmp_path: Path) -> None:
    """An offer on the wire is read with its address."""
    bootp = bytearray(236)
    bootp[0], bootp[1], bootp[2] = 2, 1, 6
    bootp[16:20] = socket.inet_aton("192.168.43.7")
    payload = bytes(bootp) + bytes.fromhex("63825363 350102 3604c0a82b01 ff")
    frame = udp("192.168.43.1", "255.255.255.255", (67, 68), payload)
    (message,) = dhcp_messages(capture(tmp_path, (0, False, frame)))

    assert (message.kind, message.your_address) == (2, "192.168.43.7")


def test_what_is_not_ip_is_left_out(tmp_path: Path) -> None:
    """ARP, a frame that was cut short and a fragment do no harm."""
    seen = capture(
        tmp_path,
        (0, True, bytes(12) + b"\x08\x06" + bytes(28)),
        (1, True, bytes(12) + b"\x08\x00" + bytes(10)),
        (2, True, bytes(10)),
    )

    assert len(seen.records) == 3
    assert seen.segments == ()


def test_ipv6_is_read_past_its_extension_headers(tmp_path: Path) -> None:
    """A UDP datagram behind hop-by-hop options (RFC 8200, 4.3) has its ports."""
    datagram = struct.pack("!HHHH", 1000, 53, 12, 0) + b"abcd"
    body = bytes([17, 0]) + bytes(6) + datagram
    head = struct.pack("!IHBB", 0x60000000, len(body), 0, 64)
    head += socket.inet_pton(socket.AF_INET6, "fe80::1") + socket.inet_pton(
        socket.AF_INET6, "fe80::2"
    )
    (segment,) = capture(tmp_path, (0, True, bytes(12) + b"\x86\xdd" + head + body)).segments

    assert (segment.source, segment.source_port, segment.target_port) == ("fe80::1", 1000, 53)
    assert (segment.l3_bytes, segment.payload_bytes, segment.payload) == (60, 4, b"abcd")


def test_a_capture_that_is_not_there_is_the_benchs_error(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(BenchError, match=r"nothing\.pcapng: No such file"):
        Capture.read(tmp_path / "nothing.pcapng")


def test_the_packets_of_other_hosts_can_be_left_out(tmp_path: Path) -> None:
    """On a mirror port that several routers share; what is no IP stays."""
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    whole = capture(
        tmp_path,
        (0, True, udp(BENCH, "203.0.113.53", (4000, 53), b"x")),
        (1, True, udp("192.168.43.9", "203.0.113.53", (4000, 53), b"x")),
        (2, False, udp("203.0.113.53", "192.168.43.9", (53, 4000), b"x")),
        (3, True, arp),
    )

    found = whole.without({"192.168.43.9"})

    assert len(found.records) == 2
    assert [segment.source for segment in found.segments] == [BENCH]
    assert [flow.client for flow in found.flows] == [BENCH]


@pytest.mark.parametrize(("repeats", "samples"), [(0, 2), (1, 1)])
def test_a_fin_is_acknowledged_like_data(tmp_path: Path, repeats: int, samples: int) -> None:
    """It takes a number (RFC 9293 3.4); one that was sent again tells no round trip."""
    fin = tcp(True, (150, 1), FIN_ACK)
    seen = capture(
        tmp_path,
        (0, True, tcp(True, (49, 0), SYN)),
        (10, True, tcp(True, (50, 1), PUSH_ACK, b"a" * 100)),
        (40, False, tcp(False, (1, 150), ACK)),
        (50, True, fin),
        *((60, True, fin) for _ in range(repeats)),
        (80, False, tcp(False, (1, 151), ACK)),
    )
    side = seen.flows[0].client_tcp

    assert side is not None
    assert (side.rtt_s, side.rtt_samples) == (0.03, samples)
