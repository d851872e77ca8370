"""`harness doctor | ls | suggest | watch | udev-rules`: the bench's host and what is plugged in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

from harness.at.model import Model, load_models
from harness.cli.exit_codes import ExitCode
from harness.core.clock import Deadline, SystemClock
from harness.core.identity import masked
from harness.lab.doctor import Severity, examine, format_finding, worst
from harness.lab.doctor_checks import all_checks
from harness.lab.doctor_host import SystemHost
from harness.lab.doctor_host import fix as apply_cures
from harness.lab.load import load_lab
from harness.lab.rules import rules_text
from harness.lab.udev import UdevSource
from harness.lab.usb_list import plugged_devices, suggest
from harness.lab.usb_watch import watch
from harness.userplane.kernel import kernel_parts


def udev_rules(group: str) -> str:
    """Return the udev rules for every model that is known."""
    ids = {(mode.vid, mode.pid) for model in load_models().values() for mode in model.usb}
    ids |= {(s.vid, s.pid) for model in load_models().values() for s in model.mode_switch}
    return rules_text(sorted(ids), group=group)


def doctor(runs: Path, *, fix: bool, as_json: bool) -> ExitCode:
    """Look at this host and say what would spoil a run, with the cure of each."""
    host = SystemHost(kernel_parts=kernel_parts())
    findings = examine(host, all_checks(rules=udev_rules("plugdev"), runs=str(runs)))
    if fix:
        for line in apply_cures(findings):
            typer.echo(f"harness: {line}", err=True)
        findings = examine(host, all_checks(rules=udev_rules("plugdev"), runs=str(runs)))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], default=str))
    else:
        for finding in findings:
            typer.echo(format_finding(finding))
    return ExitCode.BENCH if worst(findings) is Severity.PROBLEM else ExitCode.PASS


def list_devices(lab: Path, *, as_json: bool) -> None:
    """Print what is plugged in, and which router of the bench file it is.

    Raises:
        BenchError: udev does not run here.
    """
    names = _names(lab)
    with UdevSource() as source:
        devices = plugged_devices(source.functions())
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
    """Print the lines that the bench file lacks.

    Raises:
        BenchError: udev does not run here.
    """
    with UdevSource() as source:
        text = suggest(
            source.functions(),
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
    routers = load_lab(lab).routers
    return {router.usb_path: f"{name} {masked(router.imei)}" for name, router in routers.items()}
