"""The bench file of a rehearsal: virtual routers on a real USB bus, as if they were real. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.lab.announced import AnnouncedService, Announcement

_DROPPED = (
    re.compile(r"(?m)^virtual = true.*\n"),
    re.compile(r"(?m)^\[virtual\].*\n(?:(?!\[|# ).*\n)*"),
    re.compile(r'(?m)^host = ".*\n'),
)
_SERVER = "[access_server]\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What is to be written.

    Attributes:
        text: The bench file.
        tokens: Text of each token file by its name, beside the bench file.
    """

    text: str
    tokens: Mapping[str, str]


def rehearsal_of(text: str, told: Announcement) -> Rehearsal:
    """Return the bench file of an announced world as a bench with real routers has it.

    Args:
        text: The bench file that the virtual bench was started with.
        told: What it announced.
    """
    for pattern in _DROPPED:
        text = pattern.sub("", text)
    for virtual_path, usb_path in told.usb.items():
        text = text.replace(f'"{virtual_path}"', json.dumps(usb_path))
    tokens: dict[str, str] = {}
    server = _service("access_server", told.access_server, tokens)
    if told.access_server.device_address:
        server += f'host = "{told.access_server.device_address}"\n'
    tables = []
    if _SERVER in text:
        text = text.replace(_SERVER, _SERVER + server)
    else:
        tables.append(_SERVER + server)
    for name, service in (("core_network", told.core_network), ("power", told.power)):
        if service is not None:
            tables.append(f"[{name}]\n{_service(name, service, tokens)}")
    tables += [f'[taps.{tap.name}]\ninterface = "{tap.ifname}"\n' for tap in told.taps]
    if told.uplink is not None:
        tables.append(
            f'[uplink]\ninterface = "{told.uplink.ifname}"\n'
            f'address = "{told.uplink.address}"\ngateway = "{told.uplink.gateway}"\n'
        )
    return Rehearsal(text="\n".join([text.rstrip("\n") + "\n", *tables]), tokens=tokens)


def _service(table: str, service: AnnouncedService, tokens: dict[str, str]) -> str:
    """Return the lines of a service; its token goes into a file of its own."""
    lines = [f"url = {json.dumps(service.url)}"]
    if service.ca_file is not None:
        lines.append(f"ca_file = {json.dumps(str(service.ca_file))}")
    if service.token is not None:
        name = f"{table}.token"
        tokens[name] = service.token
        lines.append(f'token_file = "{name}"')
    return "\n".join(lines) + "\n"
