"""``harness.at.bus``: what a subscription keeps, drops, and says when nothing came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.at.bus import URCS_KEPT, Subscription, Urc
from harness.at.errors import AtTimeoutError
from harness.core.clock import Deadline, FakeClock


def urc(line: str) -> Urc:
    """Return a URC."""
    return Urc(t_ns=1, line=line, port="r1.at")


class Arrivals:
    """Offers lines to a subscription while it waits, then lets the time pass."""

    def __init__(self, clock: FakeClock, *lines: str) -> None:
        self.clock = clock
        self.lines = list(lines)
        self.subscription: Subscription | None = None

    def __call__(self, done: Callable[[], bool], deadline: Deadline) -> bool:
        """Take in all lines; return whether it is what was waited for."""
        assert self.subscription is not None
        while self.lines:
            self.subscription.offer(urc(self.lines.pop(0)))
            if done():
                return True
        self.clock.sleep(deadline.left_s)
        return done()


def subscribed(arrivals: Arrivals, *prefixes: str) -> Subscription:
    """Return a subscription that `arrivals` serves."""
    arrivals.subscription = Subscription(prefixes, arrivals)
    return arrivals.subscription


def test_the_oldest_of_ten_thousand_go_and_are_counted() -> None:
    """None is lost before it is full; then one for each that comes."""
    clock = FakeClock()
    subscription = subscribed(Arrivals(clock), "+CREG")
    for number in range(URCS_KEPT):
        subscription.offer(urc(f"+CREG: {number}"))
    assert subscription.lost == 0

    for number in range(3):
        subscription.offer(urc(f"+CREG: new {number}"))
    subscription.offer(urc("RING"))

    lines = [kept.line for kept in subscription]
    assert subscription.lost == 3
    assert len(lines) == 10_000
    assert (lines[0], lines[-1]) == ("+CREG: 3", "+CREG: new 2")


def test_what_was_taken_does_not_come_again() -> None:
    """Waiting takes what came before, too."""
    clock = FakeClock()
    subscription = subscribed(Arrivals(clock, "+CREG: 2", "+CREG: 1", "+CREG: 5"))

    found = subscription.wait_for(lambda item: item.line == "+CREG: 1", Deadline.after(10.0, clock))

    assert found == urc("+CREG: 1")
    assert list(subscription) == []


def test_a_timeout_says_names_seconds_and_the_last_five_lines() -> None:
    """In the text, and as attributes for code."""
    clock = FakeClock()
    lines = ["+CREG: 0", "+CREG: 2", "+CREG: 3", "+CREG: 4", "+CGREG: 0", "+CGREG: 2é"]
    subscription = subscribed(Arrivals(clock, *lines), "+CREG", "+CGREG")

    with pytest.raises(AtTimeoutError) as caught:
        subscription.wait_for(lambda item: item.line.endswith("1"), Deadline.after(2.0, clock))

    assert str(caught.value) == (
        "no +CREG or +CGREG as wanted after 2.0 s; received "
        "['+CREG: 2', '+CREG: 3', '+CREG: 4', '+CGREG: 0', '+CGREG: 2é'] instead"
    )
    assert caught.value.waited_s == 2.0
    assert caught.value.got == b"+CREG: 2\n+CREG: 3\n+CREG: 4\n+CGREG: 0\n+CGREG: 2\xe9"


def test_a_subscription_to_all_says_so() -> None:
    """It has no names to tell."""
    clock = FakeClock()
    subscription = subscribed(Arrivals(clock))

    with pytest.raises(AtTimeoutError) as caught:
        subscription.wait_for(None, Deadline.after(2.0, clock))

    assert str(caught.value) == "no any URC as wanted after 2.0 s; received [] instead"
