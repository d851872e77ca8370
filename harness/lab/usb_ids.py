"""Modes in which a router is no router yet: stuck as a CD-ROM, or in its boot loader.

Sources: mode-switch ids and their targets are facts of usb-modeswitch-data 20191128 (one file an
id); boot loader ids are those of which ModemManager 1.20.4 says that they are no modem, and of the
chip makers' download tools. A model file may add its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from harness.lab.description import Function

UsbId = tuple[str, str]


class Mode(StrEnum):
    """What a device is now."""

    ROUTER = "router"
    STORAGE = "mass storage"
    BOOTLOADER = "boot loader"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialMode:
    """A mode that is told by the ids.

    Attributes:
        mode: Which.
        name: What people call it.
        targets: Ids it has when it is a router again; empty when they are not known.
        remedy: What to do when it stays.
    """

    mode: Mode
    name: str
    targets: tuple[UsbId, ...] = ()
    remedy: str


def _storage(vid: str, name: str, *pids: str) -> SpecialMode:
    return SpecialMode(
        mode=Mode.STORAGE,
        name=name,
        targets=tuple((vid, pid) for pid in pids),
        remedy="install usb-modeswitch with usb-modeswitch-data, or eject the CD-ROM: eject NODE",
    )


def _bootloader(name: str) -> SpecialMode:
    return SpecialMode(
        mode=Mode.BOOTLOADER,
        name=name,
        remedy="cut its power for ten seconds; if it comes back so, its firmware must be flashed",
    )


SPECIAL_MODES: Final[Mapping[UsbId, SpecialMode]] = {
    ("12d1", "1f01"): _storage("12d1", "Huawei, installer CD-ROM", "14db", "14dc"),
    ("12d1", "14fe"): _storage("12d1", "Huawei, installer CD-ROM", "1506", "150f", "151d", "1c1e"),
    ("12d1", "1505"): _storage("12d1", "Huawei, installer CD-ROM", "140b", "140c", "1506", "150f"),
    ("19d2", "1225"): _storage("19d2", "ZTE, installer CD-ROM", "1405"),
    ("19d2", "1227"): _storage("19d2", "ZTE, installer CD-ROM", "1252"),
    ("19d2", "2000"): _storage("19d2", "ZTE, installer CD-ROM", "0031", "0117", "1402", "2002"),
    ("05c6", "f000"): _storage("05c6", "Qualcomm-based, CD-ROM", "0016", "6000", "9000"),
    ("1c9e", "f000"): _storage("1c9e", "Longcheer, CD-ROM", "9000", "9603", "9605", "9607", "9900"),
    ("1bbb", "f000"): _storage("1bbb", "Alcatel, CD-ROM", "0000", "0017", "00b7", "0191", "0195"),
    ("2020", "f00e"): _storage("2020", "SpeedUp, CD-ROM", "1005", "1008"),
    ("2357", "0200"): _storage("2357", "TP-Link, CD-ROM", "0201"),
    ("1e0e", "f000"): _storage("1e0e", "Qualcomm-based, CD-ROM", "9000", "9100", "9200"),
    ("05c6", "9008"): _bootloader("Qualcomm emergency download (QDLoader)"),
    ("05c6", "900e"): _bootloader("Qualcomm memory dump after a crash"),
    ("0e8d", "0003"): _bootloader("MediaTek boot ROM"),
    ("0e8d", "2000"): _bootloader("MediaTek preloader"),
    ("1782", "4d00"): _bootloader("Unisoc download mode"),
    ("18d1", "d00d"): _bootloader("Android fastboot"),
}


def mode_of(
    functions: Iterable[Function], special: Mapping[UsbId, SpecialMode] = SPECIAL_MODES
) -> tuple[Mode, SpecialMode | None]:
    """Tell what the device with these functions is now.

    A device that shows nothing but disks is in mass storage mode, known or not; one that shows a
    serial port, a network interface or a control device is a router.
    """
    present = list(functions)
    device = next((f for f in present if f.subsystem == "usb"), None)
    if device is not None and device.vid and device.pid:
        known = special.get((device.vid, device.pid))
        if known is not None:
            return known.mode, known
    kinds = {function.subsystem for function in present} - {"usb"}
    if kinds & {"tty", "net", "cdc-wdm"}:
        return Mode.ROUTER, None
    return (Mode.STORAGE, None) if kinds == {"block"} else (Mode.UNKNOWN, None)


def describe_mode(mode: Mode, special: SpecialMode | None) -> str:
    """Say in a sentence what the device is and what to do."""
    if special is None:
        return {
            Mode.ROUTER: "it is a router",
            Mode.STORAGE: "it shows only a disk; install usb-modeswitch, or eject the disk",
            Mode.BOOTLOADER: "it is in its boot loader",
            Mode.UNKNOWN: "it shows no function; is its kernel driver there (harness doctor)?",
        }[mode]
    ids = ", ".join(f"{vid}:{pid}" for vid, pid in special.targets)
    becomes = f", which becomes {ids}" if ids else ""
    return f"it is in {special.mode} mode ({special.name}){becomes}; {special.remedy}"
