"""``python -m tests.vm [--rehearse] [--where-possible] [-- COMMAND…]``: run it in the guest.

Its exit status is that of the command. Without a command: the USB tier.

With ``--rehearse`` a virtual router is on the guest's USB bus meanwhile, and without a command
there is a shell beside it.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shlex
import sys
from pathlib import Path

from tests.vm import host_packages
from tests.vm.kernel import KernelUnavailableError, unpacked_kernel
from tests.vm.machine import Guest, run_guest

CHECKOUT = Path(__file__).resolve().parents[2]
CACHE = CHECKOUT / ".vm"
DEFAULT_COMMAND = (
    "-m", "pytest", "-c", "tests/usb/pytest.ini", "--rootdir=tests/usb", "-q",
    "-p", "no:cacheprovider", "--junitxml=.vm/results/junit.xml", "tests/usb",
)  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.vm", description=__doc__)
    parser.add_argument("--fetch-only", action="store_true", help="packages and kernel, no guest")
    parser.add_argument(
        "--where-possible",
        action="store_true",
        help="a host that lacks a package and cannot install it is told so, and is no failure",
    )
    parser.add_argument("--rehearse", action="store_true", help="beside a virtual USB router")
    parser.add_argument("--timeout-s", type=float, default=1500.0, help="at most")
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument(
        "--accel",
        default=os.environ.get("VM_ACCEL", "tcg"),
        help="tcg (default), or kvm where it is known to boot: on nested hosts it hangs",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main() -> int:
    """Run the guest and return the command's exit status; 3 when this host cannot run it."""
    arguments = _arguments()
    missing = host_packages.missing()
    if missing and not host_packages.install(missing):
        sys.stderr.write(
            f"tests/vm: this host lacks {' '.join(missing)}; as root: "
            f"apt-get install --no-install-recommends {' '.join(missing)}\n"
        )
        return 0 if arguments.where_possible else 3
    try:
        kernel = unpacked_kernel(CACHE)
    except KernelUnavailableError as exc:
        sys.stderr.write(f"tests/vm: {exc}\n")
        return 3
    if arguments.fetch_only:
        return 0
    # Emulation compiles slowly, and each process of the virtual bench would do it anew.
    for package in ("harness", "devices", "tests/usb"):
        compileall.compile_dir(CHECKOUT / package, quiet=1)
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if arguments.rehearse:
        command = ["sh", "tests/vm/rehearse.sh", *arguments.command[1:]]
    else:
        command = words or [sys.executable, *DEFAULT_COMMAND]
    guest = Guest(
        kernel=kernel,
        checkout=CHECKOUT,
        environment=Path(sys.prefix),
        results=CACHE / "results",
        kernel_log=CACHE / "kernel.log",
        command=shlex.join(command),
        memory_mb=arguments.memory_mb,
        accel=arguments.accel,
        keyboard=sys.stdin.buffer if arguments.rehearse and not words else None,
    )
    outcome = run_guest(guest, sys.stdout.buffer, timeout_s=arguments.timeout_s)
    sys.stderr.write(
        f"tests/vm: kernel {kernel.release}, {guest.accel}: first output after "
        f"{outcome.first_output_s:.1f} s, end after {outcome.total_s:.1f} s, "
        f"exit status {outcome.status}; kernel log {guest.kernel_log.relative_to(CHECKOUT)}\n"
    )
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
