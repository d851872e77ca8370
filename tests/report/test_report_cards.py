"""``harness.report.cards``: the SIM lane of a case that ended before it noted a card."""

from __future__ import annotations

from harness.record.rows import EventRow, SimUseRow
from harness.report.cards import cards

FIRST, SECOND = "8981100000000000010", "8981200000000000019"


def said(t_ns: int, text: str, iccid: str | None, carrier: str = "docomo") -> EventRow:
    """Return a line of the access server's log."""
    return EventRow(
        id=t_ns,
        result_id=7,
        kind="server",
        text=text,
        party="access_server",
        t_ns=t_ns,
        utc_us=0,
        data={"iccid": iccid, "carrier": carrier},
    )


def test_the_servers_log_tells_what_the_case_did_not_note() -> None:
    """From a profile held to its release; the last one goes on."""
    events = [
        said(10, "selected", FIRST),
        said(20, "held", FIRST),
        said(25, "login", None),
        said(30, "rejected", FIRST),
        said(31, "released", FIRST),
        said(40, "held", SECOND, "softbank"),
    ]

    assert [(c.iccid, c.carrier, c.start_ns, c.end_ns) for c in cards([], events)] == [
        (FIRST, "docomo", 20, 31),
        (SECOND, "softbank", 40, None),
    ]


def test_a_card_ends_where_the_next_is_held() -> None:
    """A release that was not logged does not leave two cards in one router."""
    found = cards([], [said(20, "held", FIRST), said(40, "held", SECOND)])

    assert [(c.start_ns, c.end_ns) for c in found] == [(20, 40), (40, None)]


def test_what_the_case_noted_goes_before_the_log() -> None:
    """The router itself was asked for it."""
    noted = SimUseRow(
        result_id=7, iccid=SECOND, imsi="1", carrier="kddi", plmn="44051", start_ns=5, end_ns=None
    )

    assert cards([noted], [said(20, "held", FIRST)]) == [noted]


def test_no_log_and_no_note_is_no_card() -> None:
    """Nothing is invented."""
    assert cards([], [said(10, "selected", FIRST)]) == []
