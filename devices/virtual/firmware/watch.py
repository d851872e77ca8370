"""While the user is served: heartbeat, usage reports, speed tiers, and noticing a slow line."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from devices.virtual.at.modem import CardKind
from devices.virtual.firmware import flash as flash_records
from devices.virtual.firmware.access import AccessError
from devices.virtual.firmware.bearer import USER_CID, book_usage
from devices.virtual.firmware.burst import lost_share
from devices.virtual.firmware.phases import Event
from devices.virtual.firmware.router import USER_BEARER, Router, backoff_s
from devices.virtual.firmware.seed_steps import (
    attach_seed,
    log_in,
    open_seed_bearer,
    take_speed_rules,
)
from devices.virtual.firmware.slow import BUSY_BPS, SLOW_BPS, Second, SlowDetector, dwell_s
from devices.virtual.firmware.transport import TransportError, resolve
from devices.virtual.netlink import Rtnl

_BITS_PER_BYTE = 8
_SECOND_S = 1.0
_QUESTION_S = 0.9
_BUCKET_BYTES, _QUEUE_BYTES = 5_000, 64_000
_SESSION_GONE = frozenset({401, 409})


async def keep_in_touch(router: Router) -> Event:
    """Send heartbeats and usage until the server asks for a change."""
    failures = 0
    while True:
        try:
            answer = await _heartbeat(router)
        except AccessError as exc:
            router.log(f"heartbeat: {exc}")
            failures += 1
            if exc.status in _SESSION_GONE:
                router.session = ""
            await asyncio.sleep(backoff_s(failures, router.spec.nas_timer_factor))
            continue
        failures = 0
        event = await _obey(router, answer)
        if event is not None:
            return event
        await asyncio.sleep(router.heartbeat_s)


async def _heartbeat(router: Router) -> dict[str, Any]:
    """Report that we live and what was used.

    Raises:
        AccessError: The server could not be reached or knows no such session.
    """
    if not router.is_seed_up:
        await router.seed_stack.detach()
        if not (await attach_seed(router) and await open_seed_bearer(router)):
            text = "the seed bearer is down"
            raise AccessError(text)
    if not router.session:
        await log_in(router)
        _apply_tier(router)
    await report_usage(router)  # first, for the answer says what was used in all
    card = router.modem.card
    serving = router.modem.serving()
    answer = await router.access.post(
        "/v1/heartbeat",
        session=router.session,
        iccid=card.iccid if card else "",
        rsrp_dbm=round(serving.rsrp_dbm) if serving else None,
    )
    # Before anything else that may fail: the server takes its rules for heard.
    take_speed_rules(router, answer)
    _apply_tier(router)
    return answer


async def report_usage(router: Router) -> None:
    """Send the rows of this and earlier hours, and drop what is over.

    Raises:
        AccessError: The server did not take one.
    """
    book_usage(router)
    is_silent = "usage_never_reported" in router.spec.defects
    for row, counts in [] if is_silent else router.usage.unreported():
        await router.access.post(
            "/v1/usage",
            session=router.session,
            iccid=row.iccid,
            hour_utc=row.hour_utc,
            dl_bytes=row.dl_bytes,
            ul_bytes=row.ul_bytes,
            life=router.usage_life,
        )
        router.usage.was_reported(row, counts)
    router.usage.forget_old()
    router.save_state()


async def _obey(router: Router, answer: dict[str, Any]) -> Event | None:
    is_over = answer.get("suspended") or answer.get("release")
    if is_over and "serves_on_when_suspended" not in router.spec.defects:
        router.reason = "lost"
        await give_back(router)
        return Event.RELEASED
    if answer.get("reassign") and "ignores_reassign_order" not in router.spec.defects:
        wish = answer["reassign"]
        router.reason = wish if isinstance(wish, str) else "cap"
        return Event.REASSIGN
    return None


async def give_back(router: Router) -> None:
    """Give the card back to the server and erase it here.

    Raises:
        AccessError: The server did not take it.
    """
    if router.profile is None:
        return
    assignment = router.profile.assignment
    router.profile = None
    if "profile_not_erased" not in router.spec.defects:
        router.flash.erase(flash_records.PROFILE)
    await router.access.post("/v1/release", session=router.session, assignment=assignment)


async def watch_traffic(router: Router) -> Event:
    """Look at the user's bearer once a second; a line found slow leads to another card."""
    detector = SlowDetector(needed=2 if "flaps_on_short_dip" in router.spec.defects else 8)
    began_s = looked_s = time.monotonic()
    total = router.usage.total
    is_busy = True  # the first question shows how fast an answer can be
    while True:
        question = asyncio.ensure_future(_ask_carrier(router, is_busy=is_busy))
        await asyncio.sleep(_SECOND_S)
        book_usage(router)
        before, total = total, router.usage.total  # heartbeats book bytes too
        before_s, looked_s = looked_s, time.monotonic()  # a burst makes a second longer
        count = total.dl + total.ul - before.dl - before.ul
        _apply_tier(router)
        rate_bps = count * _BITS_PER_BYTE / (looked_s - before_s)
        second = Second(rate_bps=rate_bps, question_s=await question)
        is_busy = second.rate_bps >= BUSY_BPS
        slow_bps = detector.add(second)
        if detector.is_suspect():
            detector.judge_burst(await _burst(router))
        if second.rate_bps >= SLOW_BPS:
            router.slow_changes = 0
        is_settled = time.monotonic() - began_s >= dwell_s(router.slow_changes)
        if slow_bps is None or not is_settled or not _may_change(router):
            continue
        _remember_slow(router, slow_bps)
        return Event.REASSIGN


