"""What plugged-in routers say of themselves, asked over their serial ports.

Nothing is changed in a router: each port gets `AT`, and the first that answers is asked who it is
(TS 27.007 5.4 and 5.3, the model's command for the card). A port that somebody holds is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from harness.at.errors import AtTimeoutError, WrongPortError
from harness.at.iccid import parse_iccid
from harness.at.identification import parse_cgsn, parse_identity
from harness.at.model import Model
from harness.at.session import AtSession
from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError, RouterError
from harness.lab.usb_ids import Mode
from harness.lab.usb_list import PluggedDevice
from harness.port.errors import PortBusyError
from harness.port.inbox import BytePort
from harness.port.serial_port import SerialPort
from harness.router.listing import AT, Told, roles_by_interface

T = TypeVar("T")
_SYNC_S: Final = 1.5
_ANSWER_S: Final = 2.0
_AT_ONCE: Final = 64
_NEVER: Final = frozenset({"ignore", "adb", "audio"})


def ask_all(
    devices: Iterable[PluggedDevice],
    model_of: Callable[[PluggedDevice], Model | None],
    *,
    clock: Clock,
    open_port: Callable[[str], BytePort] = SerialPort,
) -> dict[str, Told]:
    """Ask many routers at once; a router that says nothing costs 1.5 s a port.

    Args:
        devices: Those to ask; what is no router now is not asked.
        model_of: What a device is, None when that is not known.
        clock: Where time comes from.
        open_port: Makes a port of a device node.

    Returns:
        What each told, by USB path.
    """
    asked = [device for device in devices if device.ports and device.mode is Mode.ROUTER]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        told = pool.map(lambda device: _ask(device, model_of(device), clock, open_port), asked)
        return {device.usb_path: each for device, each in zip(asked, told, strict=True)}


def _ask(
    device: PluggedDevice, model: Model | None, clock: Clock, open_port: Callable[[str], BytePort]
) -> Told:
    """Ask one router, by the port that should be the AT port first."""
    roles = roles_by_interface(device, model)
    ports: dict[int, str] = {}
    said = Told(ports=ports)
    for number in sorted(device.ports, key=lambda number: (roles.get(number) != "at", number)):
        if roles.get(number) in _NEVER:
            continue
        try:
            with AtSession.open(
                [open_port(device.ports[number])],
                habits=model.habits if model else None,
                clock=clock,
            ) as session:
                session.sync(Deadline.after(_SYNC_S, clock))
                if AT not in ports.values():
                    said = _identity(session, model, ports)
                ports[number] = AT
        except WrongPortError as exc:
            ports[number] = exc.kind
        except AtTimeoutError as exc:
            ports[number] = "no AT" if exc.got.strip() else "silent"
        except PortBusyError as exc:
            ports[number] = f"in use by {', '.join(exc.holders) or 'a process that is not shown'}"
        except (BenchError, RouterError) as exc:
            ports[number] = str(exc)
    return said


def _identity(session: AtSession, model: Model | None, ports: Mapping[int, str]) -> Told:
    """Ask a router who it is; what it refuses is not known."""

    def value(command: str, read: Callable[[str], T]) -> T | None:
        deadline = Deadline.after(_ANSWER_S, session.clock)
        try:
            return read(next(iter(session.execute(command, deadline).lines), ""))
        except RouterError:
            return None

    card = model.commands.get("iccid") if model else None
    imei = value("AT+CGSN", parse_cgsn)
    iccid = value(card.send if card else "AT+CCID", parse_iccid)
    return Told(
        ports=ports,
        imei=imei.digits if imei else None,
        firmware=value("AT+CGMR", parse_identity),
        iccid=iccid.digits if iccid else None,
    )
