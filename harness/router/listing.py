"""What `harness ls` says of one plugged-in device: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from harness.at.model import Model
from harness.core.identity import masked
from harness.lab.lease import Held
from harness.lab.schema import Router
from harness.lab.usb_list import PluggedDevice

AT: Final = "AT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a router told.

    Attributes:
        ports: What each port turned out to be, by interface number: `AT`, what it sends instead,
            `silent`, `no AT`, or why it could not be asked.
        imei: `+CGSN`; None when it was not told.
        firmware: `+CGMR`.
        iccid: The card in use.
    """

    ports: Mapping[int, str]
    imei: str | None = None
    firmware: str | None = None
    iccid: str | None = None


def roles_by_interface(device: PluggedDevice, model: Model | None) -> dict[int, str]:
    """Return what the model says each interface is; empty for ids that it does not know."""
    mode = model.usb_mode(device.vid, device.pid) if model else None
    return dict(mode.roles) if mode else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A plugged-in device beside what else is known of it.

    Attributes:
        device: The device with its functions.
        name: Its name in lab.toml, None when it is not there.
        router: What lab.toml says of it.
        model: Its model file, by its USB ids; None when no file has them.
        told: What it told; None when it was not asked.
        lease: Who uses it now, None when nobody does.
    """

    device: PluggedDevice
    name: str | None = None
    router: Router | None = None
    model: Model | None = None
    told: Told | None = None
    lease: Held | None = None

    @property
    def roles(self) -> dict[int, str]:
        """What each interface is, by the model file."""
        return roles_by_interface(self.device, self.model)

    @property
    def namespace(self) -> str | None:
        """Path of the namespace that its network interface is in; None: the host's own, or none."""
        return self.lease.namespace if self.lease and self.device.ifname is None else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: its mode, another router, a port that is no AT port."""
        found = [self.device.note] if self.device.note else []
        if self.told is None:
            return tuple(found)
        if self.router and self.told.imei and self.told.imei != self.router.imei:
            found.append(
                f"another router: lab.toml says IMEI {masked(self.router.imei)}, "
                f"it says {masked(self.told.imei)}"
            )
        for number, what in sorted(self.told.ports.items()):
            if what != AT and self.roles.get(number, "at") in {"at", "at2"}:
                found.append(f"interface {number} is no AT port: {what}")
        return tuple(found)

    def line(self) -> str:
        """Say it in one line; identities show their last four digits."""
        device = self.device
        name = f"{self.name} {masked(self.router.imei)}" if self.router else "-"
        ids = f"{device.vid}:{device.pid} {device.product}"
        parts = [f"{self._role(number)}={node}" for number, node in sorted(device.ports.items())]
        if device.ifname:
            parts.append(f"net={device.ifname}")
        if self.namespace:
            parts.append(f"netns={self.namespace}")
        told = self.told
        if told:
            parts += [] if self.router or not told.imei else [f"IMEI={masked(told.imei)}"]
            parts += [f"firmware={told.firmware}"] if told.firmware else []
            parts += [f"SIM={masked(told.iccid)}"] if told.iccid else []
        if self.lease:
            parts.append(f"in use by {self.lease.holder}")
        text = " ".join((*parts, "; ".join(self.notes)))
        return f"{name:<20} {device.usb_path:<24} {ids:<28} {text}".rstrip()

    def _role(self, number: int) -> str:
        """Return what a port is: by the model file, else by what it told, else its interface."""
        role = self.roles.get(number)
        if role is None and self.told is not None and self.told.ports.get(number) == AT:
            role = "at"
        return role or f"if{number:02d}"

    def as_json(self) -> dict[str, object]:
        """Return all of it, identities in full."""
        return {
            **asdict(self.device),
            "name": self.name,
            "model": self.model.name if self.model else None,
            "roles": self.roles,
            "imei": (self.told.imei if self.told else None)
            or (self.router.imei if self.router else None),
            "firmware": self.told.firmware if self.told else None,
            "iccid": self.told.iccid if self.told else None,
            "answers": dict(self.told.ports) if self.told else None,
            "namespace": self.namespace,
            "in_use_by": self.lease.holder if self.lease else None,
            "notes": list(self.notes),
        }


def listing(
    devices: Iterable[PluggedDevice],
    routers: Mapping[str, Router],
    model_of: Callable[[PluggedDevice], Model | None],
    *,
    told: Mapping[str, Told],
    leases: Mapping[str, Held],
) -> list[Listed]:
    """Put together what is known of each device, in the order of the devices.

    Args:
        devices: What is plugged in.
        routers: The routers of lab.toml by name.
        model_of: What a device is by its USB ids, None when that is not known.
        told: What devices told, by USB path.
        leases: Leases that are held, by IMEI.
    """
    names = {router.usb_path: name for name, router in routers.items()}
    listed = []
    for device in devices:
        name = names.get(device.usb_path)
        router = routers[name] if name else None
        listed.append(
            Listed(
                device=device,
                name=name,
                router=router,
                model=model_of(device),
                told=told.get(device.usb_path),
                lease=leases.get(router.imei) if router else None,
            )
        )
    return listed
