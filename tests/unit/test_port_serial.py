"""``harness.port.serial_port``: a real tty of the kernel, whose other end is the test."""

from __future__ import annotations

import errno
import fcntl
import os
import queue
import re
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.at.session import AtSession
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.port.errors import PortBusyError, PortLostError, PortStuckError
from harness.port.holder import busy_message, holders_of
from harness.port.inbox import Arrival, Chunk, LiveInbox, PortLost, Source
from harness.port.serial_port import SerialPort
from harness.port.transcript import Transcript, read_transcript

CLOCK = SystemClock()
SECOND_NS = 1_000_000_000


@contextmanager
def terminal() -> Iterator[tuple[int, str]]:
    """Give the router's end of a new PTY and the path of ours; nobody has ours open."""
    router, ours = os.openpty()
    tty.setraw(ours)
    path = os.ttyname(ours)
    os.close(ours)
    try:
        yield router, path
    finally:
        try:
            os.close(router)
        except OSError:  # the test has pulled the plug
            return


def soon() -> Deadline:
    """Return a deadline long enough for a loaded machine."""
    return Deadline.after(10.0, CLOCK)


def received(inbox: LiveInbox) -> Chunk | PortLost | None:
    """Return what arrives next."""
    return inbox.get(soon().end_ns)


def test_bytes_go_both_ways_with_times_and_into_the_transcript(tmp_path: Path) -> None:
    """Time before the first byte is sent, time of arrival of what is received."""
    inbox = LiveInbox(CLOCK)
    with Transcript(tmp_path / "t") as transcript, terminal() as (router, path):
        port = SerialPort(path, name="r1.at", transcript=transcript)
        port.open(inbox, 7)
        before_ns = CLOCK.monotonic_ns()
        sent_ns = port.write(b"AT\r", soon())
        heard = os.read(router, 100)
        os.write(router, b"\r\nOK\r\n")
        chunk = received(inbox)
        port.close()

    assert heard == b"AT\r"
    assert isinstance(chunk, Chunk)
    assert (chunk.port, chunk.opening, chunk.data) == ("r1.at", 7, b"\r\nOK\r\n")
    assert before_ns <= sent_ns <= chunk.t_ns
    recorded = [(entry.direction, entry.data) for entry in read_transcript(tmp_path / "t")]
    assert recorded == [(">", b"AT\r"), ("<", b"\r\nOK\r\n")]


class Collected:
    """An inbox that nobody waits at: only the port's own thread fills it."""

    def __init__(self) -> None:
        self.arrivals: queue.Queue[Arrival] = queue.Queue()

    def attach(self, source: Source) -> None:
        """Leave `source` to its thread."""

    def detach(self, source: Source) -> None:
        """Leave `source` to its thread."""

    def claim(self) -> Sequence[Source]:
        """Claim nothing."""
        return ()

    def release(self, claimed: Sequence[Source]) -> None:
        """Release nothing."""

    def put(self, arrival: Arrival) -> None:
        """Keep `arrival`."""
        self.arrivals.put(arrival)

    def get(self, until_ns: int) -> Arrival | None:
        """Return the next arrival; a test fails when there is none for long."""
        return self.arrivals.get(timeout=max(0, until_ns - CLOCK.monotonic_ns()) / SECOND_NS)


def test_the_ports_own_thread_reads_while_nobody_waits() -> None:
    """Bytes and the end of the port arrive, with the time at which they came."""
    inbox = Collected()
    with terminal() as (router, path):
        port = SerialPort(path, name="r1.at")
        port.open(inbox, 1)
        before_ns = CLOCK.monotonic_ns()
        os.write(router, b"RDY\r\n")
        chunk = inbox.get(soon().end_ns)
        os.close(router)
        lost = inbox.get(soon().end_ns)
        port.close()

    assert isinstance(chunk, Chunk)
    assert chunk.data == b"RDY\r\n"
    assert before_ns <= chunk.t_ns <= CLOCK.monotonic_ns()
    assert isinstance(lost, PortLost)


