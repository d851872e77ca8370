"""The parts of one router, and the loop that takes it from state to state."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from devices.virtual.at.modem import CardKind, CardView, Modem, Registration, Stat
from devices.virtual.channel import Channel, Message
from devices.virtual.firmware import flash as flash_records
from devices.virtual.firmware.access import AccessError, AccessServer, trust
from devices.virtual.firmware.actions import RouterActions
from devices.virtual.firmware.bearer import forget_bearer
from devices.virtual.firmware.clock import ModemClock
from devices.virtual.firmware.console import Console
from devices.virtual.firmware.flash import Flash
from devices.virtual.firmware.lan import Lan
from devices.virtual.firmware.phases import PHASES, TRANSITIONS, Event, State, next_state
from devices.virtual.firmware.profile import Profile
from devices.virtual.firmware.radio import MAIN, SEED, RadioLink
from devices.virtual.firmware.slots import BuiltInCard, answer_data
from devices.virtual.firmware.spec import RouterSpec
from devices.virtual.firmware.stack import AuthResult, Stack, read_cells
from devices.virtual.firmware.traffic import Usage, read_link

FIRMWARE = "VR1.0.0"
USER_BEARER = "wwan0"
_NO_SESSION = frozenset({401, 409})
_BACKOFF_MAX_S = 60.0


def backoff_s(failures: int, factor: float) -> float:
    """Return how long to wait after so many failures in a row, in seconds."""
    longest = min(_BACKOFF_MAX_S, 1.0 * 2.0 ** min(max(0, failures - 1), 16))
    return longest * max(factor, 0.05)


class Router:
    """One router: its parts, and what they know of each other.

    Args:
        spec: What it was told at its start.
        control: The line to the supervisor.
    """

    def __init__(self, spec: RouterSpec, control: Channel) -> None:
        self.spec = spec
        self.control = control
        self.flash = Flash(Path(spec.flash_dir))
        stored = self.flash.read(flash_records.STATE) or {}
        self.slow_iccids: list[str] = list(stored.get("slow_iccids", ()))
        sqn = stored.get("sqn", {})
        self.seed_card = BuiltInCard(spec.seed, CardKind.SEED, int(sqn.get("seed", 0)))
        self.own_card = (
            BuiltInCard(spec.physical_card, CardKind.PHYSICAL, int(sqn.get("physical", 0)))
            if spec.physical_card
            else None
        )
        self.own_sqn_seen = int(sqn.get("physical", 0))
        self.clock = ModemClock(time.monotonic, spec.defects)
        rows = {(str(i), str(h)): (int(d), int(u)) for i, h, d, u in stored.get("usage", ())}
        self.usage_life = str(stored.get("usage_life") or secrets.token_hex(4))
        self.usage = Usage(lambda: read_link(USER_BEARER), rows, spec.defects)
        self.link = RadioLink(spec.imei, self._on_radio)
        self.seed_stack = Stack(self.link, SEED, spec.nas_timer_factor)
        self.main_stack = Stack(self.link, MAIN, spec.nas_timer_factor)
        self.lan = Lan(spec.lan_ifname, spec.lan_address, spec.dhcp_pool, spec.defects)
        self.access = AccessServer(
            host=spec.access_host,
            port=spec.access_port,
            context=trust(spec.ca_file, spec.defects),
            imei=spec.imei,
            device_key=spec.device_key,
            takes_old="accepts_replayed_profile" in spec.defects,
        )
        style = spec.model.rpartition("-")[2]
        self.modem = Modem(
            actions=RouterActions(self),
            style=style if style in {"unisoc", "mediatek"} else "unisoc",
            manufacturer="Virtual",
            model=spec.model,
            revision=FIRMWARE,
            imei=spec.imei,
            defects=spec.defects,
            is_cloud_used=bool(stored.get("is_cloud_used", True)),
        )
        self.console = Console(self.modem, self._announce)
        self.state = State.BOOT
        self.profile: Profile | None = None
        self.offer: dict[str, Any] = {}
        self.session = ""
        self.heartbeat_s = 10.0
        self.reason = "boot"
        self.measured_bps = 0.0
        self.failures = 0
        self.slow_changes = 0
        self.cycles = 0
        self.seed_registration = Registration()
        self.is_seed_up = False
        self.is_seed_heard = False
        self.is_user_bearer_up = False
        self.main_plmn: str | None = None
        self.wanted_plmn: str | None = None
        self.stays_detached = False
        self.is_erased = False
        self.restart = asyncio.Event()
        self.speed_rules: tuple[tuple[int, int], ...] = ()
        self.tiers_at_boot: tuple[tuple[int, int], ...] | None = None
        self.used_before = 0
        self.tier_bps = 0
        self._found = asyncio.Event()
        self._interrupts: asyncio.Queue[Event] = asyncio.Queue()
        self._background: set[asyncio.Task[None]] = set()

    def save_state(self) -> None:
        """Write to flash what must outlive a power cut."""
        if self.is_erased:
            return
        if self.own_card:
            self.own_sqn_seen = self.own_card.sqn_seen
        sqn = {"seed": self.seed_card.sqn_seen, "physical": self.own_sqn_seen}
        forgets = self.spec.defects & {"usage_reset_by_reboot", "forgets_slow_card"}
        self.flash.write(
            flash_records.STATE,
            {
                "slow_iccids": [] if "forgets_slow_card" in forgets else self.slow_iccids,
                "sqn": sqn,
                "usage": [] if "usage_reset_by_reboot" in forgets else self.usage.stored(),
                "usage_life": self.usage_life,
                "is_cloud_used": self.modem.is_cloud_used,
            },
        )

    def fall_off_usb(self) -> None:
        """Vanish from the bench for good, as with a broken cable; the router goes on."""
        self.console.close()
        self.control.send({"t": "reenumerate", "down": True})

    def close(self) -> None:
        """Let go of ports, sockets and tasks; may be called again."""
        for task in self._background:
            task.cancel()
        self.console.close()
        self.lan.close()
        self.access.close()
        self.link.close()

    def interrupt(self, event: Event) -> None:
        """Let an event reach the running step, if it can happen in its state."""
        self._interrupts.put_nowait(event)

    async def live(self, steps: Mapping[State, Callable[[Router], Awaitable[Event]]]) -> None:
        """Go from state to state for ever."""
        while True:
            event = await self._step(steps[self.state])
            self.state = next_state(self.state, event)
            self._show_phase()

    async def _step(self, step: Callable[[Router], Awaitable[Event]]) -> Event:
        running = asyncio.ensure_future(self._guarded(step))
        waiting = asyncio.ensure_future(self._interruption())
        try:
            await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
            return running.result() if running.done() else waiting.result()
        finally:
            for task in (running, waiting):
                task.cancel()
            await asyncio.gather(running, waiting, return_exceptions=True)

    async def _interruption(self) -> Event:
        while True:
            event = await self._interrupts.get()
            if (self.state, event) in TRANSITIONS:
                return event

    async def _guarded(self, step: Callable[[Router], Awaitable[Event]]) -> Event:
        """Run a step; trouble with the access server is answered by back-off."""
        try:
            event = await step(self)
        except AccessError as exc:
            self.log(f"{self.state.value}: {exc}")
            self.failures += 1
            await asyncio.sleep(backoff_s(self.failures, self.spec.nas_timer_factor))
            if not self.is_seed_up and (self.state, Event.SEED_LOST) in TRANSITIONS:
                return Event.SEED_LOST
            is_session_gone = exc.status in _NO_SESSION and exc.error != "no_sim"
            in_table = (self.state, Event.SESSION_LOST) in TRANSITIONS
            return Event.SESSION_LOST if is_session_gone and in_table else Event.FAILED
        if event is Event.DONE:
            self.failures = 0
        return event

    async def pause(self, longest_s: float) -> None:
        """Wait, but not once a cell is found again."""
        self._found.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._found.wait()

    def show_card(self, card: CardView | None, registration: Registration) -> None:
        """Let the AT surface show this card and its registration."""
        self.modem.card = card
        self.show_registration(registration)

    def show_registration(self, registration: Registration) -> None:
        """Let the AT surface show this registration."""
        self.modem.registration = registration
        self.modem.attached = registration.stat in {Stat.HOME, Stat.ROAMING}
        self.console.registration_changed()

    def _show_phase(self) -> None:
        phase = PHASES[self.state]
        if self.modem.phase == PHASES[State.REASSIGN] and self.state in {
            State.LOCATE,
            State.SELECT,
        }:
            return
        if phase != self.modem.phase:
            self.modem.phase = phase
            self.console.cloud_changed()
            if f"usb_drops_in_p{phase}" in self.spec.defects:
                self.fall_off_usb()

    def log(self, text: str) -> None:
        """Send a line to the supervisor's log; no key and no IMSI belongs in it."""
        if "imsi_in_log" in self.spec.defects and self.profile:
            text += f" imsi={self.profile.imsi}"
        self.control.send({"t": "log", "text": text})

    def _announce(self, interface: int, node: str) -> None:
        self.control.send({"t": "tty", "interface": interface, "node": node})

    def spawn(self, work: Awaitable[None]) -> None:
        """Run something beside the state machine."""
        task = asyncio.ensure_future(_as_coroutine(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def relay(self, rand: bytes, autn: bytes) -> AuthResult | None:
        """Let the card in the bank answer AUTHENTICATE, through the access server."""
        if "authenticates_late" in self.spec.defects:
            await asyncio.sleep(40.0 * self.spec.nas_timer_factor)
        if self.profile is None:
            return None
        try:
            answer = await self.access.post(
                "/v1/auth",
                session=self.session,
                assignment=self.profile.assignment,
                rand=rand.hex(),
                autn=autn.hex(),
            )
        except AccessError as exc:
            self.log(f"authentication relay: {exc}")
            return None
        return read_auth(answer)

    async def ask_seed(self, rand: bytes, autn: bytes) -> AuthResult:
        """Let the seed card answer AUTHENTICATE."""
        result = self.seed_card.answer(rand, autn)
        self.save_state()
        return result

    async def ask_own_card(self, rand: bytes, autn: bytes) -> AuthResult | None:
        """Let the physical card answer AUTHENTICATE."""
        if self.own_card is None:
            return None
        result = self.own_card.answer(rand, autn)
        self.save_state()
        return result

    def _on_radio(self, bearer: str, message: Message) -> None:
        stack = self.seed_stack if bearer == SEED else self.main_stack
        kind = message["t"]
        if kind == "found":
            self._found.set()
        if kind in {"cells", "found"}:
            if bearer == self.shown_bearer() or not self.modem.cells:
                self.modem.cells = read_cells(message)
        elif kind == "auth_request":
            if not stack.is_attaching and stack.authenticate is not None:
                self.spawn(stack.answer_challenge(message, stack.authenticate))
        elif kind in {"detach", "lost"}:
            self._bearer_lost(bearer, kind)
        elif kind == "signal":
            self._signal_changed(message)
        elif kind == "nitz" and self.modem.zone_updates:
            self.apply_nitz(message)

    def apply_nitz(self, nitz: Message) -> None:
        """Take the network's time and tell who asked for it."""
        if "ignores_network_time" in self.spec.defects:
            return
        before = self.clock.zone_quarters if self.clock.is_set else None
        self.clock.apply_nitz(nitz)
        if before != self.clock.zone_quarters:
            local = self.clock.utc().strftime("%Y/%m/%d,%H:%M:%S")
            self.console.zone_changed(self.clock.zone_quarters, local)

    def _signal_changed(self, message: Message) -> None:
        serving = self.modem.serving()
        if serving is None or "rsrp_dbm" not in message:
            return
        fresh = type(serving)(
            plmn=serving.plmn,
            tac=serving.tac,
            ci=serving.ci,
            act=serving.act,
            rsrp_dbm=float(message["rsrp_dbm"]),
            rsrq_db=float(message.get("rsrq_db", serving.rsrq_db)),
        )
        self.modem.cells = tuple(fresh if c is serving else c for c in self.modem.cells)

    def _bearer_lost(self, bearer: str, kind: str) -> None:
        self.log(f"{bearer}: {kind}")
        if bearer == SEED:
            self.is_seed_up = False
            self.seed_registration = Registration(stat=Stat.SEARCHING)
            self.access.close()
            self.interrupt(Event.SEED_LOST)
        else:
            forget_bearer(self, "NW")
            self.main_plmn = None
            self.interrupt(Event.LOST)
        if bearer == self.shown_bearer():
            self.show_registration(Registration(stat=Stat.SEARCHING))

    def shown_bearer(self) -> str:
        """Return which stack the AT surface shows now."""
        card = self.modem.card
        return SEED if card is None or card.kind is CardKind.SEED else MAIN


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


def read_auth(answer: Mapping[str, Any]) -> AuthResult:
    """Read the bank's answer to AUTHENTICATE; neither RES nor AUTS means a wrong MAC."""
    if answer.get("res"):
        res, ck, ik = (bytes.fromhex(str(answer[name])) for name in ("res", "ck", "ik"))
        return AuthResult(res=res, data=answer_data(res=res, ck=ck, ik=ik))
    if answer.get("auts"):
        auts = bytes.fromhex(str(answer["auts"]))
        return AuthResult(auts=auts, data=answer_data(auts=auts))
    return AuthResult()
