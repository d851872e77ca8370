"""From power-on to the access server: boot, seed attach, seed bearer, login, location."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from devices.virtual.at.modem import PdnContext, Registration, Stat
from devices.virtual.firmware.access import AccessError, Path
from devices.virtual.firmware.phases import Event
from devices.virtual.firmware.reject import MAX_ATTEMPTS, T3402_S, T3411_S, Reaction, reaction
from devices.virtual.firmware.router import FIRMWARE, Router, backoff_s
from devices.virtual.firmware.routes import route_bound_sockets
from devices.virtual.firmware.stack import Attached
from devices.virtual.netlink import add_default_route, masquerade

SEED_CID = 1
_SLOW_BOOT_S = 60.0


async def boot(router: Router) -> Event:
    """Start: LAN, ports, boot messages, radio."""
    router.lan.open()
    await router.link.open(router.spec.radio_socket)
    router.spawn(router.link.serve())
    is_slow = "boots_too_slowly" in router.spec.defects
    await asyncio.sleep(router.spec.boot_s + (_SLOW_BOOT_S if is_slow else 0.0))
    router.console.open()
    router.control.send({"t": "ready"})
    router.console.boot_messages(has_card=True)
    router.show_card(router.seed_card.view(), Registration(stat=Stat.SEARCHING))
    if not router.modem.is_cloud_used and router.own_card:
        return Event.TO_OWN_CARD
    return Event.DONE


async def seed_search(router: Router) -> Event:
    """Attach the seed card; bounded attempts, then a long pause."""
    router.reason = "boot"
    if router.modem.fun != 1:
        router.show_registration(Registration())
        await asyncio.Event().wait()
    if router.shown_bearer() == "seed" or not router.is_user_bearer_up:
        router.show_card(router.seed_card.view(), Registration(stat=Stat.SEARCHING))
    if await attach_seed(router):
        return Event.DONE
    router.failures += 1
    if "crash_loop_without_seed" in router.spec.defects:
        router.modem.actions.reset()
    factor = router.spec.nas_timer_factor
    if "ignores_reject_and_hammers" in router.spec.defects:
        return Event.FAILED
    pause_s = T3402_S if router.failures >= MAX_ATTEMPTS else T3411_S
    search_s = backoff_s(router.failures, factor)
    await router.pause(pause_s * factor if router.is_seed_heard else search_s)
    return Event.FAILED


async def attach_seed(router: Router) -> bool:
    """Try once to attach the seed card."""
    seed = router.spec.seed
    cells = await router.seed_stack.scan()
    router.is_seed_heard = seed.plmn in {cell.plmn for cell in cells}
    if not router.is_seed_heard:
        return False
    result = await router.seed_stack.attach(seed.imsi, seed.plmn, router.ask_seed)
    if isinstance(result, Attached):
        router.seed_registration = Registration(
            stat=Stat.HOME, plmn=result.plmn, tac=result.tac, ci=result.ci, act=result.act
        )
        if result.nitz and router.modem.zone_updates:
            router.apply_nitz(result.nitz)
    else:
        is_denied = result.cause is not None and reaction(result.cause) is not Reaction.RETRY
        router.modem.end_reason = f"EMM cause {result.cause}"
        router.seed_registration = Registration(
            stat=Stat.DENIED if is_denied else Stat.SEARCHING, reject_cause=result.cause
        )
    if router.shown_bearer() == "seed":
        router.show_registration(router.seed_registration)
    return isinstance(result, Attached)


async def seed_bearer(router: Router) -> Event:
    """Open the seed's PDN connection and give bound sockets a way through it."""
    if await open_seed_bearer(router):
        return Event.DONE
    router.failures += 1
    await asyncio.sleep(backoff_s(router.failures, router.spec.nas_timer_factor))
    return Event.FAILED


async def open_seed_bearer(router: Router) -> bool:
    """Try once to open the seed's PDN connection."""
    pdn = await router.seed_stack.open_pdn(router.spec.seed.apn, SEED_CID)
    if pdn is None:
        return False
    try:
        route_bound_sockets(pdn.ifname, pdn.gateway)
    except OSError as exc:
        router.log(f"seed bearer: {exc}")  # it went away again at once
        return False
    if "user_traffic_over_seed" in router.spec.defects:
        add_default_route(pdn.ifname, pdn.gateway)
        masquerade(pdn.ifname)
    router.access.close()
    router.access.path = Path(ifname=pdn.ifname, dns=pdn.dns)
    router.is_seed_up = True
    if router.shown_bearer() == "seed":
        router.modem.contexts[1] = PdnContext(
            cid=1,
            apn=router.spec.seed.apn,
            is_active=True,
            address=pdn.address,
            prefix=pdn.prefix,
            gateway=pdn.gateway,
            dns=pdn.dns,
        )
    return True


async def login(router: Router) -> Event:
    """Log in at the access server over TLS."""
    await log_in(router)
    return Event.DONE


async def log_in(router: Router) -> None:
    """Open a session.

    Raises:
        AccessError: It was not granted.
    """
    answer = await router.access.post("/v1/login", imei=router.spec.imei, firmware=FIRMWARE)
    router.session = str(answer["session"])
    router.heartbeat_s = float(answer.get("heartbeat_s") or router.heartbeat_s)
    take_speed_rules(router, answer)


def take_speed_rules(router: Router, answer: dict[str, Any]) -> None:
    """Remember the speed tiers of an answer, if it carries any, and the use they count from."""
    rules = answer.get("speed_rules")
    if not isinstance(rules, list):
        return
    tiers = tuple(sorted((int(rule["after_bytes"]), int(rule["rate_bps"])) for rule in rules))
    if router.tiers_at_boot is None:
        router.tiers_at_boot = tiers
    if "tiers_forgotten" in router.spec.defects and tiers == router.tiers_at_boot:
        return
    used = router.usage.total
    router.speed_rules = tiers
    router.used_before = int(answer.get("used_bytes") or 0) - used.dl - used.ul


async def locate(router: Router) -> Event:
    """Report the strongest cell that is not the seed network's own."""
    cells = await router.seed_stack.scan()
    router.modem.cells = cells or router.modem.cells
    carriers = [cell for cell in cells if cell.plmn != router.spec.seed.plmn]
    if not carriers:
        return Event.DONE
    best = max(carriers, key=lambda cell: cell.rsrp_dbm)
    age_s = 7200 if "reports_stale_location" in router.spec.defects else 0
    await router.access.post(
        "/v1/location",
        session=router.session,
        mcc=best.plmn[:3],
        mnc=best.plmn[3:],
        tac=best.tac,
        cell=best.ci,
        age_s=age_s,
    )
    return Event.DONE


def is_refusal(error: AccessError) -> bool:
    """Tell whether the server said that there is no card for us now."""
    is_suspended = error.status == HTTPStatus.FORBIDDEN
    return is_suspended or (error.status == HTTPStatus.CONFLICT and error.error == "no_sim")