def test_a_claimed_port_is_read_by_the_claimant_only() -> None:
    """While it is claimed its thread leaves it alone; afterwards it reads what is left."""
    inbox = Collected()
    with terminal() as (router, path):
        port = SerialPort(path, name="r1.at")
        port.open(inbox, 1)
        port.claim()
        nothing = port.read_now(1)
        os.write(router, b"A")
        mine = port.read_now(2)
        os.write(router, b"B")
        port.release()
        other = inbox.get(soon().end_ns)
        port.close()

    assert nothing is None
    assert isinstance(mine, Chunk)
    assert (mine.t_ns, mine.data) == (2, b"A")
    assert isinstance(other, Chunk)
    assert other.data == b"B"


def test_a_port_that_ends_while_it_is_claimed_is_told_to_be_lost_afterwards() -> None:
    """The claimant need not look: once it has released the port, the port's own thread tells."""
    inbox = Collected()
    with terminal() as (router, path):
        port = SerialPort(path, name="r1.at")
        port.open(inbox, 1)
        port.claim()
        os.close(router)
        port.release()
        lost = inbox.get(soon().end_ns)
        port.close()

    assert isinstance(lost, PortLost)


def test_a_claim_of_an_earlier_opening_does_not_silence_the_next() -> None:
    """Released too late, it takes nothing from a port that was opened again meanwhile."""
    inbox = Collected()
    with terminal() as (router, path):
        port = SerialPort(path, name="r1.at")
        port.open(inbox, 1)
        port.claim()
        port.close()
        port.open(inbox, 2)
        port.release()
        os.write(router, b"RDY\r\n")
        chunk = inbox.get(soon().end_ns)
        port.close()

    assert isinstance(chunk, Chunk)
    assert (chunk.opening, chunk.data) == (2, b"RDY\r\n")


def test_two_threads_share_a_session() -> None:
    """One waits for a URC, the other runs commands; each gets what is its own."""
    with terminal() as (router, path), AtSession.open([SerialPort(path)]) as session:
        urcs = session.subscribe("+CGEV")
        found: list[str] = []
        waiter = threading.Thread(target=lambda: found.append(urcs.wait_for(None, soon()).line))
        waiter.start()
        answers = threading.Thread(target=answer_commands, args=(router, 20))
        answers.start()
        replies = [session.execute("AT+CSQ", soon()).lines for _ in range(20)]
        os.write(router, b"\r\n+CGEV: NW DETACH\r\n")
        waiter.join(10)
        answers.join(10)

    assert replies == [("+CSQ: 20,99",)] * 20
    assert found == ["+CGEV: NW DETACH"]


