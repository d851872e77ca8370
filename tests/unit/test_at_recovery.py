"""``harness.at.recovery``: the ladder, step by step."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.at.errors import DeadPortError
from harness.at.recovery import Ladder, RecoveryStep, Rung
from harness.at.session import AtSession
from harness.core.clock import Deadline
from harness.port.inbox import BytePort
from harness.port.replay import Replay
from harness.port.transcript import Direction, Entry

S = 1_000_000_000


def replay(*rows: tuple[float, str, bytes]) -> Replay:
    """Return a replay of (second, direction, bytes)."""
    return Replay(
        (
            Entry(t_ns=round(second * S), port="r1.at", direction=Direction(way), data=data)
            for second, way, data in rows
        ),
        start_ns=0,
    )


def climbed(source: Replay, limit_s: float) -> tuple[Rung, list[RecoveryStep]]:
    """Climb the ladder over `source` without power; return the last rung and the steps."""
    steps: list[RecoveryStep] = []
    with AtSession.open([source.port("r1.at")], clock=source, inbox=source) as session:
        rung = Ladder(session, report=steps.append).climb(Deadline.after(limit_s, source))
    return rung, steps


def test_a_router_that_answers_after_silence_needs_no_more() -> None:
    """The mildest step is the first."""
    rung, steps = climbed(replay((0.25, ">", b"AT\r"), (0.3, "<", b"\r\nOK\r\n")), 60)

    assert rung is Rung.DRAIN
    assert [(step.rung, step.ok, step.detail) for step in steps] == [(Rung.DRAIN, True, "")]
    assert steps[0].took_s == pytest.approx(0.25)


def test_each_step_that_does_not_help_is_reported_with_its_reason() -> None:
    """Drain and reopening time out, a replay has no DTR, the restart helps."""
    source = replay(
        (0.25, ">", b"AT\r"),
        *((1.25 + 0.5 * number, ">", b"AT\r") for number in range(10)),
        (7, ">", b"AT+CFUN=1,1\r"),
        (7.1, "<", b"\r\nOK\r\n"),
        (8, ">", b"AT\r"),
        (8.1, "<", b"\r\nOK\r\n"),
    )
    rung, steps = climbed(source, 120)

    assert rung is Rung.RESET
    assert [(step.rung, step.ok) for step in steps] == [
        (Rung.DRAIN, False),
        (Rung.REOPEN, False),
        (Rung.DTR, False),
        (Rung.RESET, True),
    ]
    assert steps[2].detail == "the port has no modem lines"
    assert "no OK to AT, sent 10 times" in steps[1].detail


def test_a_router_that_nothing_helps_is_dead_and_the_message_names_all_steps() -> None:
    """Whoever reads it knows what was tried."""
    source = replay((0.25, ">", b"AT\r"))
    with pytest.raises(DeadPortError) as caught:
        climbed(source, 1.0)

    assert str(caught.value).startswith(
        "the router does not answer after 1.0 s of recovery: drain: r1.at: no final result code"
    )


def test_power_is_the_last_step_and_the_ports_are_found_again() -> None:
    """After a re-enumeration the ports have other names; the bench finds them."""
    source = replay(
        (0.25, ">", b"AT\r"),
        *((1.25 + 0.5 * number, ">", b"AT\r") for number in range(10)),
        (7, ">", b"AT+CFUN=1,1\r"),
        *((9 + 0.5 * number, ">", b"AT\r") for number in range(120)),
        (90, ">", b"AT\r"),
        (90.1, "<", b"\r\nOK\r\n"),
    )
    switched: list[float] = []

    def power(deadline: Deadline) -> None:
        switched.append(deadline.left_s)

    def reacquire(deadline: Deadline) -> Sequence[BytePort]:
        assert deadline.left_s > 0
        return [source.port("r1.at")]

    with AtSession.open([source.port("r1.at")], clock=source, inbox=source) as session:
        ladder = Ladder(session, reacquire=reacquire, power=power)
        rung = ladder.climb(Deadline.after(200, source))

    assert rung is Rung.POWER
    assert len(switched) == 1
