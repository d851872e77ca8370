"""The user's traffic: attach as the held card, open the bearer, and watch over it."""

from __future__ import annotations

import asyncio

from devices.virtual.at.modem import CardKind, Registration, Stat
from devices.virtual.firmware.bearer import USER_CID, drop_user_bearer, use_bearer
from devices.virtual.firmware.phases import Event
from devices.virtual.firmware.reject import MAX_ATTEMPTS, T3402_S, T3411_S, Reaction, reaction
from devices.virtual.firmware.router import Router
from devices.virtual.firmware.slots import BuiltInCard
from devices.virtual.firmware.stack import Attached, Authenticate, Rejected
from devices.virtual.firmware.watch import keep_in_touch, watch_traffic

_PDN_TRIES = 3
_POLL_S = 0.1
_HAMMER_S = 0.1
_CABLE_S = 2.0
"""How long a broken cable holds from the profile on, in seconds."""


async def attach(router: Router) -> Event:
    """Attach as the cloud card; a refusal leads to another card."""
    profile = router.profile
    if profile is None:
        return Event.REFUSED
    if "no_reattach_after_loss" in router.spec.defects and router.usage.total.dl:
        await asyncio.Event().wait()
    if router.modem.fun != 1 or router.stays_detached:
        await asyncio.Event().wait()
    if "usb_drops" in router.spec.defects:
        await asyncio.sleep(_CABLE_S)
        router.fall_off_usb()
    plmn = router.wanted_plmn or profile.plmn
    event = await _attach(router, profile.imsi, plmn, router.relay)
    if event is not Event.DONE:
        router.reason = "reject"
    return event


async def _attach(router: Router, imsi: str, plmn: str, ask: Authenticate) -> Event:
    """Attach within the bounds of TS 24.301 clauses 5.5.1.2.5 and 5.5.1.2.6."""
    factor = router.spec.nas_timer_factor
    attempts = 0
    while attempts < MAX_ATTEMPTS:
        cells = await router.main_stack.scan()
        router.modem.cells = cells or router.modem.cells
        heard = {cell.plmn for cell in cells}
        result: Attached | Rejected = Rejected(cause=None)
        if plmn in heard:
            result = await router.main_stack.attach(imsi, plmn, ask)
        if isinstance(result, Attached):
            _registered(router, result)
            return Event.DONE
        is_hammering = "ignores_reject_and_hammers" in router.spec.defects
        attempts += not is_hammering
        if _is_final(router, result.cause) and not is_hammering:
            return Event.REFUSED
        await router.pause(_HAMMER_S if is_hammering else T3411_S * factor)
    return Event.FAILED


def _registered(router: Router, result: Attached) -> None:
    router.main_plmn = result.plmn
    router.show_registration(
        Registration(stat=Stat.HOME, plmn=result.plmn, tac=result.tac, ci=result.ci, act=result.act)
    )
    if result.nitz and router.modem.zone_updates:
        router.apply_nitz(result.nitz)


def _is_final(router: Router, cause: int | None) -> bool:
    """Show a refused attempt; tell whether this card is not to be tried again here."""
    if cause is None:
        router.modem.end_reason = "T3410 expired"
        return False
    router.modem.end_reason = f"EMM cause {cause}"
    is_final = reaction(cause) is not Reaction.RETRY
    stat = Stat.DENIED if is_final else Stat.SEARCHING
    router.show_registration(Registration(stat=stat, reject_cause=cause))
    return is_final


async def pdn(router: Router) -> Event:
    """Open the user's PDN connection."""
    profile = router.profile
    if profile is None:
        return Event.FAILED
    if "no_pdn" in router.spec.defects:
        await asyncio.Event().wait()
    return await _open(router, profile.apn)


async def _open(router: Router, apn: str) -> Event:
    for _ in range(_PDN_TRIES):
        connection = await router.main_stack.open_pdn(apn, USER_CID)
        if connection is not None and use_bearer(router, connection, apn):
            return Event.DONE
        await asyncio.sleep(T3411_S * router.spec.nas_timer_factor)
    router.reason = "reject"
    return Event.FAILED


async def data(router: Router) -> Event:
    """Serve the user until something calls for a change."""
    router.reason = "cap"
    tasks = [
        asyncio.ensure_future(keep_in_touch(router)),
        asyncio.ensure_future(watch_traffic(router)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def own_card(router: Router) -> Event:
    """Attach as the physical card."""
    card = router.own_card
    await drop_user_bearer(router)
    router.modem.contexts.clear()
    if card is None:
        router.show_card(None, Registration(stat=Stat.IDLE))
        return Event.TO_CLOUD
    if router.modem.card is None or router.modem.card.iccid != card.spec.iccid:
        router.modem.is_pin_entered = False
        router.show_card(card.view(), Registration(stat=Stat.SEARCHING))
        router.console.cloud_changed()
    while router.modem.needs_pin() or router.modem.fun != 1:  # noqa: ASYNC110 - set by a command
        await asyncio.sleep(_POLL_S)
    event = await _attach(router, card.spec.imsi, card.spec.plmn, router.ask_own_card)
    if event is Event.DONE:
        event = await _open(router, card.spec.apn)
    if event is Event.DONE:
        return event
    await router.pause(T3402_S * router.spec.nas_timer_factor)
    return Event.FAILED


async def slot_changed(router: Router, *, is_in: bool) -> None:
    """Take note that the card in the slot was pulled or came back.

    Without its card a router that served by it goes back to the cloud card at once.
    """
    spec = router.spec.physical_card
    if is_in and spec is not None:
        sqn_seen = router.own_card.sqn_seen if router.own_card else router.own_sqn_seen
        router.own_card = BuiltInCard(spec, CardKind.PHYSICAL, sqn_seen)
        return
    if router.own_card is not None:
        router.own_sqn_seen = router.own_card.sqn_seen
    router.own_card = None
    if router.modem.is_cloud_used:
        return
    await drop_user_bearer(router)
    router.show_card(None, Registration(stat=Stat.IDLE))
    if "stuck_after_card_pull" in router.spec.defects:
        return
    router.modem.is_cloud_used = True
    router.save_state()
    router.interrupt(Event.TO_CLOUD)


async def own_data(router: Router) -> Event:
    """Serve the user with the physical card until it is changed."""
    await watch_traffic(router)
    return Event.LOST
