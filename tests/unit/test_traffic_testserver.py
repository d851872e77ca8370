"""``harness.userplane.testserver`` and ``traffic`` against each other, on loopback."""

from __future__ import annotations

import contextlib
import hmac
import socket
import time
from collections.abc import Iterator

import pytest

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError, RouterError, UsageError
from harness.userplane.testserver import TestServer, listen
from harness.userplane.testserver_limits import Limits, Nonces, check_limits
from harness.userplane.testserver_wire import (
    DATAGRAM,
    DATAGRAM_MARK,
    MAGIC,
    Do,
    RefusedError,
    Request,
    check_token,
    read_request,
    write_request,
)
from harness.userplane.traffic import TestServerClient, TrafficPlan

TOKEN = "a token of this test"
NONCE = "00112233445566778899aabbccddeeff"


def connect(address: str, port: int, deadline: Deadline) -> socket.socket:
    """Connect without a namespace."""
    return socket.create_connection((address, port), timeout=max(deadline.left_s, 0.001))


@contextlib.contextmanager
def serving(limits: Limits | None = None) -> Iterator[tuple[TestServer, list[str]]]:
    """Run a test server on loopback."""
    lines: list[str] = []
    listener, datagrams = listen("127.0.0.1", 0)
    server = TestServer(listener, datagrams, token=TOKEN, limits=limits, log=lines.append)
    with server:
        yield server, lines


def client_of(server: TestServer, token: str = TOKEN) -> TestServerClient:
    """Return a client of it."""
    return TestServerClient("127.0.0.1", server.port, token=token, connect=connect, patience_s=5)


def test_a_download_brings_exactly_what_was_asked_for() -> None:
    """Two flows share a million bytes; the server knows what it sent."""
    with serving() as (server, _):
        traffic = client_of(server).start(TrafficPlan(flows=2, total_bytes=1_000_000))
        while traffic.pump(1.0):
            pass
        report = traffic.stop()
        infos = traffic.infos()

    assert report.app_bytes == 1_000_000
    assert len(traffic.local_ports) == 2
    assert sum(info.bytes_sent for info in infos) >= 1_000_000
    assert traffic.stop() == report


def test_an_upload_is_taken() -> None:
    """A hundred thousand bytes go up."""
    with serving() as (server, _):
        traffic = client_of(server).start(TrafficPlan(upload=True, total_bytes=100_000))
        while traffic.pump(1.0):
            pass
        report = traffic.stop()

    assert report.app_bytes == 100_000


def test_an_upload_is_not_there_before_the_far_end_acknowledged_it() -> None:
    """A far end that does not read: what was written stays in the kernel until it does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client = TestServerClient(
            "127.0.0.1", listener.getsockname()[1], token=TOKEN, connect=connect
        )
        with client.start(TrafficPlan(upload=True, total_bytes=200_000)) as traffic:
            far_end, _ = listener.accept()
            with far_end:
                while traffic.app_bytes < 200_000 and traffic.pump(1.0):
                    pass
                written, waiting = traffic.app_bytes, traffic.unacknowledged_bytes
                far_end.settimeout(10.0)
                while traffic.unacknowledged_bytes:
                    far_end.recv(65536)

    assert written == 200_000
    assert 100_000 < waiting <= 200_000


def test_a_download_can_be_stopped_early() -> None:
    """Leaving in the middle is normal; the next transfer works."""
    with serving() as (server, _):
        client = client_of(server)
        traffic = client.start(TrafficPlan(total_bytes=1_000_000_000))
        traffic.pump(1.0)
        assert traffic.stop().app_bytes > 0

        again = client.start(TrafficPlan(total_bytes=1000))
        while again.pump(1.0):
            pass

    assert again.stop().app_bytes == 1000


def test_a_stranger_gets_not_one_byte() -> None:
    """Another token: the connection is closed, the reason stays in the server's log."""
    with serving() as (server, lines):
        traffic = client_of(server, "another token").start(TrafficPlan(total_bytes=1000))
        with pytest.raises(BenchError, match="closed the connection without a byte"):
            traffic.pump(5.0)

    assert any("signed with another token" in line for line in lines)


