"""``harness.at.crowd``: many routers on real ttys, driven by one thread."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.at.crowd import Answer, Crowd
from harness.at.dialogue import Habits
from harness.at.errors import AtCommandError, AtTimeoutError
from harness.at.session import AtSession
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import UsageError
from harness.port.errors import PortLostError, PortStuckError
from harness.port.serial_port import SerialPort

CLOCK = SystemClock()
CSQ = b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"


class Bench:
    """Routers whose side of the port is the test's."""

    def __init__(self, opened: ExitStack, count: int) -> None:
        self.routers: list[int] = []
        self.sessions: list[AtSession] = []
        for number in range(count):
            router, ours = os.openpty()
            tty.setraw(ours)
            port = SerialPort(os.ttyname(ours), name=f"r{number}.at")
            os.close(ours)
            self.routers.append(router)
            habits = Habits(missing_ok=frozenset({"AT+CPIN?"}))
            self.sessions.append(opened.enter_context(AtSession.open([port], habits=habits)))

    def say(self, number: int, wire: bytes) -> None:
        """Let a router take in what it was sent, and say something."""
        os.read(self.routers[number], 4096)
        os.write(self.routers[number], wire)

    def unplug(self, number: int) -> None:
        """Pull a router's plug."""
        os.close(self.routers[number])
        self.routers[number] = -1

    def close(self) -> None:
        """Close what is still plugged in."""
        for router in self.routers:
            if router >= 0:
                os.close(router)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give three routers with their sessions."""
    with ExitStack() as opened:
        made = Bench(opened, 3)
        opened.callback(made.close)
        yield made


def soon(seconds: float = 20.0) -> Deadline:
    """Return a deadline long enough for a loaded machine."""
    return Deadline.after(seconds, CLOCK)


def lines(answer: Answer) -> tuple[str, ...]:
    """Return the information lines of an answer that there must be."""
    assert answer.error is None
    assert answer.reply is not None
    return answer.reply.lines


def test_each_router_gets_its_own_answer(bench: Bench) -> None:
    """In the order in which they come, with the command they are the answer to."""
    first, second, third = bench.sessions
    with Crowd(bench.sessions) as crowd:
        for session in bench.sessions:
            crowd.ask(session, "AT+CSQ", soon())
        answers = crowd.answers()
        bench.say(2, b"\r\n+CSQ: 2,99\r\n\r\nOK\r\n")
        came = [next(answers)]
        bench.say(0, b"\r\n+CSQ: 0,99\r\n\r\nOK\r\n")
        came.append(next(answers))
        bench.say(1, b"\r\n+CSQ: 1,99\r\n\r\nOK\r\n")
        came.extend(answers)

    assert [(answer.session, lines(answer)) for answer in came] == [
        (third, ("+CSQ: 2,99",)),
        (first, ("+CSQ: 0,99",)),
        (second, ("+CSQ: 1,99",)),
    ]
    assert {answer.command for answer in came} == {"AT+CSQ"}


def test_who_reads_the_answers_may_ask_on(bench: Bench) -> None:
    """A router is asked again while others still think."""
    asked = [0, 0, 0]
    with Crowd(bench.sessions) as crowd:
        for number, session in enumerate(bench.sessions):
            crowd.ask(session, "AT+N=0", soon())
            bench.say(number, b"\r\n+N: 0\r\n\r\nOK\r\n")
        for answer in crowd.answers():
            number = bench.sessions.index(answer.session)
            assert lines(answer) == (f"+N: {asked[number]}",)
            asked[number] += 1
            if asked[number] < 4 + number:
                crowd.ask(answer.session, f"AT+N={asked[number]}", soon())
                bench.say(number, b"\r\n+N: %d\r\n\r\nOK\r\n" % asked[number])

    assert asked == [4, 5, 6]


def test_a_refusal_is_an_answer_with_its_error(bench: Bench) -> None:
    """As `execute` would raise it."""
    with Crowd(bench.sessions) as crowd:
        crowd.ask(bench.sessions[0], "AT+CPIN?", soon())
        bench.say(0, b"\r\n+CME ERROR: 10\r\n")
        (answer,) = crowd.answers()

    assert answer.reply is None
    assert isinstance(answer.error, AtCommandError)
    assert answer.error.code == 10


def test_a_router_that_is_gone_disturbs_no_other(bench: Bench) -> None:
    """Its command ends at once, and so does the next one."""
    gone, alive, _ = bench.sessions
    with Crowd(bench.sessions) as crowd:
        crowd.ask(gone, "AT+CSQ", soon())
        crowd.ask(alive, "AT+CSQ", soon())
        bench.unplug(0)
        answers = crowd.answers()
        lost = next(answers)
        bench.say(1, CSQ)
        (well,) = answers
        crowd.ask(gone, "AT+CSQ", soon())
        (again,) = crowd.answers()

    assert isinstance(lost.error, PortLostError)
    assert str(lost.error).startswith("r0.at is gone while 'AT+CSQ' was in flight")
    assert lines(well) == ("+CSQ: 20,99",)
    assert isinstance(again.error, PortLostError)


def test_a_late_answer_is_nobodys(bench: Bench) -> None:
    """Nothing is sent to a silent router before its late answer has come."""
    silent, other, _ = bench.sessions
    with Crowd(bench.sessions) as crowd:
        crowd.ask(silent, "AT+CREG?", soon(0.05))
        (late,) = crowd.answers()
        crowd.ask(silent, "AT+CSQ", soon())
        (refused,) = crowd.answers()

        bench.say(0, b"\r\n+CREG: 0,1\r\n\r\nOK\r\n")
        crowd.ask(other, "AT+CSQ", soon())
        bench.say(1, CSQ)
        list(crowd.answers())
        crowd.ask(silent, "AT+CSQ", soon())
        bench_wire = os.read(bench.routers[0], 100)
        os.write(bench.routers[0], CSQ)
        (well,) = crowd.answers()

    assert isinstance(late.error, AtTimeoutError)
    assert str(late.error).startswith("r0.at: no final result code for 'AT+CREG?' after ")
    assert str(refused.error) == (
        "r0.at: 'AT+CSQ' is not sent, because an earlier command that timed out may still be "
        "answered; drain the session"
    )
    assert bench_wire == b"AT+CSQ\r"
    assert lines(well) == ("+CSQ: 20,99",)
    assert silent.late_lines == 2


def test_a_port_that_takes_no_more_is_not_waited_for(bench: Bench) -> None:
    """Its command ends with an error before it is in flight."""
    stuck = bench.sessions[0]
    with pytest.raises(PortStuckError):
        stuck.ports[0].write(b"x" * 1_000_000, soon(0.05))
    with Crowd(bench.sessions) as crowd:
        crowd.ask(stuck, "AT", soon())
        (answer,) = crowd.answers()

    assert isinstance(answer.error, PortStuckError)
    assert "took 0 of 3 bytes in " in str(answer.error)


def test_what_silence_completes_is_completed(bench: Bench) -> None:
    """An OK that the model leaves out; a URC goes to who subscribed to it."""
    urcs = bench.sessions[0].subscribe("+CGEV")
    with Crowd(bench.sessions) as crowd:
        crowd.ask(bench.sessions[0], "AT+CPIN?", soon())
        bench.say(0, b"\r\n+CPIN: READY\r\n\r\n+CGEV: ME DETACH\r\n")
        (answer,) = crowd.answers()

    assert lines(answer) == ("+CPIN: READY",)
    assert [urc.line for urc in urcs] == ["+CGEV: ME DETACH"]


def test_a_command_at_a_time_and_to_members_only(bench: Bench) -> None:
    """What is wrong with the test is said at once."""
    member, stranger, _ = bench.sessions
    with Crowd([member, member]) as crowd:
        crowd.ask(member, "AT", soon())
        with pytest.raises(UsageError) as twice:
            crowd.ask(member, "AT+CSQ", soon())
        with pytest.raises(UsageError) as foreign:
            crowd.ask(stranger, "AT+CSQ", soon())
        bench.say(0, b"\r\nOK\r\n")
        assert len(list(crowd.answers())) == 1

    assert str(twice.value) == "'AT+CSQ' cannot be sent: the session has a command in flight"
    assert str(foreign.value) == "'AT+CSQ' cannot be sent: the session is not of this crowd"


def test_sessions_go_on_after_the_crowd(bench: Bench) -> None:
    """What was left in flight is drained before the next command."""
    session, router = bench.sessions[0], bench.routers[0]
    with Crowd(bench.sessions) as crowd:
        crowd.ask(session, "AT+CREG?", soon())
    os.read(router, 100)

    def answer() -> None:
        os.write(router, b"\r\n+CREG: 0,1\r\n\r\nOK\r\n")
        while (wire := os.read(router, 100)) != b"AT+CSQ\r":
            assert wire == b"AT\r"
            os.write(router, b"\r\nOK\r\n")
        os.write(router, CSQ)

    thread = threading.Thread(target=answer)
    thread.start()
    reply = session.execute("AT+CSQ", soon())
    thread.join()

    assert reply.lines == ("+CSQ: 20,99",)
    assert session.late_lines == 2
