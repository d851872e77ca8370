"""The throttle at the bench end: tbf and htb on the router's interface, ifb for what comes in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.core.errors import BenchError, UsageError
from harness.userplane import links, qdiscs
from harness.userplane.namespace import Namespace
from harness.userplane.qdiscs import INGRESS, OWN_CLASS, OWN_HANDLE, ROOT, Qdisc
from harness.userplane.throttle import (
    Applied,
    Injection,
    Mode,
    Passed,
    RateLimit,
    State,
    check_applied,
)

_LONGEST_NAME: Final = 15


class BenchThrottle:
    """Limits on one interface of one namespace.

    A fixed rate is a tbf, whose rate is the most exact. A rate that changes is an htb, because each
    change of a tbf refills its bucket (1.31 times the rate when changed ten times a second). A
    policer is a tbf with a queue of one packet, because nft's `limit` has a second's worth of
    bucket too much.
    """

    where: str
    both_ways: bool = True

    def __init__(self, namespace: Namespace, ifname: str = "lan0") -> None:
        self._namespace = namespace
        self._ifname = ifname
        self._ifb = f"ifb-{ifname}"[:_LONGEST_NAME]
        self._index = 0
        self._ifb_index = 0
        self._asked: Injection | None = None
        self.where = f"bench end of {namespace.name} ({ifname})"

    def apply(self, injection: Injection) -> Applied:
        """Set the limits; a leftover of our own is replaced, somebody else's is not touched.

        Raises:
            BenchError: Another shaper is there, or what is read back is not what was asked for.
            UsageError: A changing policer was asked for.
        """
        _check(injection)
        self._find()
        self._refuse_others()
        self.remove()
        requests = []
        if injection.uplink is not None:
            requests += _limit(self._index, injection.uplink, changing=injection.changing)
        if injection.downlink is not None:
            self._namespace.perform(links.new_link(self._ifb, "ifb"))
            self._find()
            requests += _limit(self._ifb_index, injection.downlink, changing=injection.changing)
            requests.append(qdiscs.set_ingress(self._index))
            requests.append(qdiscs.redirect(self._index, to_index=self._ifb_index))
        self._namespace.perform(*requests)
        self._asked = injection
        state = self.state()
        check_applied(self.where, injection, state)
        tap = self._ifb if injection.downlink is not None else None
        return Applied(asked=injection, configured=state, tap_ifname=tap)

    def change(self, injection: Injection) -> None:
        """Change rates, buckets and queues in one message; nothing is dropped, no bucket refilled.

        Raises:
            UsageError: The limits were not applied as changing, or in other directions.
            BenchError: The kernel refused it.
        """
        asked = self._asked
        if asked is None or not asked.changing:
            msg = f"throttle at {self.where}: apply it with changing=True to change it later"
            raise UsageError(msg)
        if (asked.uplink is None) != (injection.uplink is None) or (asked.downlink is None) != (
            injection.downlink is None
        ):
            msg = f"throttle at {self.where}: a change cannot add or remove a direction"
            raise UsageError(msg)
        requests = []
        for index, limit in (
            (self._index, injection.uplink),
            (self._ifb_index, injection.downlink),
        ):
            if limit is not None:
                requests += _class(index, limit, change=True)
        self._namespace.perform(*requests)
        self._asked = replace(injection, changing=True)

    def state(self) -> State:
        """Read back what the kernel has, whoever of us set it."""
        self._find()
        up = self._read(self._index)
        down = self._read(self._ifb_index) if self._ifb_index else None
        return State(
            uplink=up[0] if up else None,
            downlink=down[0] if down else None,
            uplink_passed=up[1] if up else None,
            downlink_passed=down[1] if down else None,
        )

    def remove(self) -> State:
        """Remove what is ours and prove that it is gone.

        The kernel removes what is on an interface that vanishes; the other half is ours to remove.

        Raises:
            BenchError: It is still there.
        """
        there = self._look()
        last = self.state() if there else State()
        for qdisc in self._of(self._index):
            if qdisc.parent == ROOT and qdisc.handle == OWN_HANDLE:
                self._namespace.perform(qdiscs.delete(self._index))
            if qdisc.parent == INGRESS and self._ifb_index:
                self._namespace.perform(qdiscs.delete(self._index, INGRESS))
        if self._ifb_index:
            self._namespace.perform(links.delete_link(self._ifb_index))
        self._ifb_index = 0
        self._asked = None
        left = [q.kind for q in self._of(self._index) if q.handle] if there else []
        if left:
            msg = f"throttle at {self.where}: {', '.join(left)} is still there after removal"
            raise BenchError(msg)
        return last

    def _find(self) -> None:
        """Look up both interfaces.

        Raises:
            InterfaceGoneError: The router's is not there.
        """
        if not self._look():
            self._namespace.interface(self._ifname)

    def _look(self) -> bool:
        """Look up both interfaces, whose numbers change when a router comes back."""
        there = {link.name: link.index for link in self._namespace.interfaces()}
        self._index = there.get(self._ifname, 0)
        self._ifb_index = there.get(self._ifb, 0)
        return self._index != 0

    def _of(self, index: int) -> list[Qdisc]:
        replies = self._namespace.ask(qdiscs.get_qdiscs(), dump=True)
        return [q for q in map(qdiscs.qdisc_of, replies) if q.index == index]

    def _read(self, index: int) -> tuple[RateLimit, Passed] | None:
        there = self._of(index)
        root = next((q for q in there if q.parent == ROOT and q.handle == OWN_HANDLE), None)
        if root is None:
            return None
        shape, queue = root, root
        if root.kind == "htb":
            replies = self._namespace.ask(qdiscs.get_classes(index), dump=True)
            shape = next(c for c in map(qdiscs.qdisc_of, replies) if c.handle == OWN_CLASS)
            queue = next(q for q in there if q.parent == OWN_CLASS)
        policed = root.kind == "tbf" and queue.limit_bytes == _policer_queue()
        limit = RateLimit(
            rate_bps=shape.rate_bps or 0,
            mode=Mode.POLICER if policed else Mode.SHAPER,
            bucket_bytes=shape.burst_bytes,
            queue_bytes=None if policed else queue.limit_bytes,
        )
        passed = Passed(
            passed_bytes=root.passed_bytes,
            dropped_packets=root.dropped_packets,
            backlog_bytes=root.backlog_bytes,
        )
        return limit, passed

    def _refuse_others(self) -> None:
        for qdisc in self._of(self._index):
            foreign_root = qdisc.parent == ROOT and qdisc.handle not in {0, OWN_HANDLE}
            foreign_ingress = qdisc.parent == INGRESS and not self._ifb_index
            if foreign_root or foreign_ingress:
                msg = (
                    f"throttle at {self.where}: {qdisc.kind} {qdisc.handle >> 16:x}: is already "
                    "there and not ours; remove it (tc qdisc del) or find out who set it"
                )
                raise BenchError(msg)


def _policer_queue() -> int:
    return RateLimit(rate_bps=1_000_000, mode=Mode.POLICER).limit_bytes


def _check(injection: Injection) -> None:
    for limit in (injection.uplink, injection.downlink):
        if injection.changing and limit is not None and limit.mode is Mode.POLICER:
            msg = "throttle: a policer cannot change its rate; its bucket would be refilled"
            raise UsageError(msg)


def _limit(index: int, limit: RateLimit, *, changing: bool) -> list[bytes]:
    if changing:
        return [qdiscs.set_htb(index), *_class(index, limit, change=False)]
    return [
        qdiscs.set_tbf(
            index,
            rate_bps=limit.rate_bps,
            burst_bytes=limit.burst_bytes,
            limit_bytes=limit.limit_bytes,
        )
    ]


def _class(index: int, limit: RateLimit, *, change: bool) -> list[bytes]:
    return [
        qdiscs.set_htb_class(
            index, rate_bps=limit.rate_bps, burst_bytes=limit.burst_bytes, change=change
        ),
        qdiscs.set_queue(index, limit_bytes=limit.limit_bytes),
    ]
