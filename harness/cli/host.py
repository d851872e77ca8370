"""`harness ls | suggest | watch`: what is plugged in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError
from harness.core.identity import masked
from harness.lab.lease import default_directory, held
from harness.lab.udev import UdevSource, plugged_now
from harness.lab.usb_list import PluggedDevice, plugged_devices, suggest
from harness.lab.usb_watch import watch

if TYPE_CHECKING:
    from harness.at.model import Model
    from harness.lab.schema import Router
    from harness.router.listing import Told


def list_devices(lab: Path, *, ask: bool, as_json: bool) -> None:
    """Print what is plugged in, which router of the bench file it is, and who uses it.

    Raises:
        BenchError: The bench file is wrong; the list is printed all the same, without its names.
    """
    try:
        routers = _routers(lab)
    except BenchError:
        _list({}, ask=ask, as_json=as_json)
        raise
    _list(routers, ask=ask, as_json=as_json)


def _list(routers: Mapping[str, Router], *, ask: bool, as_json: bool) -> None:
    from harness.router.listing import listing  # noqa: PLC0415 - pydantic is not free

    models = _Models()
    leases, devices = held(default_directory()), plugged_devices(plugged_now())
    used = {router.usb_path for router in routers.values() if router.imei in leases}
    free = [device for device in devices if device.usb_path not in used]
    told = _ask(free, models) if ask else {}
    listed = listing(devices, routers, models.of_device, told=told, leases=leases)
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in listed]))
        return
    if not listed:
        typer.echo("harness: nothing is plugged in that could be a router", err=True)
    for each in listed:
        typer.echo(each.line())
    for name, router in routers.items():
        if router.usb_path not in {device.usb_path for device in devices}:
            text = f"nothing is plugged in at {router.usb_path}"
            typer.echo(f"harness: {name} {masked(router.imei)}: {text}", err=True)


def suggest_lines(lab: Path, *, ask: bool) -> None:
    """Print the lines that the bench file lacks."""
    models, known = _Models(), {router.usb_path for router in _routers(lab).values()}
    functions = plugged_now()
    unknown = [device for device in plugged_devices(functions) if device.usb_path not in known]
    told = _ask(unknown, models) if ask else {}
    text = suggest(
        functions,
        known_paths=known,
        models={ids: model.name for ids, model in models.by_ids.items()},
        imeis={path: each.imei for path, each in told.items() if each.imei},
    )
    typer.echo(text or "harness: nothing unknown is plugged in", err=not text)


def watch_devices(duration_s: float) -> None:
    """Print plug and unplug as they happen.

    Raises:
        BenchError: udev does not run here.
    """
    with UdevSource() as source:
        watch(source, typer.echo, Deadline.after(duration_s, SystemClock()))


def _ask(devices: Iterable[PluggedDevice], models: _Models) -> dict[str, Told]:
    """Ask devices who they are, by USB path."""
    from harness.router.survey import ask_all  # noqa: PLC0415 - a list that asks nobody needs none

    return ask_all(devices, models.of_device, clock=SystemClock())


class _Models:
    """The model files, by name and by USB ids."""

    def __init__(self) -> None:
        from harness.at.model import load_models  # noqa: PLC0415 - pydantic is not free

        self.by_name: dict[str, Model] = load_models()
        self.by_ids: dict[tuple[str, str], Model] = {
            (mode.vid, mode.pid): model for model in self.by_name.values() for mode in model.usb
        }

    def of_device(self, device: PluggedDevice) -> Model | None:
        """Return what its ids say it is; None when no model file has them."""
        return self.by_ids.get((device.vid, device.pid))


def _routers(lab: Path) -> Mapping[str, Router]:
    """Return the routers of the bench file that can be plugged in; none where there is no file."""
    if not lab.exists():
        return {}
    from harness.lab.load import load_lab  # noqa: PLC0415 - pydantic is not free

    bench = load_lab(lab)
    if bench.bench.virtual:
        text = "is a virtual bench: its routers are there only while a command uses them"
        typer.echo(f"harness: {lab} {text}", err=True)
        return {}
    return bench.routers