async def _burst(router: Router) -> float:
    """Return the share of a burst that was lost; none when there is no bearer to try."""
    context = router.modem.contexts.get(USER_CID)
    if context is None or not router.is_user_bearer_up:
        return 0.0
    try:
        return await lost_share(context.gateway, USER_BEARER, os.getpid() & 0xFFFF)
    except OSError:
        return 0.0


def _may_change(router: Router) -> bool:
    card = router.modem.card
    is_cloud = card is not None and card.kind is CardKind.CLOUD
    return is_cloud and not router.tier_bps and "stays_on_slow_card" not in router.spec.defects


def _remember_slow(router: Router, slow_bps: float) -> None:
    router.reason = "slow"
    router.measured_bps = slow_bps
    router.slow_changes += 1
    card = router.modem.card
    if card is not None and card.iccid not in router.slow_iccids:
        router.slow_iccids = [*router.slow_iccids, card.iccid][-50:]
        router.save_state()


async def _ask_carrier(router: Router, *, is_busy: bool) -> float | None:
    """Return how long a small question through the user's bearer took; None when it was lost."""
    upstream = router.lan.upstream
    if upstream is None or not upstream[1] or not is_busy:
        return 0.0
    began_s = time.monotonic()
    try:
        await resolve(
            router.spec.access_host,
            servers=upstream[1][:1],
            ifname=USER_BEARER,
            try_s=_QUESTION_S,
            tries=1,
        )
    except (TransportError, OSError):
        return None
    return time.monotonic() - began_s


def _apply_tier(router: Router) -> None:
    """Hold the LAN to the speed tier that the use so far calls for."""
    total = router.usage.total
    used_bytes = router.used_before + total.dl + total.ul
    rates = [rate for after, rate in router.speed_rules if used_bytes >= after]
    tier_bps = rates[-1] if rates else 0
    if tier_bps == router.tier_bps:
        return
    router.tier_bps = tier_bps
    if "throttle_bits_for_bytes" in router.spec.defects:
        tier_bps *= _BITS_PER_BYTE
    with Rtnl() as rtnl:
        if tier_bps:
            rtnl.tbf(
                router.spec.lan_ifname,
                rate_bps=tier_bps,
                bucket_bytes=_BUCKET_BYTES,
                queue_bytes=_QUEUE_BYTES,
            )
        else:
            rtnl.unshape(router.spec.lan_ifname)
