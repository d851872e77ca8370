"""Writes a bench file of virtual routers: so many of them, and SIMs enough for all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from harness.core.errors import UsageError
from harness.core.identity import luhn_ok

_MOST_ROUTERS: Final = 99
_MOST_SIMS: Final = 999
_TAC: Final = "86000000"
_HEAD: Final = """\
# {routers} virtual routers and {sims} SIMs, written by `harness virtual-lab`.
# What is demanded is in tests/acceptance/limits.toml.

[bench]
name = "{name}"
virtual = true
runs = "{runs}"

[virtual]             # what the virtual bench is told; each of it is stated in the record
nas_timer_factor = 0.1
random_seed = 1

[access_server]
adapter = "generic"
host = "access.cloudsim.test"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Carrier:
    """A carrier, and the contract of its cards; `issuer` begins their ICCIDs."""

    name: str
    plmn: str
    issuer: str
    terms: tuple[str, ...]


_CARRIERS: Final = (
    _Carrier(
        name="docomo",
        plmn="44010",
        issuer="8981100",
        terms=('quota = "50 GB"', 'throttle = "128 kbit/s"'),
    ),
    _Carrier(
        name="kddi",
        plmn="44051",
        issuer="8981300",
        terms=(
            'quota = "30 GB"',
            'throttle = "300 kbit/s"',
            'window = "10 GB"',
            "window_days = 3",
        ),
    ),
    _Carrier(
        name="softbank",
        plmn="44020",
        issuer="8981200",
        terms=('quota = "100 GB"', 'throttle = "128 kbit/s"'),
    ),
    _Carrier(
        name="rakuten",
        plmn="44011",
        issuer="8981140",
        terms=('quota = "50 GB"', 'throttle = "1 Mbit/s"'),
    ),
)
_OWN_CARD: Final = 900
"""Cards in the routers' own slots count from here; the bank's count from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualLab:
    """What a bench file of virtual routers holds.

    Attributes:
        models: Models of the routers, in turn.
        routers: How many there are.
        sims: SIMs of each carrier; 0 is four for each router.
        pin: PIN of the cards in the routers' own slots; None: they ask for none.
        runs: Where records go, relative to the file.
    """

    models: tuple[str, ...] = ("virtual-unisoc",)
    routers: int = 4
    sims: int = 0
    pin: str | None = None
    runs: str = "runs"

    @property
    def text(self) -> str:
        """The file.

        Raises:
            UsageError: There are too many routers or SIMs, or none.
        """
        sims = self.sims or 4 * self.routers
        _require("routers", self.routers, _MOST_ROUTERS)
        _require("SIMs of a carrier", sims, min(_MOST_SIMS, _OWN_CARD - 1))
        head = _HEAD.format(
            routers=self.routers,
            sims=sims * len(_CARRIERS),
            name=f"virtual-{self.routers}",
            runs=self.runs,
        )
        parts = [head]
        parts += [self._router(number) for number in range(1, self.routers + 1)]
        parts += [_carrier(carrier) for carrier in _CARRIERS]
        slots = [(carrier, n) for carrier in _CARRIERS for n in range(1, sims + 1)]
        parts += [_slot(slot, carrier, n) for slot, (carrier, n) in enumerate(slots)]
        return "\n".join(parts)

    def _router(self, number: int) -> str:
        """Return a router with a card in its own slot."""
        docomo, card = _CARRIERS[0], _OWN_CARD + number
        lines = [
            f"[routers.r{number}]",
            f'model = "{self.models[(number - 1) % len(self.models)]}"',
            f'usb_path = "virtual/1-{number}"',
            f'imei = "{_with_check_digit(f"{_TAC}{number:06d}")}"',
            f"relay = {number - 1}",
            "",
            f"[routers.r{number}.physical_sim]",
            f'iccid = "{_iccid(docomo, card)}"',
            f'imsi = "{_imsi(docomo, card)}"',
            f'carrier = "{docomo.name}"',
        ]
        lines += [f'pin = "{self.pin}"'] if self.pin else []
        return "\n".join([*lines, ""])


def _carrier(carrier: _Carrier) -> str:
    lines = [
        f"[carriers.{carrier.name}]",
        f'plmn = "{carrier.plmn}"',
        f'apn = "virtual.{carrier.name}.test"',
        'rate = "40 Mbit/s"',
    ]
    return "\n".join([*lines, ""])


def _slot(slot: int, carrier: _Carrier, number: int) -> str:
    lines = [
        "[[sim_bank.slots]]",
        f"slot = {slot}",
        f'iccid = "{_iccid(carrier, number)}"',
        f'imsi = "{_imsi(carrier, number)}"',
        f'carrier = "{carrier.name}"',
        *carrier.terms,
        'source = "made up for the virtual bench"',
        "disclosed = true",
    ]
    return "\n".join([*lines, ""])


def _iccid(carrier: _Carrier, number: int) -> str:
    return _with_check_digit(f"{carrier.issuer}{number:011d}")


def _imsi(carrier: _Carrier, number: int) -> str:
    return f"{carrier.plmn}1{number:09d}"


def _with_check_digit(digits: str) -> str:
    """Return digits with their Luhn digit."""
    return next(digits + str(n) for n in range(10) if luhn_ok(digits + str(n)))


def _require(what: str, number: int, most: int) -> None:
    if not 1 <= number <= most:
        msg = f"{number} {what} are not to be had; there can be 1 to {most}"
        raise UsageError(msg)
