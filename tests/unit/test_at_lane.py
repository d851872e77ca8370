"""``harness.at.lane`` and ``switchboard``: one port's answers, and the ports of a session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.at.dialogue import Habits
from harness.at.errors import AtCommandError, AtFramingError, AtTimeoutError
from harness.at.lane import Reply, accepted, newest_line
from harness.at.switchboard import Switchboard
from harness.core.clock import Deadline, FakeClock
from harness.port.inbox import Chunk
from harness.port.replay import Replay

S = 1_000_000_000


def reply(*lines: str, final: str = "OK") -> Reply:
    """Return an answer with these lines."""
    return Reply(lines=lines, final=final, raw=b"", sent_ns=0, done_ns=0)


def board(*names: str) -> Switchboard:
    """Return a switchboard with ports of these names."""
    source = Replay((), start_ns=0)
    found = Switchboard(Habits())
    found.plug([source.port(name) for name in names])
    return found


def chunk(name: str, data: bytes, t_ns: int) -> Chunk:
    """Return bytes that arrived at a port of the first generation."""
    return Chunk(port=name, opening=1, t_ns=t_ns, data=data)


def at_once(done: Callable[[], bool], deadline: Deadline) -> bool:
    """Wait for nothing."""
    return done() or deadline.passed


@pytest.mark.parametrize("final", ["OK", "CONNECT", "CONNECT 150000000"])
def test_a_command_was_accepted(final: str) -> None:
    """OK, and CONNECT with or without a rate (V.250 5.7)."""
    answer = reply(final=final)

    assert accepted("ATD*99#", answer) is answer


@pytest.mark.parametrize("final", ["CONNECTED", "connect 9600", "NO CARRIER", "ERROR"])
def test_a_command_was_refused_and_its_lines_are_kept(final: str) -> None:
    """What came before the refusal may say why."""
    with pytest.raises(AtCommandError) as caught:
        accepted("ATD*99#", reply("+CEER: no service", final=final))

    assert caught.value.lines == ("+CEER: no service",)
    assert caught.value.raw == final


def test_of_two_lines_of_one_name_the_newest_is_the_state() -> None:
    """Other lines between and after them, blanks before, and small letters do not matter."""
    answer = reply(
        "+CEREG: 2,2", "+CSQ: 1,99", "+CEREG: 2,5", '  +cereg: 2,1,"1","2",7', "+CSQ: 2,99"
    )

    assert newest_line(answer, "+CEREG") == '  +cereg: 2,1,"1","2",7'
    assert newest_line(answer, "+CGREG", "+CSQ") == "+CSQ: 2,99"


def test_a_missing_line_is_said_with_what_came() -> None:
    """Every name that was looked for, and the lines."""
    with pytest.raises(AtFramingError) as caught:
        newest_line(reply("+CSQ: 1,99"), "+CEREG", "+CGREG")

    assert str(caught.value) == (
        "expected a line that begins with +CEREG or +CGREG, got ('+CSQ: 1,99',)"
    )


def test_an_answer_ends_the_count_of_timeouts() -> None:
    """Only commands in a row count."""
    (lane,) = board("at").lanes
    deadline = Deadline.after(1.0, FakeClock())
    lane.begin("AT")
    with pytest.raises(AtTimeoutError):
        lane.outcome("AT", 0, deadline)
    assert lane.timeouts == 1

    lane.begin("AT")
    lane.receive(chunk("at", b"\r\nOK\r\n", S))
    assert lane.outcome("AT", 0, deadline).final == "OK"
    assert lane.timeouts == 0


def test_what_arrives_before_a_port_is_plugged_is_nobodys() -> None:
    """A reader thread may be faster than the session."""
    found = Switchboard(Habits())
    found.take(chunk("at", b"\r\nRING\r\n", S))

    assert found.lanes == []


def test_a_urc_that_is_complete_by_silence_has_the_name_of_its_port() -> None:
    """A digit and CR alone is RING in short form (V.250 5.7.1) when nothing follows."""
    found = board("at", "at2")
    heard = found.subscribe((), at_once)
    found.take(chunk("at2", b"2\r", S))
    due_ns = found.tick_ns()
    assert due_ns is not None
    found.tick(due_ns)

    assert [(urc.port, urc.line) for urc in heard] == [("at2", "RING")]


def test_the_first_of_several_timers_is_the_next() -> None:
    """Whatever the order of the ports; a port that waits for nothing does not count."""
    for early, late in (("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")):
        found = board("a", "b", "c")
        found.take(chunk(late, b"2\r", 5 * S))
        found.take(chunk(early, b"2\r", 3 * S))

        assert found.tick_ns() == 3 * S + 50_000_000
    assert board("a", "b").tick_ns() is None


def test_who_unsubscribes_hears_nothing_more_and_others_do() -> None:
    """The others' subscriptions stay, and new ones can be made."""
    found = board("at")
    first = found.subscribe((), at_once)
    second = found.subscribe((), at_once)
    found.unsubscribe(first)
    third = found.subscribe((), at_once)
    found.take(chunk("at", b"\r\nRING\r\n", S))

    assert [urc.line for urc in second] == ["RING"]
    assert [urc.line for urc in third] == ["RING"]
    assert list(first) == []
