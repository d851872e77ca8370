"""AT figures of this machine: ours and raw pyserial's, from one run.

Run it by hand or by `make bench`; it judges nothing, because other work on a machine moves each
figure. The emulator is a process of its own that answers without a delay; its own time is
measured by the thinnest client there is (write, poll, read) and taken off.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import select
import statistics
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import serial

from harness.at.crowd import Crowd
from harness.at.session import AtSession
from harness.core.clock import Deadline, SystemClock
from harness.port.errors import PortLostError
from harness.port.serial_port import SerialPort
from harness.port.transcript import Transcript, read_transcript

CLOCK = SystemClock()
ANSWER = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"
JUNK_BYTES = 2_000_000


def emulate(count: int, told: Connection, junk: bytes) -> None:
    """Be `count` routers: answer AT+CSQ, AT+N, AT+JUNK and AT; AT+BYE closes the port."""
    ends: dict[int, int] = {}  # router's end: ours, kept open so that its settings stay
    poller = select.poll()

    def plug_in() -> str:
        router, ours = os.openpty()
        tty.setraw(ours)
        ends[router] = ours
        poller.register(router, select.POLLIN)
        return os.ttyname(ours)

    told.send([plug_in() for _ in range(count)])
    poller.register(told.fileno(), select.POLLIN)
    while True:
        for fd, _ in poller.poll():
            if fd == told.fileno():
                if told.recv() == "end":
                    return
                told.send(plug_in())
                continue
            commands = os.read(fd, 65536).split(b"\r")[:-1]
            for command in commands:
                if command == b"AT+BYE":
                    poller.unregister(fd)
                    os.close(ends.pop(fd))
                    os.close(fd)
                    break
                os.write(fd, _answer(command)) if command != b"AT+JUNK" else _flood(fd, junk)


def _answer(command: bytes) -> bytes:
    if command == b"AT+CSQ":
        return ANSWER
    if command.startswith(b"AT+N="):
        return b"\r\n+N: " + command[5:] + b"\r\n\r\nOK\r\n"
    return b"\r\nOK\r\n"


def _flood(fd: int, junk: bytes) -> None:
    rest = memoryview(junk + b"\r\nOK\r\n")
    while rest:
        rest = rest[os.write(fd, rest[:4096]) :]


@contextmanager
def routers(count: int, junk: bytes = b"") -> Iterator[tuple[list[str], Connection]]:
    """Give the paths of `count` emulated routers and the line to their process."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=emulate, args=(count, there, junk), daemon=True)
    process.start()
    try:
        yield here.recv(), here
    finally:
        here.send("end")
        process.join(5)


