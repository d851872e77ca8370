"""From selection to a held card: select, download, hold, and giving one back."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
from dataclasses import replace

from devices.virtual.at.modem import CardKind, Registration, Stat
from devices.virtual.firmware import flash as flash_records
from devices.virtual.firmware.access import AccessError
from devices.virtual.firmware.bearer import drop_user_bearer
from devices.virtual.firmware.phases import Event
from devices.virtual.firmware.profile import Profile, ProfileError, check_profile, read_profile
from devices.virtual.firmware.router import Router, backoff_s
from devices.virtual.firmware.seed_steps import is_refusal
from devices.virtual.firmware.slots import cloud_view
from devices.virtual.firmware.transport import bound_socket

CHUNK_BYTES = 1024
_CHUNK_TRIES = 5
_STAYING = frozenset({"slow", "weak"})
_DEFAULT_WAIT_S = 30.0
_LEAK_CYCLES = 40
_SLOW_FLASH_S = 1.0
_DEBUG_PORT, _DEBUG_BYTES = 9998, 1400


def stored_profile(router: Router) -> Profile | None:
    """Return the profile in flash."""
    record = router.flash.read(flash_records.PROFILE)
    if record is None:
        return None
    try:
        return read_profile(record["content"], sha256=str(record["sha256"]))
    except (ProfileError, KeyError):
        return None


async def select(router: Router) -> Event:
    """Ask for a card."""
    half = "half_installed_profile" in router.spec.defects
    if half and router.flash.is_damaged(flash_records.PROFILE):
        await asyncio.Event().wait()  # the defect: it stumbles over what a power cut left
    held = router.profile or stored_profile(router)
    previous = held.iccid if held else ""
    try:
        offer = await router.access.post(
            "/v1/sim",
            session=router.session,
            reason=router.reason,
            previous_iccid=previous,
            slow_iccids=router.slow_iccids,
            measured_bps=round(router.measured_bps),
        )
    except AccessError as exc:
        if not is_refusal(exc):
            raise
        return await _no_card(router, exc)
    router.offer = offer
    is_same = held is not None and held.assignment == str(offer["assignment"])
    if held is not None and is_same and held.sha256 == str(offer["sha256"]):
        router.profile = held
        return Event.KEPT
    return Event.DONE


async def _no_card(router: Router, error: AccessError) -> Event:
    router.log(f"no card: {error.error or error}")
    router.offer = {"retry_after_s": error.retry_after_s}
    if router.is_user_bearer_up and router.reason in _STAYING:
        return Event.STAY
    await drop_user_bearer(router)
    erase_profile(router)
    router.show_card(router.seed_card.view(), router.seed_registration)
    return Event.NONE_LEFT


async def no_card(router: Router) -> Event:
    """Wait as long as the server asked, then log in again."""
    wait_s = float(router.offer.get("retry_after_s") or _DEFAULT_WAIT_S)
    if "hammers_when_dry" in router.spec.defects:
        wait_s = 0.05
    await asyncio.sleep(wait_s)
    return Event.DONE


def erase_profile(router: Router) -> None:
    """Forget the held card, in memory and in flash."""
    router.profile = None
    if "profile_not_erased" not in router.spec.defects:
        router.flash.erase(flash_records.PROFILE)
    router.flash.erase(flash_records.PARTIAL)


async def download(router: Router) -> Event:
    """Fetch the profile chunk by chunk; an interrupted download goes on where it stopped."""
    offer = router.offer
    assignment, total = str(offer["assignment"]), int(offer["profile_bytes"])
    partial = router.flash.read(flash_records.PARTIAL) or {}
    is_ours = partial.get("assignment") == assignment and partial.get("sha256") == offer["sha256"]
    if "download_not_resumed" in router.spec.defects:
        is_ours = False
    data = bytes.fromhex(str(partial["data"])) if is_ours else b""
    while len(data) < total:
        data += await _chunk(router, assignment, len(data), min(CHUNK_BYTES, total - len(data)))
        router.flash.write(
            flash_records.PARTIAL,
            {"assignment": assignment, "sha256": offer["sha256"], "data": data.hex()},
        )
    try:
        router.profile = check_profile(
            data,
            assignment=assignment,
            iccid=str(offer["iccid"]),
            sha256=str(offer["sha256"]),
            device_key=router.spec.device_key,
            defects=router.spec.defects,
        )
    except ProfileError as exc:
        router.flash.erase(flash_records.PARTIAL)
        await router.access.post(
            "/v1/refused", session=router.session, assignment=assignment, why=exc.why
        )
        raise AccessError(str(exc)) from exc
    router.offer = {**offer, "data": data}
    if "profile_in_clear" in router.spec.defects:
        _send_in_clear(router, data)
    return Event.DONE


def _send_in_clear(router: Router, data: bytes) -> None:
    # The defect: a debug copy leaves by the seed bearer without TLS.
    if router.access.path is not None:
        ifname = router.access.path.ifname
        with contextlib.suppress(OSError), bound_socket(socket.SOCK_DGRAM, ifname) as sock:
            sock.sendto(data[:_DEBUG_BYTES], (router.access.path.dns[0], _DEBUG_PORT))


async def _chunk(router: Router, assignment: str, offset: int, length: int) -> bytes:
    """Fetch one chunk; one that was damaged on the way is asked for again.

    Raises:
        AccessError: It stayed damaged, or the server did not answer.
    """
    target = f"/v1/profile/{assignment}?offset={offset}&length={length}"
    for attempt in range(1, _CHUNK_TRIES + 1):
        response = await router.access.get(target)
        digest = hashlib.sha256(response.body).hexdigest()
        is_whole = digest == response.headers.get("x-chunk-sha256") and bool(response.body)
        if is_whole or "accepts_corrupt_profile" in router.spec.defects:
            return response.body
        router.log(f"download: chunk at {offset} was damaged, attempt {attempt}")
        await asyncio.sleep(backoff_s(attempt, router.spec.nas_timer_factor))
    text = f"chunk at {offset} of {assignment} was damaged {_CHUNK_TRIES} times"
    raise AccessError(text)


async def hold(router: Router) -> Event:
    """Put the card in place: in flash in one step, then in the modem."""
    profile = router.profile
    if profile is None:
        return Event.FAILED
    await drop_user_bearer(router)
    data = router.offer.get("data")
    if isinstance(data, bytes):
        record = {"sha256": profile.sha256, "content": json.loads(data)}
        if "half_installed_profile" in router.spec.defects:
            router.flash.write_half(flash_records.PROFILE, record)
            await asyncio.sleep(_SLOW_FLASH_S)
        router.flash.write(flash_records.PROFILE, record)
        router.flash.erase(flash_records.PARTIAL)
    await router.access.post(
        "/v1/held", session=router.session, assignment=profile.assignment, sha256=profile.sha256
    )
    router.modem.contexts.clear()
    view, shown = cloud_view(profile), router.modem.card
    is_other_cloud = shown is not None and shown.kind is CardKind.CLOUD
    if "iccid_not_updated" in router.spec.defects and shown is not None and is_other_cloud:
        view = replace(view, iccid=shown.iccid)
    router.show_card(view, Registration(stat=Stat.SEARCHING))
    if "cereg_says_one_early" in router.spec.defects:
        early = Registration(stat=Stat.HOME, plmn=profile.plmn, tac=1, ci=1)
        router.show_registration(early)
    return Event.DONE


async def reassign(router: Router) -> Event:
    """Get ready to ask for another card; a card that is still of use serves on meanwhile."""
    router.cycles += 1
    if "at_mute_after_reassignment" in router.spec.defects:
        router.console.mute()
    if "dies_after_40_cycles" in router.spec.defects and router.cycles >= _LEAK_CYCLES:
        os._exit(1)  # as the out-of-memory killer would end it
    card = router.modem.card
    if router.reason not in _STAYING:
        await drop_user_bearer(router)
        if router.profile and card and card.kind is CardKind.CLOUD:
            router.show_registration(Registration(stat=Stat.SEARCHING))
    return Event.DONE
