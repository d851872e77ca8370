"""What the tap wrote, read by tshark: our figures of it are the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import socket
import ssl
import statistics
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from harness.userplane import links
from harness.userplane.broker import Broker
from harness.userplane.dissect import Capture, names_asked, tls_handshakes
from harness.userplane.dissect_frames import TCP, UDP
from harness.userplane.namespace import Namespace
from harness.userplane.tap import Tap
from harness.userplane.throttle import Injection, Mode, RateLimit, throttled
from harness.userplane.throttle_bench import BenchThrottle
from tests.interop.conftest import need

pytestmark = [pytest.mark.interop, pytest.mark.slow]

NAME = "access.cloudsim.test"
PAYLOAD = 2_000_000
FEW = 300_000
"""Fewer packets than wait behind a veth before some are dropped (net.core.netdev_max_backlog)."""
# Question: id 7, recursion wanted, one A of NAME; the answer is 203.0.113.20.
QUESTION = bytes.fromhex(
    "0007010000010000000000000661636365737308636c6f756473696d04746573740000010001"
)
ANSWER = (
    bytes.fromhex("00078180000100010000000006616363657373")
    + bytes.fromhex("08636c6f756473696d04746573740000010001")
    + bytes.fromhex("c00c00010001000000 3c0004cb007114".replace(" ", ""))
)


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Capture a download through a policer, a TLS 1.2 handshake and a DNS answer."""
    need("tshark")
    directory = tmp_path_factory.mktemp("tshark")
    path = directory / "lan.pcapng"
    with Broker.start(private=True) as broker:
        router = broker.namespace("router")
        broker.first.perform(links.new_veth("vusb0", "far0", peer_namespace_fd=router.broker_fd))
        router.offloads_off("far0")
        router.address("10.9.0.1/24", ifname="far0")
        bench = broker.namespace("bench")
        bench.adopt("vusb0")
        bench.address("10.9.0.2/24", "10.9.0.1")
        policer = RateLimit(rate_bps=20_000_000, mode=Mode.POLICER, bucket_bytes=30_000)
        injection = Injection(downlink=policer)
        with Tap.start(bench, path=path) as tap:
            with throttled(BenchThrottle(bench), injection):
                download(router, bench, 80)
            with on_one_cpu():
                download(router, bench, 81, payload=FEW)
                download(router, bench, 82, payload=FEW, closes_late=True)
            shake_hands(router, bench, directory)
            ask(router, bench)
            result = tap.stop()
        assert result.doubts == ()
    return path


@contextmanager
def on_one_cpu() -> Iterator[None]:
    """Stay on one CPU: a veth has a queue for each, and a sender that changes reorders."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def in_thread(run: Callable[[], None]) -> Iterator[None]:
    """Have something done meanwhile."""
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def download(
    router: Namespace,
    bench: Namespace,
    port: int,
    *,
    payload: int = PAYLOAD,
    closes_late: bool = False,
) -> None:
    """Fetch some bytes by TCP; the policer behind the tap drops many.

    Args:
        router: Who serves.
        bench: Who asks.
        port: The server's port.
        payload: How many bytes.
        closes_late: The server's FIN comes by itself, when all else was received.
    """
    received = threading.Event()
    with (
        router.socket(socket.AF_INET, socket.SOCK_STREAM, bind=("10.9.0.1", port)) as listener,
        bench.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        listener.listen()

        def serve() -> None:
            far, _ = listener.accept()
            with far:
                far.sendall(bytes(payload))
                assert not closes_late or received.wait(30)

        with in_thread(serve):
            client.connect(("10.9.0.1", port))
            got = 0
            while chunk := client.recv(1 << 16):
                got += len(chunk)
                if got == payload:
                    received.set()
            assert got == payload


def shake_hands(router: Namespace, bench: Namespace, directory: Path) -> None:
    """Open a TLS 1.2 connection, whose certificate goes in clear."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.load_cert_chain(certificate(directory))
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    with (
        router.socket(socket.AF_INET, socket.SOCK_STREAM, bind=("10.9.0.1", 443)) as listener,
        bench.socket(socket.AF_INET, socket.SOCK_STREAM) as near,
    ):
        listener.listen()

        def serve() -> None:
            far, _ = listener.accept()
            with server.wrap_socket(far, server_side=True) as secure:
                secure.recv(100)

        with in_thread(serve):
            near.connect(("10.9.0.1", 443))
            with client.wrap_socket(near, server_hostname=NAME) as secure:
                secure.send(b"hello")


