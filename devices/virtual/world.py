"""A world that is built, and what its processes and the lab are told about it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devices.virtual import identity
from devices.virtual.certificates import Certificates
from devices.virtual.channel import Message
from devices.virtual.defects.switches import Switches
from devices.virtual.fabric import ROUTER_LAN, TAP, UPLINK, Fabric
from devices.virtual.lab_file import LabFile, RouterEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the supervisor was told and what it built.

    Attributes:
        lab_path: The bench file.
        lab: What it says.
        defects: Planted faults.
        state_dir: Where state is.
        fabric: The namespaces.
        certificates: TLS material.
        offset_s: World's clock minus host's clock at the start.
        is_isolated: Whether it is in a network namespace that it made for itself.
    """

    lab_path: Path
    lab: LabFile
    defects: Switches
    state_dir: Path
    fabric: Fabric
    certificates: Certificates
    offset_s: float
    is_isolated: bool


def announcement(world: World, devices: Sequence[Message]) -> Message:
    """Return what is printed when everything is ready."""
    conditions = world.lab.conditions
    ca_file = str(world.certificates.ca_file)
    seed = conditions.random_seed
    return {
        "version": 1,
        "pid": os.getpid(),
        "netns_pid": os.getpid() if world.is_isolated else None,
        "state_dir": str(world.state_dir),
        "devices": list(devices),
        "taps": [{"name": "seed", "ifname": TAP}],
        "uplink": {
            "ifname": UPLINK,
            "address": f"{identity.UPLINK}/24",
            "gateway": identity.GATEWAY,
            "dns": identity.DNS,
        },
        "access_server": {
            "lab_url": f"https://{identity.ACCESS}:8443",
            "ca_file": ca_file,
            "token": identity.token(seed, "access_server"),
            "device_host": identity.ACCESS_HOST,
            "device_address": identity.ACCESS,
        },
        "core_network": {
            "url": f"https://{identity.CORE_API}:8443",
            "ca_file": ca_file,
            "token": identity.token(seed, "network"),
        },
        "power": {
            "url": f"http://{identity.POWER}",
            "relays": {router.usb_path: number for number, router in enumerate(world.lab.routers)},
        },
        "conditions": {
            "nas_timer_factor": conditions.nas_timer_factor,
            "quota_factor": conditions.quota_factor,
            "date": conditions.date,
            "random_seed": seed,
        },
    }


def router_spec(world: World, entry: RouterEntry, netns_fd: int, offset_s: float) -> Message:
    """Return what a router process is told at its start."""
    conditions = world.lab.conditions
    seed, own = identity.seed_sim(entry), entry.physical_sim
    flash_dir = world.state_dir / "flash" / entry.imei
    flash_dir.mkdir(parents=True, exist_ok=True)

    def card(iccid: str, imsi: str, plmn: str, apn: str) -> Message:
        keys = identity.keys_of(conditions.random_seed, iccid)
        secret = {"k": keys.k.hex(), "opc": keys.opc.hex()}
        return {"iccid": iccid, "imsi": imsi, "plmn": plmn, "apn": apn, **secret}

    physical = None
    if own is not None:
        carrier = world.lab.carriers[own.carrier]
        physical = card(own.iccid, own.imsi, carrier.plmn, carrier.apn) | {"pin": own.pin}
    return {
        "name": entry.name,
        "imei": entry.imei,
        "model": entry.model,
        "usb_path": entry.usb_path,
        "radio_socket": str(world.state_dir / "radio.sock"),
        "flash_dir": str(flash_dir),
        "lan_ifname": ROUTER_LAN,
        "netns_fd": netns_fd,
        "ca_file": str(world.certificates.ca_file),
        "access_host": identity.ACCESS_HOST,
        "access_port": 443,
        "device_key": identity.device_key(conditions.random_seed, entry.imei).hex(),
        "seed": card(seed.iccid, seed.imsi, identity.SEED_PLMN, identity.SEED_APN),
        "physical_sim": physical,
        "boot_s": conditions.boot_s,
        "nas_timer_factor": conditions.nas_timer_factor,
        "defects": world.defects.for_router(entry.name),
        "lan_address": identity.LAN_ADDRESS,
        "dhcp_pool": list(identity.DHCP_POOL),
        "utc_offset_s": offset_s,
    }