def timed(rounds: int, ask: Callable[[], object]) -> tuple[float, float]:
    """Return median and 99th percentile of `ask` in ms."""
    for _ in range(200):
        ask()
    times_ns = []
    for _ in range(rounds):
        start_ns = time.perf_counter_ns()
        ask()
        times_ns.append(time.perf_counter_ns() - start_ns)
    times_ns.sort()
    return statistics.median(times_ns) / 1e6, times_ns[len(times_ns) * 99 // 100] / 1e6


def thinnest(path: str) -> tuple[int, Callable[[], bytes]]:
    """Return a descriptor and a client that only writes, polls and reads."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    poller = select.poll()
    poller.register(fd, select.POLLIN)

    def ask() -> bytes:
        os.write(fd, b"AT+CSQ\r")
        got = b""
        while not got.endswith(b"OK\r\n"):
            poller.poll()
            got += os.read(fd, 4096)
        return got

    return fd, ask


def bench_round_trip(rounds: int) -> None:
    """Print the time of one command: thinnest client, pyserial, ours."""
    with routers(1) as (paths, _):
        fd, ask = thinnest(paths[0])
        own_median, own_p99 = timed(rounds, ask)
        os.close(fd)
        with serial.Serial(paths[0], timeout=1) as port:

            def ask_pyserial() -> bytes:
                port.write(b"AT+CSQ\r")
                return bytes(port.read_until(b"OK\r\n"))

            peer_median, peer_p99 = timed(rounds, ask_pyserial)
        with tempfile.TemporaryDirectory() as directory:
            transcript = Transcript(Path(directory) / "bench.at.txt")
            port_ = SerialPort(paths[0], transcript=transcript)
            with transcript, AtSession.open([port_]) as session:
                median, p99 = timed(rounds, lambda: session.execute("AT+CSQ"))
    say(f"round_trip  emulator   {own_median:.3f} ms median  {own_p99:.3f} ms p99")
    say(
        f"round_trip  pyserial  +{peer_median - own_median:.3f} ms median  "
        f"{peer_p99 - own_p99:+.3f} ms p99   (read_until, one byte a read)"
    )
    say(
        f"round_trip  ours  +{median - own_median:.3f} ms median  {p99 - own_p99:+.3f} ms p99  "
        "(parsed, timed, recorded; goal 0.06 and 0.2)"
    )


def bench_junk() -> None:
    """Print the time for 2 MB of junk that ends in OK, with each byte in the transcript."""
    junk = random.Random(3).randbytes(JUNK_BYTES // 2)
    junk += b"\r\n+URC: 0123456789 0123456789 0123456789 0123456789" * (JUNK_BYTES // 2 // 50)
    with routers(1, junk) as (paths, _), tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "bench.at.txt"
        fd, _ = thinnest(paths[0])
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        start_ns = time.perf_counter_ns()
        os.write(fd, b"AT+JUNK\r")
        tail = b""
        while not tail.endswith(b"\r\nOK\r\n"):
            poller.poll()
            tail = (tail + os.read(fd, 65536))[-100:]
        own_s = (time.perf_counter_ns() - start_ns) / 1e9
        os.close(fd)
        transcript = Transcript(path)
        with transcript, AtSession.open([SerialPort(paths[0], transcript=transcript)]) as session:
            session.execute("AT")
            start_ns = time.perf_counter_ns()
            session.execute("AT+JUNK", Deadline.after(60, CLOCK))
            took_s = (time.perf_counter_ns() - start_ns) / 1e9
        recorded = sum(len(entry.data) for entry in read_transcript(path) if entry.direction == "<")
    say(
        f"junk  ours  {took_s:.3f} s for {len(junk) / 1e6:.2f} MB, of which the emulator "
        f"{own_s:.3f} s; {recorded - len(junk) - 12} bytes missing or added (goal 0.15 s)"
    )


def bench_thin_ports(count: int, seconds: float) -> None:
    """Print what the thinnest clients reach in as many threads: the ceiling of this machine."""
    with routers(count) as (paths, _):
        asked = [0] * count
        end = time.monotonic() + seconds

        def drive(index: int) -> None:
            fd, ask = thinnest(paths[index])
            while time.monotonic() < end:
                ask()
                asked[index] += 1
            os.close(fd)

        threads = [threading.Thread(target=drive, args=(index,)) for index in range(count)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s = time.monotonic() - start
    say(
        f"ports  thinnest client  {sum(asked) / took_s:,.0f} commands/s on {count} ports, one "
        "thread each, neither parsed nor timed (pyserial cannot: 5 descriptors a port, select)"
    )


def bench_ports(count: int, seconds: float) -> None:
    """Print how many commands a second `count` ports reach together, and what was lost."""
    with routers(count) as (paths, _), ExitStack() as stack:
        sessions = [stack.enter_context(AtSession.open([SerialPort(path)])) for path in paths]
        asked = [0] * count
        wrong = [0] * count
        end = time.monotonic() + seconds

        def drive(mine: Sequence[int]) -> None:
            for index in mine:
                sessions[index].execute("AT")
            while time.monotonic() < end:
                for index in mine:
                    number = asked[index]
                    reply = sessions[index].execute(f"AT+N={number}", Deadline.after(30, CLOCK))
                    wrong[index] += reply.lines != (f"+N: {number}",)
                    asked[index] += 1

        threads = [threading.Thread(target=drive, args=([index],)) for index in range(count)]
        start = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took_s = time.monotonic() - start
        late = sum(session.late_lines for session in sessions)
    say(
        f"ports  ours  {sum(asked) / took_s:,.0f} commands/s on {count} ports, one thread "
        f"each; {sum(wrong)} wrong, {late} late, {min(asked)} to {max(asked)} a port"
    )


def bench_thin_loop(count: int, seconds: float) -> None:
    """Print what one thread reaches that only polls, reads and writes: the machine's ceiling."""
    with routers(count) as (paths, _):
        epoll = select.epoll()
        fds = [os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK) for path in paths]
        for fd in fds:
            epoll.register(fd, select.EPOLLIN)
            os.write(fd, b"AT+CSQ\r")
        asked = 0
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            for fd, _ in epoll.poll():
                asked += os.read(fd, 4096).count(b"OK\r\n")
                os.write(fd, b"AT+CSQ\r")
        took_s = time.monotonic() - start
        for fd in fds:
            os.close(fd)
        epoll.close()
    say(
        f"ports  thinnest loop  {asked / took_s:,.0f} commands/s on {count} ports, one thread "
        "for all, neither parsed nor timed"
    )


