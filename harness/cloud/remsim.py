"""Adapter for osmo-remsim-server's REST back end (`/api/backend/v1`, port 9997).

Written from its user manual (chapters remsim-server and remsim-apitool): banks and clients that
are connected, and slot maps, which say which card of which bank a client has. There is nothing in
it of places, usage, states of a SIM or a log, and no authentication. It was tried against a small
stand-in only, and **never verified on the real server**.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.cloud.adapter import FAULTS, LOG, MARK, RULES, STEER
from harness.cloud.model import RouterState, ServerEvent, Sim, SimState, SpeedRule
from harness.cloud.service import Service
from harness.core.clock import Deadline
from harness.core.errors import CloudError, UsageError
from harness.core.party import Party

_PREFIX: Final = "/api/backend/v1"
_BANK_BITS: Final = 16

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card in a bank, as lab.toml says: the server itself does not know whose card it is.

    Attributes:
        bank_id: Number of the bank (`--bankd-id` of osmo-remsim-bankd).
        slot: Slot of the bank.
        iccid: The card.
        imsi: Its subscriber.
        carrier: Carrier's name.
        plmn: Carrier's PLMN code.
    """

    bank_id: int
    slot: int
    iccid: str
    imsi: str
    carrier: str
    plmn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A router's remsim client.

    Attributes:
        client_id: Its number (`--client-id` of osmo-remsim-client).
        slot: Its slot.
    """

    client_id: int
    slot: int = 0

    @property
    def peer(self) -> str:
        """How the server names it, for example `C23:0`."""
        return f"C{self.client_id}:{self.slot}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _BankSlot(_Part):
    bank_id: int = Field(alias="bankId")
    slot: int = Field(alias="slotNr")


class _ClientSlot(_Part):
    client_id: int = Field(alias="clientId")
    slot: int = Field(alias="slotNr")


class _SlotMap(_Part):
    bank: _BankSlot
    client: _ClientSlot
    state: Literal["NEW", "UNACKNOWLEDGED", "ACTIVE", "DELETE_REQ", "DELETING"]


class _Bank(_Part):
    bank_id: int = Field(alias="bankId")
    slots: int = Field(alias="numberOfSlots")


class _Connected(_Part):
    peer: str
    state: str


class RemsimCloud:
    """Cards and clients of an osmo-remsim-server.

    Args:
        service: Where it answers.
        cards: What is in its banks.
        clients: Each router's client by IMEI.
    """

    capabilities: Final = frozenset({STEER})

    def __init__(
        self, service: Service, *, cards: Sequence[Card], clients: Mapping[str, Client]
    ) -> None:
        self._service = service
        self._cards = tuple(sorted(cards, key=lambda card: (card.bank_id, card.slot)))
        self._clients = dict(clients)

    def router(self, imei: str, deadline: Deadline) -> RouterState | None:
        """Return which card a router's client has; None when no client is connected for it."""
        client = self._client(imei)
        connected = self._list("clients", _Connected, deadline)
        found = [item for item in connected if item.peer == client.peer]
        if not found:
            return None
        card = self._card_of(client, self._maps(deadline))
        return RouterState(imei=imei, state=found[0].state, iccid=card.iccid if card else None)

    def sims(self, deadline: Deadline) -> Sequence[Sim]:
        """Return every card of lab.toml: `absent` without its bank, else of `unknown` state."""
        slots = {bank.bank_id: bank.slots for bank in self._list("banks", _Bank, deadline)}
        maps = self._maps(deadline)
        imei_of = {(c.client_id, c.slot): imei for imei, c in self._clients.items()}
        user = {
            (item.bank.bank_id, item.bank.slot): imei_of.get(
                (item.client.client_id, item.client.slot)
            )
            for item in maps
        }
        return [
            Sim(
                slot=card.slot,
                iccid=card.iccid,
                imsi=card.imsi,
                carrier=card.carrier,
                plmn=card.plmn,
                state="unknown" if card.slot < slots.get(card.bank_id, 0) else "absent",
                assigned_imei=user.get((card.bank_id, card.slot)),
            )
            for card in self._cards
        ]

    def reassign(self, imei: str, reason: str, deadline: Deadline) -> None:
        """Give a router's client the next card that is free, instead of the one that it has.

        Args:
            imei: The router.
            reason: Why; the server keeps none.
            deadline: Until when.

        Raises:
            CloudError: No card is free, which the SIM bank owns, or the server refuses.
        """
        del reason
        client = self._client(imei)
        maps = self._maps(deadline)
        old = self._card_of(client, maps)
        taken = {(item.bank.bank_id, item.bank.slot) for item in maps}
        there = {sim.iccid for sim in self.sims(deadline) if sim.state != "absent"}
        start = self._cards.index(old) + 1 if old else 0
        order = self._cards[start:] + self._cards[:start]
        free = [c for c in order if (c.bank_id, c.slot) not in taken and c.iccid in there]
        if not free:
            msg = (
                f"{self._service.name} has no free card for {client.peer}: {len(taken)} of "
                f"{len(self._cards)} are mapped; free one or connect another bank"
            )
            raise CloudError(msg, party=Party.SIM_BANK)
        if old is not None:
            path = f"{_PREFIX}/slotmaps/{old.bank_id << _BANK_BITS | old.slot}"
            self._service.call("DELETE", path, deadline=deadline)
        body = {
            "bank": {"bankId": free[0].bank_id, "slotNr": free[0].slot},
            "client": {"clientId": client.client_id, "slotNr": client.slot},
        }
        self._service.call("POST", f"{_PREFIX}/slotmaps", body=body, deadline=deadline)

    def utc_us(self, deadline: Deadline) -> int:
        """Raise: the server tells no time (`cloud.log`)."""
        raise self._lacks(LOG, deadline)

    def events(
        self, *, after: int, deadline: Deadline, imei: str | None = None
    ) -> Sequence[ServerEvent]:
        """Raise: the server keeps no log (`cloud.log`)."""
        raise self._lacks(LOG, deadline, after, imei)

    def set_sim_state(self, iccid: str, state: SimState, reason: str, deadline: Deadline) -> None:
        """Raise: a card has no state there (`cloud.mark`)."""
        raise self._lacks(MARK, deadline, iccid, state, reason)

    def set_speed_rules(self, imei: str, rules: Sequence[SpeedRule], deadline: Deadline) -> None:
        """Raise: the server slows nobody (`cloud.rules`)."""
        raise self._lacks(RULES, deadline, imei, rules)

    def log(self, _deadline: Deadline) -> str | None:
        """Return None: the server's log stays with its operator."""
        return None

    def spoil(self, fault: Mapping[str, Any], deadline: Deadline) -> None:
        """Raise: the server does not go wrong on order (`cloud.faults`)."""
        raise self._lacks(FAULTS, deadline, fault)

    def _lacks(self, capability: str, *_asked: object) -> UsageError:
        return UsageError(
            f"{self._service.name} is an osmo-remsim-server, which has no {capability}; "
            "a case that asks for it must name it in its needs"
        )

    def _client(self, imei: str) -> Client:
        try:
            return self._clients[imei]
        except KeyError:
            msg = (
                f"lab.toml names no osmo-remsim client for the router {imei}; add it under "
                '[access_server.clients] as  name = "23:0"  (client id and slot)'
            )
            raise UsageError(msg) from None

    def _card_of(self, client: Client, maps: Sequence[_SlotMap]) -> Card | None:
        """Return the card that a client has by the maps that are not being taken away."""
        for item in maps:
            if (item.client.client_id, item.client.slot) != (client.client_id, client.slot):
                continue
            if item.state in {"DELETE_REQ", "DELETING"}:
                continue
            for card in self._cards:
                if (card.bank_id, card.slot) == (item.bank.bank_id, item.bank.slot):
                    return card
        return None

    def _maps(self, deadline: Deadline) -> list[_SlotMap]:
        return self._list("slotmaps", _SlotMap, deadline)

    def _list(self, what: str, model: type[M], deadline: Deadline) -> list[M]:
        """Ask for a list, which stands under its name."""
        answer: Any = self._service.call("GET", f"{_PREFIX}/{what}", deadline=deadline)
        items = answer.get(what) if isinstance(answer, dict) else None
        if not isinstance(items, list):
            msg = f"{self._service.name} answered GET {_PREFIX}/{what} with {str(answer)[:200]!r}"
            raise CloudError(msg, party=self._service.party)
        try:
            return [model.model_validate(item) for item in items]
        except ValidationError as exc:
            problem = exc.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            msg = f"{self._service.name}: {what}: {where}: {problem['msg']}"
            raise CloudError(msg, party=self._service.party) from None
