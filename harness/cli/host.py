"""`harness ls | suggest | watch`: what is plugged in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.core.clock import Deadline, SystemClock
from harness.core.identity import masked
from harness.lab.udev import UdevSource, plugged_now
from harness.lab.usb_list import plugged_devices, suggest
from harness.lab.usb_watch import watch

if TYPE_CHECKING:
    from harness.at.model import Model


def list_devices(lab: Path, *, as_json: bool) -> None:
    """Print what is plugged in, and which router of the bench file it is."""
    names = _names(lab)
    devices = plugged_devices(plugged_now())
    if as_json:
        typer.echo(json.dumps([asdict(device) for device in devices], default=str))
        return
    if not devices:
        typer.echo("harness: nothing is plugged in that could be a router", err=True)
    for device in devices:
        ids = f"{device.vid}:{device.pid} {device.product or ''}"
        ports = " ".join(str(port) for port in device.ports)
        name = names.get(device.usb_path, "-")
        typer.echo(f"{name:<8} {device.usb_path:<24} {ids:<28} {ports} {device.note}".rstrip())


def suggest_lines(lab: Path) -> None:
    """Print the lines that the bench file lacks."""
    from harness.at.model import load_models  # noqa: PLC0415 - pydantic is not free

    text = suggest(
        plugged_now(),
        known_paths=_names(lab),
        models=_models_by_id(load_models()),
        imeis={},
    )
    typer.echo(text or "harness: nothing unknown is plugged in", err=not text)


def watch_devices(duration_s: float) -> None:
    """Print plug and unplug as they happen.

    Raises:
        BenchError: udev does not run here.
    """
    with UdevSource() as source:
        watch(source, typer.echo, Deadline.after(duration_s, SystemClock()))


def _models_by_id(models: dict[str, Model]) -> dict[tuple[str, str], str]:
    return {(mode.vid, mode.pid): model.name for model in models.values() for mode in model.usb}


def _names(lab: Path) -> dict[str, str]:
    """Return the routers of the bench file by path; none where there is no file."""
    if not lab.exists():
        return {}
    from harness.lab.load import load_lab  # noqa: PLC0415 - pydantic is not free

    routers = load_lab(lab).routers
    return {router.usb_path: f"{name} {masked(router.imei)}" for name, router in routers.items()}