def certificate(directory: Path) -> Path:
    """Write a key and a certificate of its own for NAME."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def ask(router: Namespace, bench: Namespace) -> None:
    """Ask a name server and get an answer."""
    with (
        router.socket(socket.AF_INET, socket.SOCK_DGRAM, bind=("10.9.0.1", 53)) as server,
        bench.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.sendto(QUESTION, ("10.9.0.1", 53))
        server.settimeout(5.0)
        _, peer = server.recvfrom(512)
        server.sendto(ANSWER, peer)
        client.settimeout(5.0)
        assert client.recv(512) == ANSWER


def fields(path: Path, shown: str, *names: str) -> list[list[str]]:
    """Return fields of the packets that a display filter shows."""
    argv = ["tshark", "-n", "-r", str(path), "-Y", shown, "-T", "fields", "-E", "occurrence=a"]
    for name in names:
        argv += ["-e", name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_every_packet_has_the_same_time_and_length(captured: Path) -> None:
    """Times to the nanosecond, lengths, and the direction that the tap wrote down."""
    theirs = fields(
        captured, "frame", "frame.time_epoch", "frame.len", "frame.packet_flags_direction"
    )
    ours = [
        (
            f"{record.t_ns // 10**9}.{record.t_ns % 10**9:09d}",
            str(record.wire_bytes),
            "0x00000002" if record.outgoing else "0x00000001",
        )
        for record in Capture.read(captured).records
    ]

    assert [tuple(row) for row in theirs] == ours


def test_the_bytes_of_every_flow_are_the_same(captured: Path) -> None:
    """Packets, layer 2, layer 3 and payload by flow and direction."""
    theirs: Counter[tuple[int, str, str, str]] = Counter()
    names = ("ip.proto", "ip.src", "frame.len", "ip.len")
    ports = ("tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.len", "udp.length")
    for row in fields(captured, "tcp or udp", *names, *ports):
        proto, source, l2, l3, *rest = row
        side = f"{source}:{rest[0] or rest[2]}>{rest[1] or rest[3]}"
        payload = int(rest[4]) if rest[4] else int(rest[5]) - 8
        for what, count in (("packets", 1), ("L2", int(l2)), ("L3", int(l3)), ("payload", payload)):
            theirs[int(proto), side, what, ""] += count
    ours: Counter[tuple[int, str, str, str]] = Counter()
    for flow in Capture.read(captured).flows:
        if flow.protocol not in {TCP, UDP}:
            continue
        for source, port, to, volume in (
            (flow.client, flow.client_port, flow.server_port, flow.sent),
            (flow.server, flow.server_port, flow.client_port, flow.answered),
        ):
            side = f"{source}:{port}>{to}"
            ours[flow.protocol, side, "packets", ""] = volume.packets
            ours[flow.protocol, side, "L2", ""] = volume.l2_bytes
            ours[flow.protocol, side, "L3", ""] = volume.l3_bytes
            ours[flow.protocol, side, "payload", ""] = volume.payload_bytes

    assert ours == theirs


def test_what_tcp_sent_again_is_the_same(captured: Path) -> None:
    """Each segment that came again or late is one for tshark, too."""
    again = "tcp.analysis.retransmission or tcp.analysis.out_of_order"
    theirs = fields(captured, f"tcp.srcport == 80 and ({again})", "frame.number")
    (flow,) = [f for f in Capture.read(captured).flows if f.server_port == 80]

    assert flow.server_tcp is not None
    assert len(theirs) > 10
    assert flow.server_tcp.repeated_segments + flow.server_tcp.late_segments == len(theirs)


@pytest.mark.parametrize("port", [81, 82])
def test_the_round_trip_is_the_same(captured: Path, port: int) -> None:
    """The handshake's, and the median of those of data and FIN where nothing was dropped."""
    syn = f"tcp.srcport == {port} and tcp.flags.syn == 1"
    (theirs,) = fields(captured, syn, "tcp.analysis.ack_rtt")
    acks = f"tcp.dstport == {port} and tcp.analysis.ack_rtt and tcp.ack > 1"
    samples = fields(captured, acks, "tcp.analysis.ack_rtt")
    (flow,) = [f for f in Capture.read(captured).flows if f.server_port == port]

    assert flow.handshake_s == pytest.approx(float(theirs[0]), abs=1e-6)
    assert flow.server_tcp is not None
    assert flow.server_tcp.repeated_segments == 0
    assert flow.server_tcp.rtt_samples == len(samples)
    assert flow.server_tcp.rtt_s == pytest.approx(
        statistics.median(float(row[0]) for row in samples), abs=1e-6
    )


def test_server_name_versions_and_certificate_are_the_same(captured: Path) -> None:
    """SNI of the client's hello and the DER of the server's certificate."""
    (name,) = fields(captured, "tls.handshake.type == 1", "tls.handshake.extensions_server_name")
    (der,) = fields(captured, "tls.handshake.type == 11", "tls.handshake.certificate")
    (ours,) = tls_handshakes(Capture.read(captured))

    assert [ours.server_name] == name == [NAME]
    assert [hashlib.sha256(one).hexdigest() for one in ours.certificates] == [
        hashlib.sha256(bytes.fromhex(der[0].replace(":", ""))).hexdigest()
    ]


def test_names_and_answers_are_the_same(captured: Path) -> None:
    """The question, the address in the answer, and how long it took."""
    (theirs,) = fields(
        captured, "dns.flags.response == 1", "dns.qry.name", "dns.a", "dns.time", "dns.flags.rcode"
    )
    (ours,) = names_asked(Capture.read(captured))

    assert theirs[:2] == [ours.name, ours.answers[0]] == [NAME, "203.0.113.20"]
    assert ours.took_s == pytest.approx(float(theirs[2]), abs=1e-6)
    assert ours.rcode == int(theirs[3]) == 0
