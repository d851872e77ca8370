"""The two places beyond the bench end where a rate can be limited: the carrier and the cloud.

The carrier holds one subscriber in its core network, like a SIM that its contract slows down. The
access server gives a router a speed rule, which the router itself enforces after its next
heartbeat. Both are told, asked what is in force, and proven gone, behind the one `Throttle`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from harness.cloud.adapter import CloudAdapter
from harness.cloud.core_network import CoreNetwork
from harness.cloud.model import RouterState, SpeedRule
from harness.core.clock import Clock, Deadline
from harness.core.errors import CloudError, UsageError
from harness.core.party import Party
from harness.userplane.throttle import (
    HIGHEST_BPS,
    LOWEST_BPS,
    Mode,
    Passed,
    RateLimit,
    State,
)
from harness.userplane.throttle_steered import SteeredThrottle, Steering

_CALL_S: Final = 5.0
_CARRIER_S: Final = 5.0
_HEARTBEATS_S: Final = 30.0
_ASK_AGAIN_S: Final = 0.2


def carrier_throttle(core: CoreNetwork, imsi: str, *, clock: Clock) -> SteeredThrottle:
    """Return the throttle of one subscriber at its carrier, both directions.

    Args:
        core: The lab's core network.
        imsi: The subscriber.
        clock: Where time comes from.
    """
    line = _Line(core=core, imsi=imsi, clock=clock)
    return SteeredThrottle(
        Steering(
            where=f"carrier (subscriber *{imsi[-4:]})",
            write=line.write,
            read=line.read,
            within=lambda: Deadline.after(_CARRIER_S, clock),
        )
    )


def cloud_throttle(
    cloud: CloudAdapter, imei: str, *, clock: Clock, within_s: float = _HEARTBEATS_S
) -> SteeredThrottle:
    """Return the speed rule of one router, downlink only.

    Args:
        cloud: The access server.
        imei: The router.
        clock: Where time comes from.
        within_s: How long a heartbeat may be away, in seconds.
    """
    rule = _Rule(cloud=cloud, imei=imei, clock=clock)
    return SteeredThrottle(
        Steering(
            where=f"access server (router *{imei[-4:]})",
            write=rule.write,
            read=rule.read,
            within=lambda: Deadline.after(within_s, clock),
            both_ways=False,
            pause_s=_ASK_AGAIN_S,
        )
    )


@dataclass(slots=True, kw_only=True)
class _Line:
    """A subscriber at a core network."""

    core: CoreNetwork
    imsi: str
    clock: Clock

    def write(self, uplink: RateLimit | None, downlink: RateLimit | None) -> None:
        """Set both rates; mode, bucket and queue are the line's, so both directions share them.

        Raises:
            UsageError: The directions differ in more than the rate.
        """
        kinds = {_kind(limit) for limit in (uplink, downlink) if limit is not None}
        if len(kinds) > 1:
            msg = (
                "throttle at a carrier: mode, bucket and queue are one for both directions; "
                "give both the same"
            )
            raise UsageError(msg)
        settings: dict[str, Any] = {
            "uplink_bps": uplink.rate_bps if uplink else None,
            "downlink_bps": downlink.rate_bps if downlink else None,
            **(kinds.pop() if kinds else _Kind()).settings(),
        }
        self.core.shape(self.imsi, settings, self._step())

    def read(self) -> State:
        """Ask for the rates and for the bytes that went through."""
        line = self.core.subscriber(self.imsi, self._step())

        def limit(rate_bps: int | None) -> RateLimit | None:
            if rate_bps is None:
                return None
            return _limit(
                rate_bps,
                Party.CARRIER,
                mode=Mode(line.mode),
                bucket_bytes=line.bucket_bytes,
                queue_bytes=line.queue_bytes,
            )

        uplink, downlink = limit(line.uplink_bps), limit(line.downlink_bps)
        return State(
            uplink=uplink,
            downlink=downlink,
            uplink_passed=Passed(passed_bytes=line.ul_bytes) if uplink else None,
            downlink_passed=Passed(passed_bytes=line.dl_bytes) if downlink else None,
        )

    def _step(self) -> Deadline:
        return Deadline.after(_CALL_S, self.clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What a line has once for both directions."""

    mode: Mode = Mode.SHAPER
    bucket_bytes: int | None = None
    queue_bytes: int | None = None

    def settings(self) -> dict[str, Any]:
        return {
            "mode": str(self.mode),
            "bucket_bytes": self.bucket_bytes,
            "queue_bytes": self.queue_bytes,
        }