def answer_commands(router: int, count: int) -> None:
    """Answer `count` commands as a router does."""
    for _ in range(count):
        command = b""
        while not command.endswith(b"\r"):
            command += os.read(router, 100)
        os.write(router, b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n")


def test_a_session_on_a_real_tty_survives_a_re_enumeration() -> None:
    """The port goes during a command; on the new one the next answer is the next command's."""
    with terminal() as (old, old_path), AtSession.open([SerialPort(old_path)]) as session:
        threading.Timer(0.01, os.close, args=(old,)).start()
        with pytest.raises(PortLostError):
            session.execute("AT+CFUN=1,1", soon())
        with terminal() as (new, new_path):
            session.rebind([SerialPort(new_path)])
            answers = threading.Thread(target=answer_commands, args=(new, 1))
            answers.start()
            reply = session.execute("AT+CSQ", soon())
            answers.join(10)
            session.close()

    assert (reply.lines, session.generation) == (("+CSQ: 20,99",), 2)


def test_hupcl_is_off_and_the_port_is_exclusive_only_while_it_is_open() -> None:
    """Closing must not drop DTR, and the next one may open it."""
    with terminal() as (_, path):
        probe = os.open(path, os.O_RDWR | os.O_NOCTTY)  # later, only root could
        port = SerialPort(path)
        port.open(LiveInbox(CLOCK), 1)
        flags = termios.tcgetattr(probe)[2]
        with pytest.raises(BlockingIOError):
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(probe)
        port.close()
        port.close()
        again = os.open(path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(again)

    assert not flags & termios.HUPCL


def test_a_port_that_is_held_is_busy() -> None:
    """Two sessions on one port would steal each other's answers."""
    with terminal() as (_, path):
        first = SerialPort(path)
        first.open(LiveInbox(CLOCK), 1)
        with pytest.raises(PortBusyError) as caught:
            SerialPort(path, name="r1.at").open(LiveInbox(CLOCK), 1)
        first.close()

    assert caught.value.port == "r1.at"


def test_a_port_that_is_not_there_is_lost() -> None:
    """The message asks for the plug."""
    with pytest.raises(PortLostError) as caught:
        SerialPort("/dev/ttyUSB_none").open(LiveInbox(CLOCK), 1)

    assert str(caught.value) == (
        "/dev/ttyUSB_none is not there; is the router plugged in and booted?"
    )


@pytest.mark.parametrize("step", ["tcflush", "tcgetattr"])
def test_a_port_that_goes_away_while_it_is_opened_is_lost(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What termios raises is no OSError; whichever call meets the gap, the port is lost."""
    with terminal() as (router, path):
        real = getattr(termios, step)
        left = [router]

        def pulled(fd: int, *rest: int) -> object:
            while left:
                os.close(left.pop())
            return real(fd, *rest)

        monkeypatch.setattr(termios, step, pulled)
        with pytest.raises(PortLostError) as caught:
            SerialPort(path, name="r1.at").open(LiveInbox(CLOCK), 1)

    assert str(caught.value) in {
        f"{path} went away while it was opened; is the router still plugged in?",
        f"{path} is not there; is the router plugged in and booted?",
    }
    assert caught.value.port == "r1.at"


OPEN_AS_NOBODY = """
import grp, os, sys  # all that is needed, while this process may still read it
from harness.core.clock import SystemClock
from harness.core.errors import BenchError
from harness.port.inbox import LiveInbox
from harness.port.serial_port import SerialPort
if os.geteuid() == 0:
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)  # the real user stays root, as of a program that gives up its rights
try:
    SerialPort(sys.argv[1]).open(LiveInbox(SystemClock()), 1)
except BenchError as exc:
    print(type(exc).__name__, exc)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "cure"),
    [
        (0o060, r"'sudo usermod -a -G \S+ \$USER', then log in again"),
        (0, "install the rules of 'harness udev-rules', which give it to a group"),
    ],
)
def test_a_port_that_this_user_may_not_open_is_said_with_the_cure(mode: int, cure: str) -> None:
    """Not busy and not lost: a matter of permission, and who may is told by the node."""
    with terminal() as (_, path):
        Path(path).chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", OPEN_AS_NOBODY, path],
            capture_output=True, text=True, check=True,
        )  # fmt: skip

    said = rf"BenchError {re.escape(path)} may not be opened by this user; {cure}\n"
    assert re.fullmatch(said, done.stdout), done.stdout


def test_what_is_no_tty_is_refused(tmp_path: Path) -> None:
    """A file is not a serial port."""
    path = tmp_path / "file"
    path.touch()

    with pytest.raises(BenchError, match="cannot be opened as a serial port"):
        SerialPort(str(path)).open(LiveInbox(CLOCK), 1)


def test_the_end_of_a_port_arrives_like_its_bytes() -> None:
    """A router that is unplugged ends the stream, once, and closing is still allowed."""
    inbox = LiveInbox(CLOCK)
    with terminal() as (router, path):
        port = SerialPort(path, name="r1.at")
        port.open(inbox, 3)
        os.close(router)
        lost = received(inbox)
        port.close()

    assert isinstance(lost, PortLost)
    assert (lost.port, lost.opening) == ("r1.at", 3)
    assert lost.reason in {"Input/output error", "end of file"}


