"""What AT commands set in motion in the router."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.virtual.at.modem import (
    ByteCount,
    CardKind,
    Cell,
    LocalTime,
    Registration,
    Stat,
)
from devices.virtual.firmware.bearer import USER_CID, drop_user_bearer, forget_bearer, use_bearer
from devices.virtual.firmware.flash import PROFILE
from devices.virtual.firmware.phases import Event, State
from devices.virtual.firmware.radio import SEED

if TYPE_CHECKING:
    from devices.virtual.firmware.router import Router
    from devices.virtual.firmware.stack import Stack

_RESET_AFTER_S = 0.2
_ATTACH_WAIT_S = 30.0
_POLL_S = 0.05


class RouterActions:
    """The `Actions` of one router."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def set_function(self, fun: int) -> None:
        """Switch the radio off (0, 4) or on (1)."""
        router = self._router
        router.modem.fun = fun
        if fun == 1:
            router.interrupt(Event.RADIO_CHANGED)
            return
        await drop_user_bearer(router)
        await router.seed_stack.detach()
        router.is_seed_up = False
        router.access.close()
        router.seed_registration = Registration()
        router.show_registration(Registration())
        router.interrupt(Event.RADIO_CHANGED)

    def reset(self) -> None:
        """Restart the firmware a moment later, so that OK still gets out."""
        router = self._router
        asyncio.get_running_loop().call_later(_RESET_AFTER_S, router.restart.set)

    async def scan(self) -> tuple[Cell, ...]:
        """Look for networks with the stack that is shown."""
        stack = self._shown_stack()
        cells = await stack.scan()
        self._router.modem.cells = cells or self._router.modem.cells
        return cells

    def _shown_stack(self) -> Stack:
        router = self._router
        return router.seed_stack if router.shown_bearer() == SEED else router.main_stack

    async def select_network(self, plmn: str | None) -> bool:
        """Register on a network with the card in use; only the card's own carrier takes it."""
        router = self._router
        if plmn is None or plmn == router.modem.registration.plmn:
            router.wanted_plmn = None
            return await self._wait_attached()
        router.wanted_plmn = plmn
        await drop_user_bearer(router)
        router.show_registration(Registration(stat=Stat.SEARCHING))
        router.interrupt(Event.LOST)
        return await self._wait_attached() and router.modem.registration.plmn == plmn

    async def set_attached(self, *, attached: bool) -> bool:
        """Detach, or wait until the firmware is attached again."""
        router = self._router
        if attached and router.modem.attached:
            return True
        if attached:
            router.stays_detached = False
            router.interrupt(Event.LOST)
            return await self._wait_attached()
        router.stays_detached = True
        await drop_user_bearer(router)
        router.show_registration(Registration())
        router.interrupt(Event.LOST)
        return True

    async def _wait_attached(self) -> bool:
        try:
            async with asyncio.timeout(_ATTACH_WAIT_S):
                while not self._router.modem.attached:  # noqa: ASYNC110 - state of several tasks
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return False
        return True

    async def set_pdn(self, cid: int, *, active: bool) -> bool:
        """Open or close the user's PDN connection."""
        router = self._router
        context = router.modem.contexts[cid]
        if context.is_active == active:
            return True
        if cid != USER_CID or router.shown_bearer() == SEED or router.main_plmn is None:
            return False
        if not active:
            forget_bearer(router, "ME")
            await router.main_stack.close_pdn(cid)
            return True
        pdn = await router.main_stack.open_pdn(context.apn, cid)
        return pdn is not None and use_bearer(router, pdn, context.apn)

    async def authenticate(self, rand: bytes, autn: bytes) -> bytes | None:
        """Let the card in use answer."""
        router = self._router
        card = router.modem.card
        asks = {
            CardKind.SEED: router.ask_seed,
            CardKind.PHYSICAL: router.ask_own_card,
            CardKind.CLOUD: router.relay,
        }
        result = await asks[card.kind](rand, autn) if card else None
        return result.data if result else None

    def ask_reassignment(self) -> bool:
        """Ask for another card, as the user may."""
        if self._router.state is not State.DATA:
            return False
        self._router.reason = "weak"
        self._router.interrupt(Event.REASSIGN)
        return True

    def switch_card(self, kind: CardKind) -> bool:
        """Change between physical and cloud card."""
        router = self._router
        if kind is CardKind.PHYSICAL and router.own_card is None:
            return False
        if "ignores_card_switch" in router.spec.defects:
            return True
        router.modem.is_cloud_used = kind is CardKind.CLOUD
        router.save_state()
        router.interrupt(Event.TO_CLOUD if kind is CardKind.CLOUD else Event.TO_OWN_CARD)
        return True

    def factory_reset(self) -> None:
        """Erase everything that was stored, then restart."""
        if "factory_reset_keeps_profile" not in self._router.spec.defects:
            self._router.flash.erase_all()
        self._router.is_erased = True
        self.reset()

    def held_iccid(self) -> str:
        """Return whose profile is in flash."""
        record = self._router.flash.read(PROFILE)
        return str(record["content"]["iccid"]) if record else ""

    def byte_count(self) -> ByteCount:
        """Return the byte counters of the user's bearer."""
        return self._router.usage.shown

    def reset_byte_count(self) -> None:
        """Set the byte counters to zero."""
        self._router.usage.reset_shown()

    def local_time(self) -> LocalTime:
        """Return the modem's clock."""
        return self._router.clock.local()

    def set_local_time(self, text: str) -> None:
        """Set the modem's clock."""
        self._router.clock.set_text(text)
