"""What the AT surface can see of the modem, and what it can ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class Stat(IntEnum):
    """``<stat>`` of TS 27.007 clause 7.2 and 10.1.22."""

    IDLE = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5


class CardKind(IntEnum):
    """``<card>`` of the vendor's ``^CLOUDSIM``."""

    PHYSICAL = 0
    CLOUD = 1
    SEED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """The card in use, without its keys.

    Attributes:
        files: Elementary files by name, as bytes (``EF_ICCID``…).
        pin: Its PIN if the card asks for one.
    """

    kind: CardKind
    iccid: str
    imsi: str
    plmn: str
    atr: bytes
    files: Mapping[str, bytes]
    pin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell that can be heard.

    Attributes:
        tac: Tracking area code.
        ci: E-UTRAN cell identity, 28 bits.
        act: ``<AcT>`` of TS 27.007.
    """

    plmn: str
    tac: int
    ci: int
    act: int
    rsrp_dbm: float
    rsrq_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where the stack of the card in use is registered (TS 27.007 clause 10.1.22)."""

    stat: Stat = Stat.IDLE
    plmn: str = ""
    tac: int = 0
    ci: int = 0
    act: int = 7
    reject_cause: int | None = None


@dataclass(slots=True, kw_only=True)
class PdnContext:
    """One ``<cid>`` (TS 27.007 clause 10.1.1).

    Attributes:
        address: IPv4 address without prefix length; empty while there is none.
        prefix: Prefix length of the address.
        ambr_dl_bps: Aggregate maximum bit rate, downlink, in bit/s; 0 unknown.
        ambr_ul_bps: The same, uplink.
    """

    cid: int
    kind: str = "IP"
    apn: str = ""
    is_active: bool = False
    address: str = ""
    prefix: int = 24
    gateway: str = ""
    dns: tuple[str, ...] = ()
    qci: int = 9
    ambr_dl_bps: int = 0
    ambr_ul_bps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteCount:
    """IP bytes through the user's bearer since power-on."""

    dl: int
    ul: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """The modem's clock: local fields and the zone, in quarters of an hour."""

    text: str
    zone_quarters: int


class Actions(Protocol):
    """What a command may set in motion. Each returns when it is done."""

    async def set_function(self, fun: int) -> None:
        """Go to ``<fun>`` (0, 1 or 4) of ``+CFUN``."""
        ...

    def reset(self) -> None:
        """Restart the module: its ports go away and come back under other names."""
        ...

    async def scan(self) -> tuple[Cell, ...]:
        """Look for networks."""
        ...

    async def select_network(self, plmn: str | None) -> bool:
        """Register manually on a network, or automatically; return whether it worked."""
        ...

    async def set_attached(self, *, attached: bool) -> bool:
        """Attach to or detach from the packet domain; return whether it worked."""
        ...

    async def set_pdn(self, cid: int, *, active: bool) -> bool:
        """Open or close a PDN connection; return whether it worked."""
        ...

    async def authenticate(self, rand: bytes, autn: bytes) -> bytes | None:
        """Let the card in use answer AUTHENTICATE; return its data, None for a wrong MAC."""
        ...

    def ask_reassignment(self) -> bool:
        """Ask for another cloud card; return whether one is in use."""
        ...

    def switch_card(self, kind: CardKind) -> bool:
        """Change between the physical and the cloud card; return whether it can be done."""
        ...

    def factory_reset(self) -> None:
        """Erase what was downloaded."""
        ...

    def held_iccid(self) -> str:
        """Return whose profile is in flash; empty for none."""
        ...

    def byte_count(self) -> ByteCount:
        """Return the byte counters of the user's bearer."""
        ...

    def reset_byte_count(self) -> None:
        """Set the byte counters to zero."""
        ...

    def local_time(self) -> LocalTime:
        """Return the modem's clock."""
        ...

    def set_local_time(self, text: str) -> None:
        """Set the modem's clock to a ``+CCLK`` text."""
        ...


@dataclass(slots=True, kw_only=True)
class Modem:
    """The state that commands read. The firmware writes it.

    Attributes:
        style: ``unisoc`` or ``mediatek``: whose vendor commands there are.
        fun: ``<fun>`` of ``+CFUN``.
        registered_on_seed: Whether the registration shown is the seed card's.
        phase: Highest phase of P0 to P8 the cloud card has reached.
        selection: ``<mode>`` of ``+COPS``.
        end_reason: Text for ``+CEER``.
        defects: Names of the planted defects.
    """

    actions: Actions
    style: str
    manufacturer: str
    model: str
    revision: str
    imei: str
    defects: frozenset[str] = frozenset()
    fun: int = 1
    card: CardView | None = None
    is_pin_entered: bool = False
    pin_tries_left: int = 3
    registration: Registration = field(default_factory=Registration)
    cells: tuple[Cell, ...] = ()
    contexts: dict[int, PdnContext] = field(default_factory=dict)
    attached: bool = False
    is_connected: bool = False
    phase: int = 0
    is_cloud_used: bool = True
    selection: int = 0
    zone_updates: bool = True
    end_reason: str = "No report available"
    vendor: dict[str, int] = field(default_factory=dict)

    def serving(self) -> Cell | None:
        """Return the strongest cell of the network the modem is registered on."""
        here = [cell for cell in self.cells if cell.plmn == self.registration.plmn]
        return max(here, key=lambda cell: cell.rsrp_dbm, default=None)

    def needs_pin(self) -> bool:
        """Tell whether the card waits for its PIN."""
        return self.card is not None and bool(self.card.pin) and not self.is_pin_entered