@pytest.mark.parametrize("talk", [b"GET / HTTP/1.1\r\n\r\n", b"\n", b"x" * 2000, b"\xff\xfe\n"])
def test_other_talk_is_refused(talk: bytes) -> None:
    """Browsers, scanners and noise are closed on."""
    with (
        serving() as (server, lines),
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as stranger,
    ):
        stranger.sendall(talk)
        with contextlib.suppress(ConnectionResetError):
            assert stranger.recv(100) == b""

    assert any("refused" in line for line in lines)


def test_silent_strangers_keep_nobody_out() -> None:
    """Of three connections that ask for nothing the oldest is ended; a client is served at once."""
    with serving(Limits(waiting=3, connections=1)) as (server, lines):
        where = ("127.0.0.1", server.port)
        silent = [socket.create_connection(where, timeout=5) for _ in range(3)]
        traffic = client_of(server).start(TrafficPlan(total_bytes=1000))
        while traffic.pump(1.0):
            pass
        got = traffic.stop().app_bytes
        ended = silent[0].recv(1)
        for each in silent:
            each.close()

    assert (got, ended) == (1000, b"")
    assert any("refused: no request in 0 bytes" in line for line in lines)


def test_a_transfer_too_many_is_refused_and_the_log_says_the_limit() -> None:
    """One at once: the second gets nothing while the first runs."""
    line = write_request(Request(do=Do.RECEIVE, total_bytes=10), TOKEN.encode(), NONCE)
    with serving(Limits(connections=1)) as (server, lines):
        where = ("127.0.0.1", server.port)
        with socket.create_connection(where, timeout=5) as first:
            first.sendall(line)
            while not lines:
                time.sleep(0.01)
            traffic = client_of(server).start(TrafficPlan(total_bytes=1000))
            with pytest.raises(BenchError, match="without a byte"):
                traffic.pump(5.0)

    assert any("refused: 1 transfers at once" in line for line in lines)


@pytest.mark.parametrize(
    "body",
    [
        '{"do":"send","total_bytes":1.5}',
        '{"do":"send","total_bytes":true}',
        '{"do":"send","total_bytes":-1}',
        '{"do":"send","pacing_bps":1e30}',
        '{"do":"send","pacing_bps":99999999999999999999}',
        '{"do":"send","longest_s":NaN}',
        '{"do":"send","longest_s":Infinity}',
        '{"do":"train","packets":"7"}',
        '{"do":"send","congestion":7}',
        '{"do":"fly"}',
        "[]",
        "7",
    ],
)
def test_nonsense_under_a_good_signature_is_refused(body: str) -> None:
    """A bench of another version, for example."""
    mac = hmac.digest(TOKEN.encode(), f"{NONCE} {body}".encode(), "sha256").hex()

    with pytest.raises(RefusedError):
        read_request(f"{MAGIC} {NONCE} {mac} {body}".encode(), TOKEN.encode())


def test_the_highest_pacing_is_one_that_the_kernel_takes() -> None:
    """A rate above 2^32 B/s is no error."""
    request = Request(do=Do.SEND, total_bytes=1000, pacing_bps=1 << 53)
    line = write_request(request, TOKEN.encode(), NONCE)
    with serving() as (server, _), socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.settimeout(5)
        peer.sendall(line)
        assert peer.recv(1)


def test_a_request_is_served_once_only() -> None:
    """Who recorded a request and sends it again gets nothing."""
    line = write_request(Request(do=Do.SEND, total_bytes=10), TOKEN.encode(), NONCE)
    answers = []
    with serving() as (server, _):
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as peer:
                peer.sendall(line)
                answers.append(len(peer.recv(100)))

    assert answers == [10, 0]


def test_a_train_goes_to_the_holder_of_the_ticket() -> None:
    """Ten numbered datagrams of 142 B at layer 2, at the asked rate."""
    request = Request(do=Do.TRAIN, pacing_bps=1_000_000, packet_bytes=142, packets=10)
    with serving() as (server, _):
        ticket = client_of(server).ticket(request)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.connect(("127.0.0.1", server.port))
            datagrams.settimeout(5)
            datagrams.send(b"0123456789abcdef")  # a guess is not answered
            datagrams.send(ticket)
            got = [datagrams.recv(2000) for _ in range(10)]

    assert {len(data) for data in got} == {100}
    heads = [DATAGRAM.unpack_from(data) for data in got]
    assert [(mark, number) for mark, number, _ in heads] == [(DATAGRAM_MARK, i) for i in range(10)]
    assert heads[9][2] - heads[0][2] >= 9 * 1_136_000 * 0.9


