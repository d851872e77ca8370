"""The user's bearer: default route, address translation, name servers; and taking it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.virtual.at.modem import CardKind, PdnContext
from devices.virtual.firmware.stack import Pdn
from devices.virtual.netlink import add_default_route, masquerade

if TYPE_CHECKING:
    from devices.virtual.firmware.router import Router

USER_CID = 1


def use_bearer(router: Router, pdn: Pdn, apn: str) -> bool:
    """Send the LAN's traffic through a new PDN connection; tell whether it is still there."""
    try:
        add_default_route(pdn.ifname, pdn.gateway)
        masquerade(pdn.ifname)
    except OSError as exc:
        router.log(f"user's bearer: {exc}")  # it went away again at once
        return False
    router.lan.upstream = (pdn.ifname, pdn.dns)
    router.usage.begin_bearer()
    router.is_user_bearer_up = True
    router.modem.contexts[USER_CID] = PdnContext(
        cid=USER_CID,
        apn=apn,
        is_active=True,
        address=pdn.address,
        prefix=pdn.prefix,
        gateway=pdn.gateway,
        dns=pdn.dns,
        ambr_dl_bps=pdn.ambr_dl_bps,
        ambr_ul_bps=pdn.ambr_ul_bps,
    )
    router.modem.is_connected = True
    router.console.packet_event(f"ME PDN ACT {USER_CID}")
    router.console.connection_changed()
    return True


def forget_bearer(router: Router, by: str) -> None:
    """Take note that the PDN connection is gone; ``by`` is ``ME`` or ``NW``."""
    if not router.is_user_bearer_up:
        return
    book_usage(router)
    router.is_user_bearer_up = False
    router.lan.upstream = None
    context = router.modem.contexts.get(USER_CID)
    if context is not None:
        context.is_active, context.address = False, ""
    router.modem.is_connected = False
    router.console.packet_event(f"{by} PDN DEACT {USER_CID}")
    router.console.connection_changed()


async def drop_user_bearer(router: Router) -> None:
    """Detach the card of the user's traffic, if one is attached."""
    if router.main_plmn is None and not router.is_user_bearer_up:
        return
    forget_bearer(router, "ME")
    await router.main_stack.detach()
    router.main_plmn = None
    router.console.packet_event("ME DETACH")


def book_usage(router: Router) -> None:
    """Book what went through the bearer since the last time."""
    card = router.modem.card
    if card is None or card.kind is CardKind.SEED or not router.is_user_bearer_up:
        return
    router.usage.sample(card.iccid, router.clock.hour_utc())
