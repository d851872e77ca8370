"""Who is who in the virtual world: everything secret follows from one random seed.

Keys and tokens are derived, so that ``lab.toml`` never carries one and two processes agree
without telling each other.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from devices.virtual.aka import Keys
from devices.virtual.lab_file import RouterEntry

SEED_PLMN = "99942"  # MCC 999 is for test networks (ITU-T E.212)
SEED_APN = "seed.virtual.test"
ACCESS_HOST = "access.cloudsim.test"
INTERNET = "203.0.113.0/24"  # documentation addresses, RFC 5737
GATEWAY, UPLINK, ACCESS, CORE_API, POWER, DNS = (f"203.0.113.{n}" for n in (1, 10, 20, 30, 40, 53))
UPLINK_MAC = "02:76:00:00:00:0a"
BRIDGE_MAC = "02:76:00:00:00:01"
LAN_ADDRESS = "192.168.43.1/24"
DHCP_POOL = ("192.168.43.100", "192.168.43.150")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSim:
    """The card that a router is built with.

    Attributes:
        iccid: Its number.
        imsi: Its subscriber in the seed network.
    """

    iccid: str
    imsi: str


def secret(random_seed: int, purpose: str, subject: str) -> bytes:
    """Derive 32 secret bytes."""
    key = f"virtual-world-{random_seed}".encode()
    return hmac.digest(key, f"{purpose}/{subject}".encode(), hashlib.sha256)


def keys_of(random_seed: int, iccid: str) -> Keys:
    """Return K and OPc of a card."""
    material = secret(random_seed, "card", iccid)
    return Keys(k=material[:16], opc=material[16:])


def device_key(random_seed: int, imei: str) -> bytes:
    """Return the key that a router shares with the access server."""
    return secret(random_seed, "device", imei)


def token(random_seed: int, service: str) -> str:
    """Return a bearer token of the lab side."""
    return secret(random_seed, "token", service).hex()[:32]


def luhn_digit(digits: str) -> str:
    """Return the check digit of ITU-T E.118 numbers."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digit sum of two digits
    return str(-total % 10)


def seed_sim(router: RouterEntry) -> SeedSim:
    """Return a router's seed SIM, derived from its IMEI."""
    line = router.imei[5:15]  # with the last digit: two routers may differ in it alone
    body = f"8999942{line:0>11}"
    return SeedSim(iccid=body + luhn_digit(body), imsi=f"{SEED_PLMN}{line:0>10}")


def usb_mac(number: int) -> str:
    """Return the MAC that the bench sees on a router's USB network interface."""
    return f"02:76:0b:00:{number >> 8:02x}:{number & 0xFF:02x}"


def lan_mac(number: int) -> str:
    """Return the MAC of a router's own end of the USB network."""
    return f"02:76:0c:00:{number >> 8:02x}:{number & 0xFF:02x}"


def core_mac(number: int) -> str:
    """Return the MAC of a core network's leg on the internet."""
    return f"02:76:0d:00:00:{number:02x}"


def core_address(number: int) -> str:
    """Return the address of a core network's leg on the internet."""
    return f"203.0.113.{100 + number}"


def pool_network(number: int) -> str:
    """Return the network out of which a core network gives addresses."""
    return f"10.{40 + number}.0.0/16"
