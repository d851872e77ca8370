"""`harness.report.registrations`: the lane's states, from notes or from the AT transcript."""

from __future__ import annotations

import pytest

from harness.record.rows import EventRow
from harness.report.registrations import registrations


def line(t_ns: int, text: str, direction: str = "rx") -> EventRow:
    """Return a line of the AT transcript."""
    return EventRow(
        id=t_ns, result_id=1, t_ns=t_ns, utc_us=0, kind="at", party=None, text=text,
        data={"direction": direction},
    )  # fmt: skip


def test_the_routers_own_lines_tell_when_nobody_asked() -> None:
    """URC and answer alike; what did not change is one state; sent lines and junk say nothing."""
    events = [
        line(1, "+CEREG: 2"),
        line(2, '+CEREG: 1,"3001","00109470",7'),
        line(3, '+CEREG: 3,1,"3001","00109470",7'),
        line(4, "+CEREG: ,,"),
        line(5, "AT+CEREG=3", "tx"),
        line(6, "+CEREG: 3"),
    ]

    assert registrations(events) == [(1, "searching"), (2, "home"), (6, "denied")]


def test_a_note_of_the_case_goes_before_lines() -> None:
    """It knows the operator, too."""
    note = EventRow(
        id=9, result_id=1, t_ns=7, utc_us=0, kind="registration", party="router",
        text="home 44010", data={},
    )  # fmt: skip

    assert registrations([line(1, "+CEREG: 2"), note]) == [(7, "home 44010")]


@pytest.mark.parametrize("name", ["+C5GREG", "+CGREG", "+CREG"])
def test_a_router_without_cereg_is_read_too(name: str) -> None:
    """The packet service's domain is taken where there are several."""
    assert registrations([line(1, f"{name}: 5"), line(2, "RDY")]) == [(1, "roaming")]
    assert registrations([line(1, f"{name}: 5"), line(2, "+CEREG: 1")]) == [(2, "home")]


def test_nothing_is_nothing() -> None:
    """A case in which the router said nothing of it has an empty lane."""
    assert registrations([line(1, "OK")]) == []
