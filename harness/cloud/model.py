"""What the lab side of an access server tells: routers, SIMs, events. Pure values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SimState = Literal[
    "healthy", "near_cap", "throttled", "suspected", "unknown", "quarantined", "absent"
]


_AGE: Final = re.compile(r"\bage_s\W+(?P<age_s>\d+(?:\.\d+)?)", re.ASCII)
_MS_PER_S: Final = 1000
_SIZE: Final = re.compile(r"(?P<bytes>\d+) bytes", re.ASCII)
_BANK: Final = re.compile(r"\bbank_ms (?P<bank_ms>\d+)", re.ASCII)
_USAGE: Final = re.compile(
    r"(?P<hour>\d{4}-\d{2}-\d{2}T\d{2}) dl (?P<down>\d+) ul (?P<up>\d+)", re.ASCII
)
_DIGEST: Final = re.compile(r"\bres_digest (?P<digest>[0-9a-f]{8})", re.ASCII)


class _Answer(BaseModel):
    """A part of an answer: keys that we do not know are the server's business."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Plan(_Answer):
    """Contract terms of a SIM; None is "not known", which is never "no limit".

    Attributes:
        quota_bytes: Bytes a month at full speed.
        reset_day: Day of the month on which the quota starts anew.
        reset_time: Time of that day, HH:MM.
        zone: Zone of that time.
        throttle_bps: Rate after the quota, in bit/s.
        window_bytes: Short-window rule: more than these bytes ...
        window_days: ... in these days.
        source: Where the terms are written.
        disclosed: Whether the contract was disclosed to the operator.
    """

    quota_bytes: int | None = None
    reset_day: int | None = None
    reset_time: str | None = None
    zone: str | None = None
    throttle_bps: int | None = None
    window_bytes: int | None = None
    window_days: int | None = None
    source: str | None = None
    disclosed: bool = False


class Sim(_Answer):
    """One card of the SIM bank as the access server sees it.

    Attributes:
        slot: Slot in the bank, None when it is in none.
        iccid: The card.
        imsi: Its subscriber.
        carrier: Carrier's name.
        plmn: Carrier's PLMN code.
        state: What the server thinks of it.
        used_bytes: Bytes used since the last reset, both directions.
        assigned_imei: Router that has it now.
        plan: Contract terms.
        slow_bps: Rate at which it was found slow, None when it was not.
    """

    slot: int | None = None
    iccid: str
    imsi: str
    carrier: str
    plmn: str
    state: SimState
    used_bytes: int = 0
    assigned_imei: str | None = None
    plan: Plan = Plan()
    slow_bps: int | None = None


class UsageRow(_Answer):
    """What a router reported to have used in one hour.

    Attributes:
        iccid: The SIM.
        imei: The router.
        hour_utc: The hour, for example `2026-11-24T02`.
        dl_bytes: Bytes to the router.
        ul_bytes: Bytes from the router.
    """

    iccid: str
    imei: str
    hour_utc: str
    dl_bytes: int
    ul_bytes: int


class SpeedRule(_Answer):
    """One tier of a router's speed: from these bytes of the period on, this rate.

    Attributes:
        after_bytes: Bytes of the period, both directions, from which on it holds.
        rate_bps: The rate, in bit/s.
    """

    after_bytes: int
    rate_bps: int


class RouterPlan(_Answer):
    """The part of a router's plan that limits its speed.

    Attributes:
        cap_bytes: Bytes a period at full speed; None: no cap.
        reset_day: Day of the month on which a period begins.
        reset_time: Time of that day, HH:MM.
        zone: Zone of that time.
        limited_bps: Rate after them, in bit/s.
    """

    cap_bytes: int | None = None
    reset_day: int = 1
    reset_time: str = "00:00"
    zone: str = "Asia/Tokyo"
    limited_bps: int | None = None


class RouterState(_Answer):
    """One router as the access server sees it.

    Attributes:
        imei: The router.
        state: The server's word for it.
        iccid: Carrier SIM that it was given, None when it has none.
        firmware: Firmware version that it reported.
        last_heartbeat_utc_us: When it was heard last.
        used_bytes: Bytes of its plan used.
        speed_rules: Its tiers by bytes, that of its plan among them.
        plan: What its plan says.
        suspended_from: When its line rests from, ISO 8601; None: it does not.
        named_slow: SIMs that it named as slow when it last asked for one.
    """

    imei: str
    state: str = ""
    iccid: str | None = None
    firmware: str | None = None
    last_heartbeat_utc_us: int | None = None
    used_bytes: int = 0
    speed_rules: tuple[SpeedRule, ...] = ()
    plan: RouterPlan = RouterPlan()
    suspended_from: str | None = None
    named_slow: tuple[str, ...] = ()

    @property
    def own_speed_rules(self) -> tuple[SpeedRule, ...]:
        """The tiers that are the router's own, without that of its plan."""
        cap = (self.plan.cap_bytes, self.plan.limited_bps)
        return tuple(r for r in self.speed_rules if (r.after_bytes, r.rate_bps) != cap)


