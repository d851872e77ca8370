"""What the virtual world needs from ``lab.toml``; the rest of the file is not its business.

The harness reads the same file with its own, stricter reader. This one takes what it needs
and ignores what it does not know, but never guesses a value that it cannot read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.virtual.errors import WorldError

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>B|kB|MB|GB|TB)", re.ASCII)
_SIZE_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>bit/s|kbit/s|Mbit/s|Gbit/s)", re.ASCII)
_RATE_BPS = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalSim:
    """A card in the router's own slot.

    Attributes:
        iccid: Its number.
        imsi: Its subscriber.
        carrier: Name of its carrier in ``lab.toml``.
        pin: Its PIN when it asks for one.
    """

    iccid: str
    imsi: str
    carrier: str
    pin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterEntry:
    """One router.

    Attributes:
        name: Key in ``lab.toml``.
        model: Which firmware style it shows.
        usb_path: Where it is plugged in.
        imei: Who it says it is.
        serial: USB serial number.
        physical_sim: The card in its slot, if any.
    """

    name: str
    model: str
    usb_path: str
    imei: str
    serial: str
    physical_sim: PhysicalSim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierEntry:
    """One carrier.

    Attributes:
        name: Key in ``lab.toml``.
        plmn: Its PLMN.
        apn: The APN that its cards use.
        rate_bps: Unthrottled rate of a line.
    """

    name: str
    plmn: str
    apn: str
    rate_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotEntry:
    """One card of the SIM bank and its contract.

    Attributes:
        slot: Position in the bank.
        iccid: Card number.
        imsi: Subscriber.
        carrier: Name of its carrier.
        quota_bytes: Full-speed bytes a month; ``None`` is no quota.
        reset_day: Day of the month on which the quota starts again.
        reset_time: Time of day of that, ``HH:MM``.
        zone: Time zone of it.
        throttle_bps: Rate after the quota.
        window_bytes: Short-window rule: bytes; ``None`` is no such rule.
        window_days: Short-window rule: days.
        source: Where the terms come from.
        disclosed: Whether the carrier disclosed the terms.
    """

    slot: int
    iccid: str
    imsi: str
    carrier: str
    quota_bytes: int | None
    reset_day: int
    reset_time: str
    zone: str
    throttle_bps: int
    window_bytes: int | None
    window_days: int
    source: str
    disclosed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the virtual world is told; each of it belongs into every record.

    Attributes:
        nas_timer_factor: Scales the carriers' timers.
        quota_factor: Compresses quotas: 0.001 makes 1 GB 1 MB.
        date: Where the world's clock starts (ISO, JST); ``None`` is the host's time.
        random_seed: Everything that is random follows from it.
        boot_s: How long a router boots.
        defects: Planted faults, ``name`` or ``name@router``.
    """

    nas_timer_factor: float
    quota_factor: float
    date: str | None
    random_seed: int
    boot_s: float
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabFile:
    """The parties of the world.

    Attributes:
        routers: The routers, in the file's order.
        carriers: The carriers by name.
        slots: The SIM bank's cards.
        plan_cap_bytes: The routers' monthly plan; ``None`` is unlimited.
        plan_limited_bps: Rate beyond it.
        conditions: What the world is told.
    """

    routers: tuple[RouterEntry, ...]
    carriers: Mapping[str, CarrierEntry]
    slots: tuple[SlotEntry, ...]
    plan_cap_bytes: int | None
    plan_limited_bps: int
    conditions: Conditions


def parse_size(text: str, key: str) -> int:
    """Read a size such as ``50 GB`` (GB is 10^9) as bytes."""
    match = _SIZE.fullmatch(text)
    if match is None:
        msg = f"lab.toml: {key}: {text!r} is not a size; write it like '50 GB'"
        raise WorldError(msg)
    return round(float(match["number"]) * _SIZE_BYTES[match["unit"]])


def parse_rate(text: str, key: str) -> int:
    """Read a rate such as ``128 kbit/s`` as bit/s."""
    match = _RATE.fullmatch(text)
    if match is None:
        msg = f"lab.toml: {key}: {text!r} is not a rate; write it like '40 Mbit/s'"
        raise WorldError(msg)
    return round(float(match["number"]) * _RATE_BPS[match["unit"]])


