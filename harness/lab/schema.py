"""lab.toml: what is where on this bench, and who the five parties are.

What is demanded is not written here but in limits.toml: a bench file cannot loosen a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from harness.core.errors import UsageError
from harness.core.identity import check_iccid, check_imei, check_imsi, check_plmn
from harness.core.units import format_rate, format_size, parse_rate_bps, parse_size_bytes

T = TypeVar("T")

NAME = r"[a-z][a-z0-9_-]{0,31}"


def _read(parse: Callable[[str], T], kind: str) -> Callable[[object], T | object]:
    """Return a validator that reads text by `parse` and lets a value of its type through."""

    def read(value: object) -> T | object:
        if isinstance(value, str):
            try:
                return parse(value)
            except UsageError as exc:
                raise ValueError(str(exc)) from None
        msg = f"{value!r} has no unit; write a {kind} as text with its unit"
        raise ValueError(msg)

    return read


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    """Return a validator that turns our UsageError into pydantic's ValueError."""

    def validate(value: str) -> str:
        try:
            return check(value)
        except UsageError as exc:
            raise ValueError(str(exc)) from None

    return validate


RateBps = Annotated[
    int,
    BeforeValidator(_read(parse_rate_bps, "rate")),
    PlainSerializer(format_rate, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["384 kbit/s", "5 Mbit/s"]}),
]
SizeBytes = Annotated[
    int,
    BeforeValidator(_read(parse_size_bytes, "size")),
    PlainSerializer(format_size, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["25 GB", "10 MB"]}),
]
Imei = Annotated[str, BeforeValidator(_checked(check_imei)), WithJsonSchema({"type": "string"})]
Imsi = Annotated[str, BeforeValidator(_checked(check_imsi)), WithJsonSchema({"type": "string"})]
Iccid = Annotated[str, BeforeValidator(_checked(check_iccid)), WithJsonSchema({"type": "string"})]
Plmn = Annotated[str, BeforeValidator(_checked(check_plmn)), WithJsonSchema({"type": "string"})]
Name = Annotated[str, Field(pattern=f"^{NAME}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class _Table(BaseModel):
    """A table of lab.toml: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bench(_Table):
    """The bench itself.

    Attributes:
        name: Name of the bench; it is written to each record.
        virtual: Start the virtual bench instead of looking for real routers.
        runs: Directory of the runs, relative to lab.toml.
        keep_days: Kept files of older runs are removed before a run; None: none is too old.
        keep_size: So are the oldest beyond this room; None: there is room enough.
    """

    name: Name
    virtual: bool = False
    runs: Path = Path("runs")
    keep_days: int | None = Field(default=None, ge=1)
    keep_size: SizeBytes | None = None


class VirtualWorld(_Table):
    """What the virtual bench is told; each of it is stated in the record.

    Attributes:
        nas_timer_factor: NAS timers are multiplied by it.
        quota_factor: Quotas are multiplied by it: 0.001 makes 1 GB of quota 1 MB.
        date: Local time (Japan) at which the world starts; None: now.
        random_seed: The same number, the same keys, addresses and choices.
        boot_s: Seconds from power-on to an AT port.
        defects: Defects to plant, `name` or `name@router`.
    """

    nas_timer_factor: float = Field(default=0.1, gt=0, le=1)
    quota_factor: float = Field(default=1.0, gt=0, le=1)
    date: datetime | None = None
    random_seed: int = 1
    boot_s: float = Field(default=1.0, ge=0)
    defects: tuple[str, ...] = ()


class PhysicalSim(_Table):
    """A card in a router's own slot, beside its cloud SIM.

    Attributes:
        iccid: The card.
        imsi: Its subscriber.
        carrier: Name of one of the carriers.
        pin: Its PIN, when it asks for one.
    """

    iccid: Iccid
    imsi: Imsi
    carrier: Name
    pin: Annotated[str, Field(pattern=r"^\d{4,8}$")] | None = None


class Router(_Table):
    """One router under test.

    Attributes:
        model: Name of a model file (`devices/models`).
        usb_path: Where it is plugged in, as `harness ls` prints it.
        imei: Who it must say it is.
        serial: Its USB serial number, when it has one.
        relay: Outlet of the power strip that feeds it.
        physical_sim: Card in its own slot, when there is one.
    """

    model: Name
    usb_path: Annotated[str, Field(min_length=1)]
    imei: Imei
    serial: str | None = None
    relay: int | None = Field(default=None, ge=0)
    physical_sim: PhysicalSim | None = None


class LabService(_Table):
    """An HTTP service that the lab may ask and steer; the virtual bench announces its own.

    Attributes:
        url: Where it answers.
        ca_file: CA certificate to trust, relative to lab.toml.
        token_file: File with the bearer token, relative to lab.toml.
    """

    url: str | None = Field(default=None, pattern=r"^https?://")
    ca_file: Path | None = None
    token_file: Path | None = None


class Power(LabService):
    """What switches the routers' power; a router's `relay` is the number of its outlet.

    Attributes:
        kind: Shelly Gen1 (`shelly1`), Shelly Gen2 and later, Tasmota: HTTP at `url`; `snmp`: a PDU;
            `uhubctl`: ports of a hub on this host that switches them.
        host: Address of the PDU.
        community: SNMP community with write access.
        oid: Object of the outlets' control, without the outlet's number.
        hub: The hub as `uhubctl` names it, for example `1-2`.
    """

    kind: Literal["shelly1", "shelly2", "tasmota", "snmp", "uhubctl"] = "shelly1"
    host: str | None = None
    community: str | None = None
    oid: Annotated[str, Field(pattern=r"^\d+(\.\d+)+$")] | None = None
    hub: Annotated[str, Field(pattern=r"^\d+(-\d+(\.\d+)*)?$")] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"snmp": ("host", "community", "oid"), "uhubctl": ("hub",)}.get(
            self.kind, ("url",)
        )
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            msg = f"power.{missing[0]}: a power strip of kind {self.kind!r} needs it; add it"
            raise ValueError(msg)
        return self


class UsagePlan(_Table):
    """What a user of the service was sold.

    Attributes:
        cap: Bytes a month, both directions, before the service slows the line.
        limited: Rate after that.
    """

    cap: SizeBytes
    limited: RateBps


class AccessServer(LabService):
    """The access server's lab side, and the address that routers use.

    Attributes:
        adapter: Which adapter speaks with it: `generic`, or `osmo-remsim` for the REST back end of
            an osmo-remsim-server (never verified on a real one).
        host: Name by which routers reach it; the tap looks for it.
        plan: What each user was sold; None: no cap.
        clients: With osmo-remsim: each router's client as `client id:slot`, by the router's name.
        bank: With osmo-remsim: number of the bank that holds the slots of `sim_bank`.
    """

    adapter: Literal["generic", "osmo-remsim"] = "generic"
    host: str | None = None
    plan: UsagePlan | None = None
    clients: Mapping[Name, Annotated[str, Field(pattern=r"^\d{1,5}:\d{1,5}$")]] = Field(
        default_factory=dict
    )
    bank: int = Field(default=1, ge=0, le=65535)


class Carrier(_Table):
    """One carrier.

    Attributes:
        plmn: Its PLMN code.
        apn: Access point name of its SIMs.
        rate: Rate of an unthrottled SIM.
    """

    plmn: Plmn
    apn: str
    rate: RateBps


class Slot(_Table):
    """One slot of the SIM bank, with what is known of the contract (requirements R09).

    Attributes:
        slot: Number of the slot.
        iccid: The card.
        imsi: Its subscriber.
        carrier: Name of one of the carriers.
        quota: Bytes a month before the carrier slows it; None: not known.
        reset_day: Day of the month on which the quota starts anew.
        reset_time: Time of that day.
        zone: Zone of that time.
        throttle: Rate after the quota is used up; None: not known.
        window: Short-window rule: more than this many bytes ...
        window_days: ... in this many days slows it as well.
        source: Where these terms are written.
        disclosed: Whether the contract has been disclosed to the operator.
    """

    slot: int = Field(ge=0)
    iccid: Iccid
    imsi: Imsi
    carrier: Name
    quota: SizeBytes | None = None
    reset_day: int = Field(default=1, ge=1, le=28)
    reset_time: TimeOfDay = "00:00"
    zone: str = "Asia/Tokyo"
    throttle: RateBps | None = None
    window: SizeBytes | None = None
    window_days: int | None = Field(default=None, ge=1)
    source: str = "not stated"
    disclosed: bool = False


class SimBank(_Table):
    """The SIM bank.

    Attributes:
        slots: Its slots.
    """

    slots: tuple[Slot, ...] = ()


class TapPoint(_Table):
    """A mirror port that the bench can listen on.

    Attributes:
        interface: Name of the network interface.
    """

    interface: str


class Uplink(_Table):
    """The far side of the carriers: a leg of the bench for its own test server, or another's.

    Attributes:
        interface: Network interface; None uses the host's own address and routes.
        address: Address with prefix length, at which routers reach the bench's test server.
        gateway: Next hop.
        dns: Resolver.
        server: Instead of an address: a `harness testserver` elsewhere, `host:port`.
        token_file: With it: file with that server's token, relative to lab.toml.
    """

    interface: str | None = None
    address: str | None = None
    gateway: str | None = None
    dns: str | None = None
    server: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")] | None = None
    token_file: Path | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.address is None) == (self.server is None):
            msg = (
                "uplink.address: name either the address of the bench's own leg, or with "
                "uplink.server a test server elsewhere"
            )
            raise ValueError(msg)
        if (self.server is None) != (self.token_file is None):
            msg = "uplink.token_file: it belongs to uplink.server; name both or none"
            raise ValueError(msg)
        return self


class Lab(_Table):
    """A whole lab.toml.

    Attributes:
        bench: The bench itself.
        virtual: What the virtual bench is told.
        routers: Routers by name.
        access_server: The access server.
        sim_bank: The SIM bank.
        carriers: Carriers by name.
        core_network: Remote interface of a lab core network, if there is one.
        power: The switched power strip, if there is one.
        taps: Mirror ports by name; `seed` shows what routers send over the seed SIM.
        uplink: Leg of the lab's test server.
    """

    bench: Bench
    virtual: VirtualWorld = VirtualWorld()
    routers: Mapping[Name, Router] = Field(min_length=1)
    access_server: AccessServer = AccessServer()
    sim_bank: SimBank = SimBank()
    carriers: Mapping[Name, Carrier] = Field(min_length=1)
    core_network: LabService | None = None
    power: Power | None = None
    taps: Mapping[Name, TapPoint] = Field(default_factory=dict)
    uplink: Uplink | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for attribute in ("usb_path", "imei"):
            seen: dict[str, str] = {}
            for name, router in self.routers.items():
                value = getattr(router, attribute)
                if value in seen:
                    msg = (
                        f"routers.{name}.{attribute}: {value!r} is router {seen[value]!r} already; "
                        "each router is named once"
                    )
                    raise ValueError(msg)
                seen[value] = name
        for name in self.access_server.clients:
            if name not in self.routers:
                known = ", ".join(self.routers)
                msg = f"access_server.clients.{name}: there is no such router; there are {known}"
                raise ValueError(msg)
        numbers: dict[tuple[str, object], int] = {}
        for index, slot in enumerate(self.sim_bank.slots):
            if slot.carrier not in self.carriers:
                known = ", ".join(sorted(self.carriers))
                msg = (
                    f"sim_bank.slots.{index}.carrier: there is no carrier {slot.carrier!r}; "
                    f"name one of {known}"
                )
                raise ValueError(msg)
            for key in (("slot", slot.slot), ("iccid", slot.iccid), ("imsi", slot.imsi)):
                if key in numbers:
                    msg = (
                        f"sim_bank.slots.{index}.{key[0]}: {key[1]!r} stands in slot entry "
                        f"{numbers[key]} already; a card is in one slot"
                    )
                    raise ValueError(msg)
                numbers[key] = index
        return self
