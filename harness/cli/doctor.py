"""`harness doctor | udev-rules`: what this host needs before routers are plugged in."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer

from harness.at.model import load_models
from harness.cli.exit_codes import ExitCode
from harness.lab.doctor import Severity, examine, format_finding, worst
from harness.lab.doctor_checks import all_checks
from harness.lab.doctor_host import SystemHost
from harness.lab.doctor_host import fix as apply_cures
from harness.lab.rules import rules_text
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
