"""What a router is told at its start (``--spec``, see the README of the virtual bench)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devices.virtual.aka import Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSpec:
    """A card that sits in the router itself.

    Attributes:
        keys: Its secret.
        pin: Its PIN; empty when it asks for none.
    """

    iccid: str
    imsi: str
    keys: Keys
    plmn: str
    apn: str
    pin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSpec:
    """One router.

    Attributes:
        netns_fd: Its network namespace; None when the process was started inside.
        device_key: Shared with the access server.
        boot_s: How long it takes to boot, in seconds.
        nas_timer_factor: What NAS timers are multiplied by.
        utc_offset_s: World clock minus host clock, in seconds.
        control_fd: Socket to the supervisor.
    """

    name: str
    imei: str
    model: str
    radio_socket: str
    flash_dir: str
    lan_ifname: str
    lan_address: str
    dhcp_pool: tuple[str, str]
    netns_fd: int | None
    ca_file: str
    access_host: str
    access_port: int
    device_key: bytes
    seed: CardSpec
    physical_card: CardSpec | None
    boot_s: float
    nas_timer_factor: float
    utc_offset_s: float
    defects: frozenset[str]
    control_fd: int


def _card(given: Mapping[str, Any]) -> CardSpec:
    keys = Keys(k=bytes.fromhex(given["k"]), opc=bytes.fromhex(given["opc"]))
    return CardSpec(
        iccid=given["iccid"],
        imsi=given["imsi"],
        keys=keys,
        plmn=given["plmn"],
        apn=given["apn"],
        pin=given.get("pin", ""),
    )


def read_spec(text: str) -> RouterSpec:
    """Read the JSON object of ``--spec``.

    Raises:
        KeyError: A key of the contract is missing.
        ValueError: The text is not JSON, or a number is none.
    """
    given = json.loads(text)
    physical = given.get("physical_sim")
    low, high = given.get("dhcp_pool", ("192.168.43.100", "192.168.43.150"))
    return RouterSpec(
        name=given["name"],
        imei=given["imei"],
        model=given["model"],
        radio_socket=given["radio_socket"],
        flash_dir=given["flash_dir"],
        lan_ifname=given.get("lan_ifname", "lan0"),
        lan_address=given.get("lan_address", "192.168.43.1/24"),
        dhcp_pool=(low, high),
        netns_fd=given.get("netns_fd"),
        ca_file=given["ca_file"],
        access_host=given["access_host"],
        access_port=int(given["access_port"]),
        device_key=bytes.fromhex(given["device_key"]),
        seed=_card(given["seed"]),
        physical_card=_card(physical) if physical else None,
        boot_s=float(given.get("boot_s", 1.0)),
        nas_timer_factor=float(given.get("nas_timer_factor", 1.0)),
        utc_offset_s=float(given.get("utc_offset_s", 0.0)),
        defects=frozenset(given.get("defects", ())),
        control_fd=int(given["control_fd"]),
    )