def read_lab_file(path: Path) -> LabFile:
    """Read the parties of the world from a file.

    Raises:
        WorldError: The file is not there, is not TOML or lacks something the world needs.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        raise WorldError(msg) from None
    except tomllib.TOMLDecodeError as error:
        msg = f"{path.name}: not TOML: {error}"
        raise WorldError(msg) from None
    try:
        return parse_lab(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"{path.name}: {type(error).__name__} {error}; `harness check` tells more"
        raise WorldError(msg) from error


def parse_lab(content: Mapping[str, Any]) -> LabFile:
    """Read the parties of the world from what TOML gave."""
    carriers = {
        name: CarrierEntry(
            name=name,
            plmn=str(entry["plmn"]),
            apn=str(entry["apn"]),
            rate_bps=parse_rate(entry.get("rate", "40 Mbit/s"), f"carriers.{name}.rate"),
        )
        for name, entry in content["carriers"].items()
    }
    slots = tuple(_slot(entry) for entry in content.get("sim_bank", {}).get("slots", []))
    for slot in slots:
        if slot.carrier not in carriers:
            msg = f"lab.toml: sim_bank.slots: slot {slot.slot} names no carrier: {slot.carrier!r}"
            raise WorldError(msg)
    plan = content.get("access_server", {}).get("plan", {})
    cap = plan.get("cap") if isinstance(plan, dict) else None
    limited = plan.get("limited", "128 kbit/s") if isinstance(plan, dict) else "128 kbit/s"
    return LabFile(
        routers=tuple(
            _router(name, entry, number)
            for number, (name, entry) in enumerate(content["routers"].items(), start=1)
        ),
        carriers=carriers,
        slots=slots,
        plan_cap_bytes=None if cap is None else parse_size(cap, "access_server.plan.cap"),
        plan_limited_bps=parse_rate(limited, "access_server.plan.limited"),
        conditions=_conditions(content.get("virtual", {})),
    )


def _router(name: str, entry: Mapping[str, Any], number: int) -> RouterEntry:
    card = entry.get("physical_sim")
    return RouterEntry(
        name=name,
        model=str(entry["model"]),
        usb_path=str(entry["usb_path"]),
        imei=str(entry["imei"]),
        serial=str(entry.get("serial", f"VB{number:04d}")),
        physical_sim=None
        if card is None
        else PhysicalSim(
            iccid=str(card["iccid"]),
            imsi=str(card["imsi"]),
            carrier=str(card["carrier"]),
            pin=card.get("pin"),
        ),
    )


def _slot(entry: Mapping[str, Any]) -> SlotEntry:
    key = f"sim_bank.slots.{entry['slot']}"
    quota, window = entry.get("quota"), entry.get("window")
    return SlotEntry(
        slot=int(entry["slot"]),
        iccid=str(entry["iccid"]),
        imsi=str(entry["imsi"]),
        carrier=str(entry["carrier"]),
        quota_bytes=None if quota is None else parse_size(quota, f"{key}.quota"),
        reset_day=int(entry.get("reset_day", 1)),
        reset_time=str(entry.get("reset_time", "00:00")),
        zone=str(entry.get("zone", "Asia/Tokyo")),
        throttle_bps=parse_rate(entry.get("throttle", "128 kbit/s"), f"{key}.throttle"),
        window_bytes=None if window is None else parse_size(window, f"{key}.window"),
        window_days=int(entry.get("window_days", 3)),
        source=str(entry.get("source", "")),
        disclosed=bool(entry.get("disclosed", False)),
    )


def _conditions(entry: Mapping[str, Any]) -> Conditions:
    date = entry.get("date")
    return Conditions(
        nas_timer_factor=float(entry.get("nas_timer_factor", 0.1)),
        quota_factor=float(entry.get("quota_factor", 1.0)),
        date=None if date is None else str(date),
        random_seed=int(entry.get("random_seed", 1)),
        boot_s=float(entry.get("boot_s", 1.0)),
        defects=tuple(entry.get("defects", ())),
    )