def _kind(limit: RateLimit) -> _Kind:
    return _Kind(mode=limit.mode, bucket_bytes=limit.bucket_bytes, queue_bytes=limit.queue_bytes)


@dataclass(slots=True, kw_only=True)
class _Rule:
    """A speed rule of a router at the access server, from its first byte on.

    The rules that the router had are put back; that of its plan is the server's own.
    """

    cloud: CloudAdapter
    imei: str
    clock: Clock
    told_utc_us: int | None = None
    heard_utc_us: int | None = None
    before: State = field(default_factory=State)

    def write(self, uplink: RateLimit | None, downlink: RateLimit | None) -> None:
        """Give the router a rule, or take it away.

        Raises:
            UsageError: A speed rule cannot do that.
        """
        if uplink is not None:
            msg = "throttle at the access server: a speed rule holds the downlink only"
            raise UsageError(msg)
        if downlink is not None and _kind(downlink) != _Kind():
            msg = "throttle at the access server: a speed rule has a rate only, no mode, no bucket"
            raise UsageError(msg)
        self.before = self.read()
        router = self._router()
        rules = [rule for rule in router.own_speed_rules if rule.after_bytes > 0]
        if downlink is not None:
            rules.insert(0, SpeedRule(after_bytes=0, rate_bps=downlink.rate_bps))
        self.cloud.set_speed_rules(self.imei, rules, self._step())
        self.told_utc_us = self.cloud.utc_us(self._step())
        self.heard_utc_us = None

    def read(self) -> State:
        """Ask for the rule that the router obeys.

        A heartbeat brings it; the router has dealt with that answer when it calls again.
        """
        router = self._router()
        if not self._is_obeyed(router.last_heartbeat_utc_us):
            return self.before
        reached = [rule for rule in router.speed_rules if rule.after_bytes <= router.used_bytes]
        if not reached:
            return State()
        return State(downlink=_limit(reached[-1].rate_bps, Party.ACCESS_SERVER))

    def _is_obeyed(self, heard_us: int | None) -> bool:
        """Whether the router called a second time since the server was told."""
        if self.told_utc_us is None:
            return True
        if heard_us is None or heard_us <= self.told_utc_us:
            return False
        if self.heard_utc_us is None:
            self.heard_utc_us = heard_us
        return heard_us > self.heard_utc_us

    def _router(self) -> RouterState:
        router = self.cloud.router(self.imei, self._step())
        if router is None:
            msg = f"the access server does not know router *{self.imei[-4:]}"
            raise CloudError(msg, party=Party.ACCESS_SERVER)
        return router

    def _step(self) -> Deadline:
        return Deadline.after(_CALL_S, self.clock)


def _limit(
    rate_bps: int,
    party: Party,
    *,
    mode: Mode = Mode.SHAPER,
    bucket_bytes: int | None = None,
    queue_bytes: int | None = None,
) -> RateLimit:
    """Return what a party says it enforces.

    Raises:
        CloudError: It is a rate that nobody could have asked for.
    """
    if not LOWEST_BPS <= rate_bps <= HIGHEST_BPS:
        msg = f"{party} says that it holds {rate_bps} bit/s; known are 32 kbit/s to 1 Gbit/s"
        raise CloudError(msg, party=party)
    return RateLimit(
        rate_bps=rate_bps,
        mode=mode,
        bucket_bytes=bucket_bytes,
        queue_bytes=None if mode is Mode.POLICER else queue_bytes,
    )