def bench_crowd(count: int, seconds: float) -> None:
    """Print the same for one thread that drives all of them by a `Crowd`."""
    with routers(count) as (paths, _), ExitStack() as stack:
        sessions = [stack.enter_context(AtSession.open([SerialPort(path)])) for path in paths]
        asked = dict.fromkeys(sessions, 0)
        wrong = 0
        start = time.monotonic()
        with Crowd(sessions) as crowd:
            for session in sessions:
                crowd.ask(session, "AT+N=0")
            for answer in crowd.answers():
                number = asked[answer.session]
                wrong += answer.reply is None or answer.reply.lines != (f"+N: {number}",)
                asked[answer.session] = number + 1
                if time.monotonic() < start + seconds:
                    crowd.ask(answer.session, f"AT+N={number + 1}")
        took_s = time.monotonic() - start
        late = sum(session.late_lines for session in sessions)
    total = sum(asked.values())
    say(
        f"ports  ours  {total / took_s:,.0f} commands/s on {count} ports, one thread for all "
        f"(Crowd); {wrong} wrong, {late} late, {min(asked.values())} to {max(asked.values())} "
        "a port (goal 30,000)"
    )


def bench_re_enumeration(rounds: int) -> None:
    """Print how fast a port that went away and came back under a new name answers again."""
    times_ms = []
    wrong = 0
    with routers(1) as (paths, told), AtSession.open([SerialPort(paths[0])]) as session:
        for number in range(rounds):
            try:
                session.execute("AT+BYE", Deadline.after(5, CLOCK))
                wrong += 1
            except PortLostError:
                told.send("plug in")
            path = told.recv()
            start_ns = time.perf_counter_ns()
            session.rebind([SerialPort(path)])
            reply = session.execute(f"AT+N={number}", Deadline.after(5, CLOCK))
            times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
            wrong += reply.lines != (f"+N: {number}",)
        late = session.late_lines
    times_ms.sort()
    say(
        f"re_enum  ours  {statistics.median(times_ms):.2f} ms median, "
        f"{times_ms[len(times_ms) * 99 // 100]:.2f} ms p99, {times_ms[-1]:.2f} ms "
        f"worst until ready, {rounds} times; {wrong} wrong, {late} late (goal 300 ms)"
    )


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5000, help="commands of the round trip")
    parser.add_argument("--ports", type=int, default=300, help="ports that are busy together")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long they are busy")
    parser.add_argument("--re-enumerations", type=int, default=1000)
    options = parser.parse_args()
    sys.setswitchinterval(0.005)
    bench_round_trip(options.rounds)
    bench_junk()
    bench_re_enumeration(options.re_enumerations)
    bench_thin_ports(options.ports, options.seconds)
    bench_ports(options.ports, options.seconds)
    bench_thin_loop(options.ports, options.seconds)
    bench_crowd(options.ports, options.seconds)


if __name__ == "__main__":
    main()
