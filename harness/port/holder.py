"""Who holds a busy port, who may open one, and what to do about it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

_CURES: Final = {
    "ModemManager": "keep it off this router: 'mmcli --inhibit-device', or a udev rule with "
    'ENV{ID_MM_DEVICE_IGNORE}="1"',
    "ser2net": "take the port out of ser2net.yaml, or stop the service",
    "minicom": "leave minicom (Ctrl-A X)",
    "picocom": "leave picocom (Ctrl-A Ctrl-X)",
    "screen": "leave screen (Ctrl-A \\)",
    "getty": "'systemctl stop serial-getty@' for this port",
    "agetty": "'systemctl stop serial-getty@' for this port",
    "gpsd": "take the port out of gpsd's DEVICES",
    "pppd": "hang up the PPP connection",
}
_FAR_ENDS: Final = frozenset({"/dev/ptmx", "/dev/pts/ptmx"})
_OTHER_CURE: Final = "end it, or take another port"


def holders_of(path: str, *, proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Return "name (pid N)" of each other process that has `path` open.

    Whoever has the other end of a pseudo-terminal in hand is the device, not a holder. An ordinary
    user sees only the processes of his own; a holder of somebody else stays unseen.
    """
    target = os.path.realpath(path)
    found = []
    for directory in sorted(proc.glob("[0-9]*")):
        if directory.name == str(os.getpid()):
            continue
        try:
            opened = {str(link.readlink()) for link in (directory / "fd").iterdir()}
            if target in opened and not opened & _FAR_ENDS:
                name = (directory / "comm").read_text(encoding="utf-8", errors="replace").strip()
                found.append(f"{name} (pid {directory.name})")
        except OSError:  # it ended meanwhile, or it is not ours to look into
            continue
    return tuple(found)


def busy_message(path: str, holders: tuple[str, ...], reason: str) -> str:
    """Say who holds `path` and the cure."""
    if not holders:
        return (
            f"{path} is busy ({reason}); its holder cannot be seen from this user; "
            f"'sudo fuser -v {path}' names it, ModemManager is the usual one"
        )
    name = holders[0].partition(" (")[0]
    cure = _CURES.get(name, _OTHER_CURE)
    return f"{path} is held by {', '.join(holders)}; {cure}"


def access_message(path: str) -> str:
    """Say that this user may not open `path`, and the cure."""
    group = mode = ""
    with suppress(OSError, KeyError):  # it goes, or its group has no name
        group, mode = Path(path).group(), stat.filemode(Path(path).stat().st_mode)
    what = f"{path} may not be opened by this user"
    if not group or mode[4:6] != "rw":
        return f"{what}; install the rules of 'harness udev-rules', which give it to a group"
    return f"{what}; 'sudo usermod -a -G {group} $USER', then log in again"
