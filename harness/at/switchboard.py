"""Who gets what arrives at a session's ports: the lane of its port, and the subscriptions."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from harness.at.bus import Pump, Subscription, Urc
from harness.at.dialogue import Habits, UrcLine
from harness.at.lane import Lane
from harness.port.inbox import Arrival, BytePort, PortLost


class Switchboard:
    """The lanes and the subscriptions of one session.

    Args:
        habits: How the model deviates from the standard.

    Attributes:
        generation: Counts the sets of ports; what belongs to an earlier one is dropped.
        lanes: One for each port, the command port first.
        lock: Held while a dialogue is changed.
    """

    def __init__(self, habits: Habits) -> None:
        self.generation = 0
        self.lanes: list[Lane] = []
        self.lock = threading.Lock()
        self._habits = habits
        self._by_name: dict[str, Lane] = {}
        self._subscriptions: list[Subscription] = []

    def plug(self, ports: Sequence[BytePort]) -> None:
        """Begin a new generation with these ports; subscriptions stay."""
        with self.lock:
            self.generation += 1
            self.lanes = [Lane(port, self._habits) for port in ports]
            self._by_name = {lane.port.name: lane for lane in self.lanes}

    def subscribe(self, prefixes: tuple[str, ...], pump: Pump) -> Subscription:
        """Keep URCs that begin with one of `prefixes` from now on; no prefix means all."""
        subscription = Subscription(prefixes, pump)
        self._subscriptions = [*self._subscriptions, subscription]
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Keep nothing more for `subscription`."""
        self._subscriptions = [kept for kept in self._subscriptions if kept is not subscription]

    def take(self, arrival: Arrival) -> None:
        """Give an arrival to the lane of its port."""
        with self.lock:
            lane = self._by_name.get(arrival.port)
            if lane is not None and arrival.opening == self.generation:
                if isinstance(arrival, PortLost):
                    lane.lost = arrival
                else:
                    self._publish(lane, lane.receive(arrival))

    def tick_ns(self) -> int | None:
        """Return when `tick` has something to do; None when nothing waits."""
        first_ns = None
        for lane in self.lanes:
            tick_ns = lane.dialogue.tick_ns
            if tick_ns is not None and (first_ns is None or tick_ns < first_ns):
                first_ns = tick_ns
        return first_ns

    def tick(self, now_ns: int) -> None:
        """Take in what is complete because nothing followed."""
        with self.lock:
            for lane in self.lanes:
                self._publish(lane, lane.tick(now_ns))

    def _publish(self, lane: Lane, urcs: list[UrcLine]) -> None:
        for event in urcs if self._subscriptions else ():
            urc = Urc(t_ns=event.t_ns, line=event.text, port=lane.port.name)
            for subscription in self._subscriptions:
                subscription.offer(urc)