def test_an_echo_comes_back_as_long_as_it_was() -> None:
    """The server adds its own time and not a byte."""
    with serving() as (server, _):
        ticket = client_of(server).ticket(Request(do=Do.ECHO, longest_s=5))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.connect(("127.0.0.1", server.port))
            datagrams.settimeout(5)
            datagrams.send(ticket)
            assert datagrams.recv(2000) == ticket
            question = DATAGRAM.pack(DATAGRAM_MARK, 7, 1234) + bytes(40)
            datagrams.send(question)
            answer = datagrams.recv(2000)

    assert len(answer) == len(question)
    assert DATAGRAM.unpack_from(answer) == (DATAGRAM_MARK, 7, 1234)


def test_a_server_that_is_not_there_is_the_paths_fault() -> None:
    """Nothing listens: the error names address, port and time."""
    listener, datagrams = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    datagrams.close()
    client = TestServerClient("127.0.0.1", port, token=TOKEN, connect=connect)

    with pytest.raises(RouterError, match=f"127.0.0.1 port {port} after"):
        client.start(TrafficPlan())


def test_a_taken_port_is_the_benchs_fault() -> None:
    """Two servers cannot have one port."""
    with serving() as (server, _), pytest.raises(BenchError, match="cannot listen"):
        listen("127.0.0.1", server.port)


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (Request(do=Do.SEND, total_bytes=3_000_000_000), "size 3 GB"),
        (Request(do=Do.SEND, longest_s=61), "time 61 s"),
        (Request(do=Do.SEND, pacing_bps=2_000_000), "rate 2 Mbit/s"),
        (
            Request(do=Do.TRAIN, pacing_bps=1000, packet_bytes=1442, packets=20_000),
            "train 28.84 MB",
        ),
        (Request(do=Do.TRAIN, pacing_bps=1000, packet_bytes=10, packets=1), "not 10"),
        (Request(do=Do.TRAIN, pacing_bps=0, packet_bytes=1442, packets=1), "rate above zero"),
    ],
)
def test_what_is_above_a_limit_is_refused_by_name(request_: Request, what: str) -> None:
    """The log says what was asked."""
    with pytest.raises(RefusedError, match=what):
        check_limits(request_, Limits(rate_bps=1_000_000))


def test_the_oldest_nonce_is_forgotten_first() -> None:
    """Of three nonces a memory of two keeps the last two."""
    nonces = Nonces(2)
    for nonce in ("a", "b", "c"):
        nonces.take(nonce)

    nonces.take("a")
    with pytest.raises(RefusedError, match="nonce c"):
        nonces.take("c")


def test_a_request_survives_the_wire() -> None:
    """What is written is read."""
    request = Request(do=Do.TRAIN, packets=7, packet_bytes=200, pacing_bps=5, congestion="bbr")

    line = write_request(request, TOKEN.encode(), NONCE)

    assert read_request(line.rstrip(b"\n"), TOKEN.encode()) == (NONCE, request)


def test_a_changed_request_is_refused() -> None:
    """One digit more does not go unnoticed."""
    line = write_request(Request(do=Do.SEND, total_bytes=10), TOKEN.encode(), NONCE)

    with pytest.raises(RefusedError, match="another token"):
        read_request(line.rstrip(b"\n").replace(b"10", b"100", 1), TOKEN.encode())


def test_a_token_is_long_enough_to_be_one() -> None:
    """Seven characters are too few."""
    with pytest.raises(UsageError, match="8 characters or more; got 7"):
        check_token("seven77")


def test_traffic_without_a_flow_is_none() -> None:
    """Zero flows are refused."""
    with pytest.raises(UsageError):
        TrafficPlan(flows=0)


def test_the_clock_of_the_server_is_a_parameter() -> None:
    """A server can be made with any clock, and closed without having served."""
    listener, datagrams = listen("127.0.0.1", 0)
    server = TestServer(listener, datagrams, token=TOKEN, clock=SystemClock())

    server.close()
    server.close()
