"""One run of the guest in qemu, under software emulation unless asked otherwise.

Hardware acceleration is opt-in: on a nested host the probe succeeds and the guest then hangs.
One processor: with two, emulation is slower.
"""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.vm.initramfs import initramfs
from tests.vm.kernel import Kernel

STATUS_UNKNOWN = 125
_MARK = b"GUEST-EXIT "
_EXIT = re.compile(_MARK + rb"(?P<status>\d+)\r?\n")
_POLL_S = 1.0
_CONNECT_S = 60.0
_POWER_OFF_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """What is run, and where its results go.

    Attributes:
        kernel: The kernel to boot.
        checkout: Working directory of the command.
        environment: Virtual environment of the command.
        results: Directory on the host that the guest writes to, at the same path.
        kernel_log: Where the kernel's messages go.
        command: Shell command.
        memory_mb: Memory of the guest, in MiB.
        accel: Accelerator, as qemu names it.
        keyboard: Where what a person types comes from; None when nobody does.
    """

    kernel: Kernel
    checkout: Path
    environment: Path
    results: Path
    kernel_log: Path
    command: str
    memory_mb: int
    accel: str
    keyboard: BinaryIO | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestOutcome:
    """How a run ended.

    Attributes:
        status: Exit status of the command; `STATUS_UNKNOWN` when the guest never said it.
        first_output_s: Seconds until the first byte on the console.
        total_s: Seconds until the end.
    """

    status: int
    first_output_s: float
    total_s: float


def qemu_command(guest: Guest, *, initrd: Path, console: Path) -> list[str]:
    """Return the command line of qemu."""
    share = "security_model=none,multidevs=remap"
    return [
        "qemu-system-x86_64", "-machine", "q35", "-accel", guest.accel, "-cpu", "max",
        "-smp", "1", "-m", str(guest.memory_mb),
        "-nodefaults", "-no-reboot", "-no-user-config", "-display", "none",
        "-serial", f"file:{guest.kernel_log}",
        "-device", "virtio-serial-pci", "-chardev", f"socket,id=con,path={console}",
        "-device", "virtconsole,chardev=con",
        "-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
        "-fsdev", f"local,id=root,path=/,readonly=on,{share}",
        "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
        "-fsdev", f"local,id=results,path={guest.results},{share}",
        "-device", "virtio-9p-pci,fsdev=results,mount_tag=results",
        "-kernel", str(guest.kernel.image), "-initrd", str(initrd),
        "-append", "console=ttyS0 quiet loglevel=4 panic=-1 random.trust_cpu=on",
    ]  # fmt: skip


def run_guest(guest: Guest, output: BinaryIO, *, timeout_s: float) -> GuestOutcome:
    """Boot, run the command, copy its output, and wait for the power to go off."""
    guest.results.mkdir(parents=True, exist_ok=True)
    start_s = time.monotonic()
    environment = "".join(
        f"{name}={shlex.quote(str(value))}\n"
        for name, value in (
            ("KERNEL_RELEASE", guest.kernel.release),
            ("MODULES", guest.kernel.modules),
            ("RESULTS", guest.results),
            ("CHECKOUT", guest.checkout),
            ("ENVIRONMENT", guest.environment),
            ("PYTHON", sys.executable),
            ("KEYBOARD", int(guest.keyboard is not None)),
        )
    )
    with tempfile.TemporaryDirectory(prefix="vm-") as work, socket.socket(socket.AF_UNIX) as door:
        initrd, console = Path(work) / "initrd", Path(work) / "console"
        initrd.write_bytes(
            initramfs(guest.kernel.modules, environment=environment, command=guest.command)
        )
        door.bind(str(console))
        door.listen(1)
        door.settimeout(_CONNECT_S)
        command = qemu_command(guest, initrd=initrd, console=console)
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as qemu:
            try:
                line, _ = door.accept()
                with line:
                    if guest.keyboard is not None:
                        typing = threading.Thread(
                            target=_type, args=(guest.keyboard, line), daemon=True
                        )
                        typing.start()
                    status, first_s = _follow(qemu, line, output, end_s=start_s + timeout_s)
                _wait_for_power_off(qemu)
            finally:
                qemu.kill()
    return GuestOutcome(
        status=status, first_output_s=first_s - start_s, total_s=time.monotonic() - start_s
    )


def _follow(
    qemu: subprocess.Popen[bytes], line: socket.socket, output: BinaryIO, *, end_s: float
) -> tuple[int, float]:
    """Copy the console until the guest says how its command ended; status and first output."""
    line.settimeout(_POLL_S)
    held = b""
    first_s = 0.0
    while time.monotonic() < end_s:
        try:
            data = line.recv(65536)
        except TimeoutError:
            if qemu.poll() is not None:
                break
            continue
        if not data:
            break
        first_s = first_s or time.monotonic()
        held += data
        match = _EXIT.search(held)
        whole = match.start() if match else sayable(held)
        output.write(held[:whole].replace(b"\r\n", b"\n"))
        output.flush()
        if match:
            return int(match["status"]), first_s
        held = held[whole:]
    output.write(held)
    return STATUS_UNKNOWN, first_s or time.monotonic()


def sayable(held: bytes) -> int:
    """Return how much of it can be shown: all but what may be the begin of the end's mark.

    A prompt has no line end.
    """
    begin = held.rfind(b"\n") + 1
    last = held[begin:]
    return begin if last.startswith(_MARK) or _MARK.startswith(last) else len(held)


def _type(keyboard: BinaryIO, line: socket.socket) -> None:
    """Copy what is typed to the guest until it is gone; the end of input is Ctrl-D."""
    try:
        for typed in iter(keyboard.readline, b""):
            line.sendall(typed)
        line.sendall(b"\x04")
    except OSError:
        return


def _wait_for_power_off(qemu: subprocess.Popen[bytes]) -> None:
    """Give the guest the time to write its last results; a guest that stays is killed."""
    try:
        qemu.wait(_POWER_OFF_S)
    except subprocess.TimeoutExpired:
        qemu.kill()
