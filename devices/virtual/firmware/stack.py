"""One NAS stack: attach with authentication, PDN, detach (3GPP TS 24.301 clauses 5.4.2 and 5.5).

The modem has two of them, for the seed card and for the card of the user's traffic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devices.virtual.at.modem import Cell
from devices.virtual.channel import Message
from devices.virtual.firmware.radio import RadioLink
from devices.virtual.firmware.reject import T3410_S

_SCAN_S = 20.0
_PDN_S = 10.0
_DETACH_S = 2.0
_MAC_FAILURE, _SYNCH_FAILURE = 20, 21


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthResult:
    """What the card answered to AUTHENTICATE.

    Attributes:
        data: Tag DB or DC and its fields as TS 31.102 clause 7.1.2 has them; None: wrong MAC.
    """

    res: bytes = b""
    auts: bytes = b""
    data: bytes | None = None


Authenticate = Callable[[bytes, bytes], Awaitable[AuthResult | None]]
"""Asks the card; None when no answer came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The network accepted the attach."""

    plmn: str
    tac: int
    ci: int
    act: int
    nitz: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The network refused, with an EMM cause; None when it did not answer in T3410."""

    cause: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdn:
    """An open PDN connection."""

    address: str
    prefix: int
    gateway: str
    dns: tuple[str, ...]
    ifname: str
    ambr_dl_bps: int
    ambr_ul_bps: int


def read_cells(message: Message) -> tuple[Cell, ...]:
    """Read the list of cells of a ``cells`` or ``found`` message."""
    return tuple(
        Cell(
            plmn=str(cell["plmn"]),
            tac=int(cell["tac"]),
            ci=int(cell["ci"]),
            act=int(cell.get("act", 7)),
            rsrp_dbm=float(cell["rsrp_dbm"]),
            rsrq_db=float(cell.get("rsrq_db", -10.0)),
        )
        for cell in message.get("cells", ())
    )


class Stack:
    """One of the modem's two NAS stacks.

    Args:
        link: The radio link.
        bearer: Which stack this is.
        factor: What NAS timers are multiplied by.
    """

    def __init__(self, link: RadioLink, bearer: str, factor: float) -> None:
        self._link = link
        self._bearer = bearer
        self._factor = factor
        self._lock = asyncio.Lock()
        self.authenticate: Authenticate | None = None
        self.is_attaching = False

    async def scan(self) -> tuple[Cell, ...]:
        """Return the cells that can be heard; none when nothing answers in time."""
        async with self._lock:
            self._link.forget_answers(self._bearer)
            self._link.send(self._bearer, "scan")
            try:
                async with asyncio.timeout(_SCAN_S):
                    return read_cells(await self._link.answer(self._bearer, "cells"))
            except TimeoutError:
                return ()

    async def attach(self, imsi: str, plmn: str, ask: Authenticate) -> Attached | Rejected:
        """Attach a card to a network; the whole attempt is bounded by T3410 and the relay."""
        async with self._lock:
            self._link.forget_answers(self._bearer)
            self.authenticate = ask
            self.is_attaching = True
            self._link.send(self._bearer, "attach", imsi=imsi, plmn=plmn)
            try:
                return await self._await_attach(ask)
            except TimeoutError:
                return Rejected(cause=None)
            finally:
                self.is_attaching = False

    async def _await_attach(self, ask: Authenticate) -> Attached | Rejected:
        # T3410 is stopped while the network authenticates: its own T3460 guards that part.
        while True:
            async with asyncio.timeout(max(T3410_S * self._factor, 1.0)):
                message = await self._link.answer(
                    self._bearer, "auth_request", "accept", "reject", "detached"
                )
            if message["t"] == "auth_request":
                await self.answer_challenge(message, ask)
            elif message["t"] == "accept":
                return Attached(
                    plmn=str(message["plmn"]),
                    tac=int(message["tac"]),
                    ci=int(message["ci"]),
                    act=int(message.get("act", 7)),
                    nitz=message.get("nitz"),
                )
            else:
                cause = message.get("cause")
                return Rejected(cause=None if cause is None else int(cause))

    async def answer_challenge(self, message: Message, ask: Authenticate) -> None:
        """Answer one AUTHENTICATION REQUEST (clause 5.4.2.3 and 5.4.2.6)."""
        rand, autn = bytes.fromhex(message["rand"]), bytes.fromhex(message["autn"])
        result = await ask(rand, autn)
        if result is None:
            return
        if result.res:
            self._link.send(self._bearer, "auth_response", res=result.res.hex())
        elif result.auts:
            self._link.send(
                self._bearer, "auth_failure", cause=_SYNCH_FAILURE, auts=result.auts.hex()
            )
        else:
            self._link.send(self._bearer, "auth_failure", cause=_MAC_FAILURE, auts="")

    async def open_pdn(self, apn: str, cid: int) -> Pdn | None:
        """Open a PDN connection; None when it is refused or nothing answers."""
        async with self._lock:
            self._link.send(self._bearer, "pdn", apn=apn, cid=cid)
            try:
                async with asyncio.timeout(_PDN_S):
                    message = await self._link.answer(self._bearer, "pdn_accept", "pdn_reject")
            except TimeoutError:
                return None
        if message["t"] == "pdn_reject":
            return None
        address, _, prefix = str(message["address"]).partition("/")
        return Pdn(
            address=address,
            prefix=int(prefix or 32),
            gateway=str(message["gateway"]),
            dns=tuple(str(server) for server in message.get("dns", ())),
            ifname=str(message["ifname"]),
            ambr_dl_bps=int(message.get("ambr_dl_bps") or 0),
            ambr_ul_bps=int(message.get("ambr_ul_bps") or 0),
        )

    async def close_pdn(self, cid: int) -> None:
        """Close a PDN connection."""
        async with self._lock:
            self._link.send(self._bearer, "pdn_release", cid=cid)
            await self._confirmation("pdn_released")

    async def detach(self) -> None:
        """Detach and wait for the confirmation, but not for ever."""
        async with self._lock:
            self._link.forget_answers(self._bearer)
            self._link.send(self._bearer, "detach")
            await self._confirmation("detached")

    async def _confirmation(self, kind: str) -> None:
        try:
            async with asyncio.timeout(_DETACH_S):
                await self._link.answer(self._bearer, kind)
        except TimeoutError:
            return