class ServerEvent(_Answer):
    """Something that the access server did or saw.

    Attributes:
        seq: Number in the server's order.
        utc_us: The server's time.
        kind: login, location, selected, no_sim, download_started, download_finished, held, ...
        imei: Router concerned.
        iccid: SIM concerned.
        carrier: Carrier concerned.
        plmn: Its PLMN code.
        detail: What else the server says.
    """

    seq: int
    utc_us: int
    kind: str
    imei: str | None = None
    iccid: str | None = None
    carrier: str | None = None
    plmn: str | None = None
    detail: Mapping[str, Any] | str | None = Field(default=None)

    @property
    def location_age_s(self) -> float | None:
        """Age of a location when it was reported, in seconds; None when the server says none."""
        # The server tells a report in words: the fields that the router sent, by their names.
        found = _AGE.search(str(self.detail)) if self.kind == "location" else None
        return float(found["age_s"]) if found else None

    @property
    def profile_bytes(self) -> int | None:
        """Size of the profile that is downloaded, in bytes; None when not said."""
        found = _SIZE.match(str(self.detail)) if self.kind.startswith("download_") else None
        return int(found["bytes"]) if found else None

    @property
    def bank_s(self) -> float | None:
        """How long the bank took to answer a challenge, in seconds; None when not said."""
        found = _BANK.search(str(self.detail))
        return int(found["bank_ms"]) / _MS_PER_S if found else None

    @property
    def usage_report(self) -> tuple[str, int, int] | None:
        """An hour's use as a router reported it: hour in UTC, bytes down, bytes up."""
        found = _USAGE.fullmatch(str(self.detail)) if self.kind == "usage" else None
        return (found["hour"], int(found["down"]), int(found["up"])) if found else None

    @property
    def res_digest(self) -> str | None:
        """What tells the card's response apart from another; None when not said."""
        found = _DIGEST.search(str(self.detail))
        return found["digest"] if found else None

    @property
    def held_as_offered(self) -> bool | None:
        """Whether the profile that a router holds is the one it was served; None: not said."""
        if self.kind != "held" or "as offered" not in str(self.detail):
            return None
        return "not as offered" not in str(self.detail)


class Subscriber(_Answer):
    """One subscriber at a lab core network.

    Attributes:
        imsi: The subscriber.
        attached_imei: Router that is attached with it.
        address: Address of its PDN connection.
        downlink_bps: Shaped rate to the router; None: unshaped.
        uplink_bps: Shaped rate from the router.
        mode: Whether it delays (`shaper`) or drops (`policer`), both directions.
        bucket_bytes: Its bucket; None: a matter of the rate.
        queue_bytes: Its queue; None: a matter of the rate.
        dl_bytes: Bytes to the router, counted at layer 3.
        ul_bytes: Bytes from the router, counted at layer 3.
        period_bytes: Volume of this period, as the carrier bills it.
        quota_bytes: Volume of a period at full speed; None: no quota.
        throttled_bps: What the contract holds it to now; None: nothing.
    """

    imsi: str
    attached_imei: str | None = None
    address: str | None = None
    downlink_bps: int | None = None
    uplink_bps: int | None = None
    mode: Literal["shaper", "policer"] = "shaper"
    bucket_bytes: int | None = None
    queue_bytes: int | None = None
    dl_bytes: int = 0
    ul_bytes: int = 0
    period_bytes: int = 0
    quota_bytes: int | None = None
    throttled_bps: int | None = None


class Place(_Answer):
    """Where a router stands, as a lab core network plays it.

    Attributes:
        mcc: Country of the strongest carrier cell.
        mnc: Network of the strongest carrier cell.
        covered: PLMN codes that can be received there.
    """

    mcc: str
    mnc: str
    covered: tuple[str, ...] = ()


class CoreEvent(_Answer):
    """Something that happened at a lab core network.

    Attributes:
        seq: Number in the network's order.
        utc_us: The network's time.
        kind: attach_request, auth, reject, attach, pdn, detach, ...
        imei: Router concerned.
        imsi: Subscriber concerned.
        plmn: Carrier concerned.
        cause: Reject cause (TS 24.301 9.9.3.9), when it is a reject.
        outcome: Of an authentication: ok, resync, failure, wrong response, timeout.
        bearer: Which of the modem's two stacks: `seed` or `main`.
        res_digest: What tells the wrong response that came apart from another.
        dl_bps: Rate to the router, when a shaper was set.
        utc: Time that the network told a router (`nitz`), ISO 8601.
        zone_quarters: Zone that it told, in quarters of an hour.
        address: Address of the bearer, of a PDN connection.
    """

    seq: int
    utc_us: int
    kind: str
    imei: str | None = None
    imsi: str | None = None
    plmn: str | None = None
    cause: int | None = None
    outcome: str | None = None
    bearer: str | None = None
    res_digest: str | None = None
    dl_bps: int | None = None
    utc: str | None = None
    zone_quarters: int | None = None
    address: str | None = None