def test_writing_to_a_closed_port_says_that_it_is_gone() -> None:
    """Whoever writes learns it at once."""
    with terminal() as (_, path):
        port = SerialPort(path, name="r1.at")
        with pytest.raises(PortLostError, match=r"r1\.at is gone while sending"):
            port.write(b"AT\r", soon())


def test_a_port_that_takes_no_more_bytes_is_stuck() -> None:
    """As with hardware flow control on a port without its wires."""
    with terminal() as (_, path):
        port = SerialPort(path, name="r1.at")
        port.open(LiveInbox(CLOCK), 1)
        with pytest.raises(PortStuckError) as caught:
            port.write(b"x" * 1_000_000, Deadline.after(0.02, CLOCK))
        port.close()

    words = r"of 1000000 bytes in \d+\.\d s; is hardware flow control on"
    assert re.search(words, str(caught.value))


def test_a_pty_has_no_modem_lines() -> None:
    """Dropping DTR does nothing there, and says so."""
    with terminal() as (_, path):
        port = SerialPort(path)
        port.open(LiveInbox(CLOCK), 1)
        pulsed = port.pulse_dtr(0.0)
        port.close()

    assert not pulsed


@pytest.mark.parametrize("code", [errno.EPIPE, errno.EPROTO, errno.ETIMEDOUT])
def test_a_device_that_stalls_requests_for_modem_lines_is_used_without(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The request is optional (PSTN 1.2, 6.3.12), and its error is not the port's."""
    real: Any = fcntl.ioctl
    lines = {termios.TIOCMBIS, termios.TIOCMBIC}

    def stalls(fd: int, request: int, *rest: object) -> object:
        if request in lines:
            raise OSError(code, os.strerror(code))
        return real(fd, request, *rest)

    monkeypatch.setattr(fcntl, "ioctl", stalls)
    with terminal() as (_, path):
        port = SerialPort(path)
        port.open(LiveInbox(CLOCK), 1)
        try:
            assert not port.pulse_dtr(0.001)
        finally:
            port.close()


def test_the_holder_of_a_port_is_named_with_the_cure(tmp_path: Path) -> None:
    """A process table as /proc has it: the name, the pid, and what to do."""
    device = tmp_path / "ttyUSB2"
    device.touch()
    process = tmp_path / "proc" / "412"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("ModemManager\n")
    (process / "fd" / "9").symlink_to(device)

    holders = holders_of(str(device), proc=tmp_path / "proc")

    assert holders == ("ModemManager (pid 412)",)
    assert busy_message("/dev/ttyUSB2", holders, "busy") == (
        "/dev/ttyUSB2 is held by ModemManager (pid 412); keep it off this router: "
        "'mmcli --inhibit-device', or a udev rule with ENV{ID_MM_DEVICE_IGNORE}=\"1\""
    )


def test_the_far_end_of_a_pseudo_terminal_is_no_holder(tmp_path: Path) -> None:
    """Who has the master in hand is the device itself."""
    device = tmp_path / "5"
    device.touch()
    process = tmp_path / "proc" / "412"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("python3\n")
    (process / "fd" / "8").symlink_to("/dev/ptmx")
    (process / "fd" / "9").symlink_to(device)

    assert holders_of(str(device), proc=tmp_path / "proc") == ()


def test_a_holder_that_cannot_be_seen_is_admitted() -> None:
    """Another user's processes do not show their descriptors."""
    assert busy_message("/dev/ttyUSB2", (), "Device or resource busy") == (
        "/dev/ttyUSB2 is busy (Device or resource busy); its holder cannot be seen from this "
        "user; 'sudo fuser -v /dev/ttyUSB2' names it, ModemManager is the usual one"
    )


def test_an_unknown_holder_has_the_general_cure() -> None:
    """There is always something to do."""
    assert busy_message("/dev/x", ("foo (pid 1)",), "") == (
        "/dev/x is held by foo (pid 1); end it, or take another port"
    )
