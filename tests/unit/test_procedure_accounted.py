"""``harness.procedure.accounted``: what a router reported, from the access server's log."""

from __future__ import annotations

from harness.cloud.model import ServerEvent
from harness.procedure.accounted import Counts, reported_use

HOUR = "2026-11-27T05"


def usage(detail: str, iccid: str = "8981100000000000001", seq: int = 1) -> ServerEvent:
    """Return the server's line about one report of use."""
    return ServerEvent(seq=seq, utc_us=0, kind="usage", iccid=iccid, detail=detail)


def test_an_hour_reported_again_counts_once_by_its_newest_total() -> None:
    """The total of an hour grows from report to report; only the last one is the use."""
    log = [usage(f"{HOUR} dl 100 ul 10"), usage(f"{HOUR} dl 300 ul 40")]
    assert reported_use(log) == Counts(down=300, up=40)


def test_hours_and_sims_add_up() -> None:
    """Each SIM has its own total of each hour."""
    log = [
        usage(f"{HOUR} dl 100 ul 10"),
        usage("2026-11-27T06 dl 20 ul 2"),
        usage(f"{HOUR} dl 3 ul 1", iccid="8981200000000000002"),
    ]
    assert reported_use(log) == Counts(down=123, up=13)


def test_use_after_a_factory_reset_of_the_same_hour_is_seen() -> None:
    """A reset begins at zero: what is counted from there on shows although it is less."""
    before = [usage(f"{HOUR} dl 9000 ul 900"), usage(f"{HOUR} dl 0 ul 0")]
    after = [*before, usage(f"{HOUR} dl 1500 ul 500")]
    assert reported_use(after).since(reported_use(before)) == Counts(down=1500, up=500)


def test_a_counter_that_fell_back_shows_as_less() -> None:
    """A counter that a reboot throws back is told as the loss it is, never hidden by its best."""
    before = [usage(f"{HOUR} dl 9000 ul 900")]
    after = [*before, usage(f"{HOUR} dl 4000 ul 400")]
    assert reported_use(after).since(reported_use(before)) == Counts(down=-5000, up=-500)


def test_other_events_and_reports_not_understood_are_no_use() -> None:
    """Only a report of use in the server's words is added up."""
    log = [
        ServerEvent(seq=1, utc_us=0, kind="heartbeat", detail=f"{HOUR} dl 7 ul 7"),
        usage("nothing that is a report"),
    ]
    assert reported_use(log) == Counts(down=0, up=0)
