"""Switches on the bench itself: a hub's port, sysfs `authorized`, the router's own AT reset."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from harness.core.clock import Deadline
from harness.core.errors import BenchError

_KERNEL_NAME: Final = re.compile(r"(?P<bus>\d+)-(?P<ports>\d+(?:\.\d+)*)", re.ASCII)
_LEAST_S: Final = 1.0

Runner = Callable[[Sequence[str], float], str]
"""Runs a command with a time limit in seconds and returns its output; raises BenchError."""


def run_command(command: Sequence[str], limit_s: float) -> str:
    """Run a program and return what it printed.

    Raises:
        BenchError: It is not installed, failed, or did not end in time.
    """
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, check=False, timeout=limit_s
        )
    except FileNotFoundError:
        msg = f"{command[0]} is not installed; apt-get install {command[0]}"
        raise BenchError(msg) from None
    except subprocess.TimeoutExpired:
        msg = f"{' '.join(command)} did not end within {limit_s:.1f} s"
        raise BenchError(msg) from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:]
        msg = f"{' '.join(command)} ended with {done.returncode}: {' '.join(said)}"
        raise BenchError(msg)
    return done.stdout


def hub_and_port(kernel_name: str) -> tuple[str, int]:
    """Return the hub's location and the port that `uhubctl` calls a device's own.

    Args:
        kernel_name: The kernel's name of the device now, `1-2.3`; its hub is `1-2`, its port 3.
            At a root hub, `1-3`, the hub is `1`.

    Raises:
        BenchError: That is no name of a USB device.
    """
    match = _KERNEL_NAME.fullmatch(kernel_name)
    if match is None:
        msg = f"{kernel_name!r} is not the kernel's name of a USB device, like '1-2.3'"
        raise BenchError(msg)
    above, _, port = match["ports"].rpartition(".")
    hub = f"{match['bus']}-{above}" if above else match["bus"]
    return hub, int(port)


class UhubctlPort:
    """A hub's port, by `uhubctl` (Debian package).

    Args:
        locate: Returns the kernel's name of the device now; its bus number changes.
        run: Runs a command.
    """

    def __init__(self, locate: Callable[[], str], *, run: Runner = run_command) -> None:
        self._locate = locate
        self._run = run
        self._hub, self._port = "", 0

    @property
    def name(self) -> str:
        """Hub and port."""
        return f"uhubctl hub {self._hub or '?'} port {self._port or '?'}"

    @property
    def cuts_power(self) -> bool:
        """True, when the hub tells the truth."""
        return True

    def off(self, deadline: Deadline) -> None:
        """Cut the port's power.

        Raises:
            BenchError: uhubctl is missing, or the hub has no port power switching.
        """
        self._hub, self._port = hub_and_port(self._locate())
        self._switch("off", deadline)

    def on(self, deadline: Deadline) -> None:
        """Give the port its power; the place is that of the last `off`."""
        if not self._hub:
            self._hub, self._port = hub_and_port(self._locate())
        self._switch("on", deadline)

    def is_on(self, deadline: Deadline) -> bool | None:
        """Return what the hub says of its port, which may not be true; None when it says nothing.

        Raises:
            BenchError: uhubctl is missing, or there is no such hub.
        """
        hub, port = hub_and_port(self._locate())
        said = self._run(("uhubctl", "-l", hub, "-p", str(port)), max(_LEAST_S, deadline.left_s))
        line = re.search(rf"^\s*Port {port}: \w{{4}} (?P<words>.*)$", said, re.MULTILINE)
        return None if line is None else "power" in line["words"].split()

    def _switch(self, action: str, deadline: Deadline) -> None:
        # -r: some hubs need to be told more than once; -f: also hubs that do not list themselves.
        self._run(
            ("uhubctl", "-l", self._hub, "-p", str(self._port), "-a", action, "-r", "3"),
            max(_LEAST_S, deadline.left_s),
        )


class Authorization:
    """sysfs `authorized`: the kernel lets go of the device. Its power stays on.

    Args:
        device: The device's directory in sysfs.
    """

    def __init__(self, device: Path) -> None:
        self._file = device / "authorized"

    @property
    def name(self) -> str:
        """The file."""
        return str(self._file)

    @property
    def cuts_power(self) -> bool:
        """False: the firmware goes on."""
        return False

    def off(self, deadline: Deadline) -> None:  # noqa: ARG002 - a write to sysfs does not wait
        """Take the device's functions away; the device itself stays listed.

        Raises:
            BenchError: The file is not there, or not ours to write.
        """
        self._write("0")

    def on(self, deadline: Deadline) -> None:  # noqa: ARG002 - the same
        """Let the device configure itself again.

        Raises:
            BenchError: The file is not there, or not ours to write.
        """
        self._write("1")

    def _write(self, value: str) -> None:
        try:
            self._file.write_text(value)
        except OSError as exc:
            msg = (
                f"{self._file} cannot be written: {exc.strerror}; run as root, or give the file "
                "to the bench's group by a udev rule (harness udev-rules)"
            )
            raise BenchError(msg) from exc


class AtReset:
    """The router's own reset by AT command, such as `AT+CFUN=1,1`.

    Args:
        router: The router's name.
        reset: Sends the command; whoever holds the AT session makes it.
    """

    def __init__(self, router: str, reset: Callable[[Deadline], None]) -> None:
        self._router = router
        self._reset = reset

    @property
    def name(self) -> str:
        """Whose reset."""
        return f"AT reset of {self._router}"

    @property
    def cuts_power(self) -> bool:
        """False: it restarts under power."""
        return False

    def off(self, deadline: Deadline) -> None:
        """Send the command."""
        self._reset(deadline)

    def on(self, deadline: Deadline) -> None:
        """Do nothing: the router comes back by itself."""
