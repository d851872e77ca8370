"""`harness virtual --usb`: the virtual bench on this kernel's own USB bus, for a rehearsal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import typer

from harness.core.errors import BenchError
from harness.lab.announced import read_announcement
from harness.lab.rehearsal import Rehearsal, rehearsal_of
from harness.procedure.virtual_bench import virtual_bench_module

_END_S: Final = 30.0
_READY_S: Final = 300.0
_TOKEN_MODE: Final = 0o600


def rehearse(lab: Path, *, ports: str, write: Path) -> None:
    """Plug the routers of a bench file into virtual ports of this kernel, until interrupted.

    Args:
        lab: The bench file of the virtual world.
        ports: `vendor` for ttyUSB, `acm` for ttyACM.
        write: The bench file for the harness; token files come beside it.

    Raises:
        BenchError: The virtual bench did not start; it has said why.
    """
    module = f"{virtual_bench_module()}.usb"
    command: Sequence[str] = (
        sys.executable, "-m", module,
        "--lab", str(lab), "--ports", ports, "--ready-s", str(_READY_S),
    )  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as bench:
        if bench.stdin is None or bench.stdout is None:
            raise AssertionError
        try:
            line = bench.stdout.readline()
            if not line:
                msg = f"the virtual bench ended with {bench.wait(_END_S)} before it was ready"
                raise BenchError(msg)
            told, _ = read_announcement(line)
            _write(rehearsal_of(lab.read_text(encoding="utf-8"), told), write)
            for path in told.usb.values():
                typer.echo(f"plugged    {path}")
            typer.echo(f"bench file {write}; try: harness ls; harness accept --lab {write}")
            for event in bench.stdout:
                typer.echo(event.decode(errors="replace").rstrip("\n"))
        except KeyboardInterrupt:
            typer.echo("harness: unplugged", err=True)
        finally:
            bench.stdin.close()


def _write(rehearsal: Rehearsal, path: Path) -> None:
    """Write the bench file, and the tokens for nobody else to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rehearsal.text, encoding="utf-8")
    for name, token in rehearsal.tokens.items():
        file = path.parent / name
        file.touch(mode=_TOKEN_MODE)
        file.chmod(_TOKEN_MODE)
        file.write_text(f"{token}\n", encoding="utf-8")
