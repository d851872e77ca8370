"""``python -m devices.virtual.usb --lab lab.toml``: the virtual bench, its routers as USB devices.

Takes the arguments of `python -m devices.virtual`, which it starts, and `--ports acm|vendor`.
Needs root and the module vhci-hcd. Announces as the virtual bench does; see `rig.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

try:
    from devices.virtual.usb.rig import Rig
    from devices.virtual.usb.vhci import CONTROLLER, NoPortError
except ModuleNotFoundError as missing:
    sys.stderr.write(f"virtual bench: error: {missing}; install it: make setup-dev\n")
    sys.exit(3)

_EXIT_BENCH = 3
_ENOUGH_S = 10.0


def _say(line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _kind_and_rest(arguments: list[str]) -> tuple[str, list[str]]:
    if "--ports" not in arguments:
        return "vendor", arguments
    index = arguments.index("--ports")
    return "".join(arguments[index + 1 : index + 2]), arguments[:index] + arguments[index + 2 :]


def _has_controller() -> bool:
    """Load the module when it is not there; tell whether the controller is."""
    if not CONTROLLER.exists():
        subprocess.run(["modprobe", "vhci-hcd"], check=False, capture_output=True)
    return CONTROLLER.exists()


def _follow(bench: subprocess.Popen[str], rig: Rig) -> int:
    assert bench.stdout is not None  # noqa: S101 - it was asked for
    first = bench.stdout.readline()
    if not first:
        return bench.wait(_ENOUGH_S)
    _say(rig.announce(json.loads(first)))
    for line in bench.stdout:
        event = json.loads(line)
        if event.get("event") in {"add", "remove"}:
            rig.take(event["event"], event["device"])
        else:
            _say(event)
    return bench.wait(_ENOUGH_S)


def main() -> int:
    """Run until standard input is closed or the virtual bench ends."""
    kind, rest = _kind_and_rest(sys.argv[1:])
    if kind not in {"acm", "vendor"}:
        sys.stderr.write(f"virtual bench: error: --ports {kind!r} is neither acm nor vendor\n")
        return 2
    if not _has_controller():
        sys.stderr.write(
            f"virtual bench: error: there is no {Path(CONTROLLER)}: be root on a kernel with the "
            "module vhci-hcd (Debian, Ubuntu and Fedora have it), or take a VM: make rehearse\n"
        )
        return _EXIT_BENCH
    rig = Rig("acm" if kind == "acm" else "vendor")
    # Standard input is inherited: when ours is closed the virtual bench ends, and then we do.
    command = [sys.executable, "-m", "devices.virtual", *rest]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        try:
            return _follow(bench, rig)
        except NoPortError as error:
            sys.stderr.write(f"virtual bench: error: {error}\n")
            return _EXIT_BENCH
        except KeyboardInterrupt:
            return 0
        finally:
            rig.close()
            bench.terminate()


if __name__ == "__main__":
    sys.exit(main())
