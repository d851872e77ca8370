"""``python -m devices.virtual --lab lab.toml``: start the virtual bench."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from devices.virtual.channel import Message
from devices.virtual.defects.catalogue import catalogue, check_names
from devices.virtual.errors import WorldError

_STATE_PREFIX = "cloudsim-virtual-"
_EXIT_BENCH = 3


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devices.virtual", description=__doc__)
    parser.add_argument("--lab", type=Path, default=Path("lab.toml"), help="the bench file")
    parser.add_argument("--state", type=Path, help="where state is kept over runs")
    parser.add_argument("--defect", action="append", default=[], metavar="NAME[@ROUTER]")
    parser.add_argument("--ready-s", type=float, default=20.0, help="longest time to be ready in")
    parser.add_argument("--list-defects", action="store_true", help="print the catalogue")
    return parser.parse_args()


def _emit(message: Message) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _own_state_dir() -> Path:
    """Make a directory that says whose it is, and remove those whose owner is gone."""
    parent = Path(tempfile.gettempdir())
    for old in parent.glob(f"{_STATE_PREFIX}*"):
        owner = old.name.removeprefix(_STATE_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and old.stat().st_uid == _uid():
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_STATE_PREFIX}{os.getpid()}-", dir=parent))


def _uid() -> int:
    return os.geteuid()


def _run(arguments: argparse.Namespace, state_dir: Path) -> None:
    # Late imports: `--list-defects` and a mistake in lab.toml answer at once.
    from devices.virtual import fabric, identity, namespaces  # noqa: PLC0415
    from devices.virtual.bench_faults import cap_switch  # noqa: PLC0415
    from devices.virtual.certificates import make_certificates  # noqa: PLC0415
    from devices.virtual.defects.switches import Switches  # noqa: PLC0415
    from devices.virtual.lab_file import read_lab_file  # noqa: PLC0415
    from devices.virtual.supervisor import supervise  # noqa: PLC0415
    from devices.virtual.world import World  # noqa: PLC0415
    from devices.virtual.world_clock import offset_for  # noqa: PLC0415

    lab = read_lab_file(arguments.lab)
    defects = [*lab.conditions.defects, *arguments.defect]
    check_names(defects)
    is_isolated = not namespaces.may_configure_network()
    if is_isolated:
        try:
            namespaces.become_root_of_own_namespaces()
        except OSError as error:
            msg = (
                f"this user may not make namespaces ({error.strerror}); run as root, or allow it:"
                " sysctl kernel.unprivileged_userns_clone=1 or"
                " kernel.apparmor_restrict_unprivileged_userns=0"
            )
            raise WorldError(msg) from None
    wiring = fabric.build(cores=len(lab.carriers) + 1, routers=len(lab.routers))
    switches = Switches(defects)
    if switches.on("bench_switch_capped"):
        cap_switch(wiring.internet_fd, len(lab.carriers))
    date = lab.conditions.date
    hosts = [identity.ACCESS_HOST]
    world = World(
        lab_path=arguments.lab.absolute(),
        lab=lab,
        defects=switches,
        state_dir=state_dir,
        certificates=make_certificates(state_dir, hosts, [identity.ACCESS, identity.CORE_API]),
        fabric=wiring,
        offset_s=0.0 if date is None else offset_for(date, time.time()),
        is_isolated=is_isolated,
    )
    try:
        asyncio.run(supervise(world, _emit, ready_s=arguments.ready_s))
    finally:
        fabric.unplug_bench(wiring)


def main() -> int:
    """Start the virtual bench and run it until it is told to end."""
    arguments = _arguments()
    if arguments.list_defects:
        sys.stdout.write(json.dumps([asdict(defect) for defect in catalogue()], indent=1) + "\n")
        return 0
    own = arguments.state is None
    state_dir = _own_state_dir() if own else arguments.state.absolute()
    state_dir.mkdir(parents=True, exist_ok=True)
    try:
        _run(arguments, state_dir)
    except WorldError as error:
        sys.stderr.write(f"virtual bench: error: {error}\n")
        return _EXIT_BENCH
    finally:
        if own:
            shutil.rmtree(state_dir, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
