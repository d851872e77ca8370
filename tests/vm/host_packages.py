"""Debian packages that the guest's host needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_PROGRAMS = {
    "qemu-system-x86": "/usr/bin/qemu-system-x86_64",
    "busybox-static": "/bin/busybox",
    "kmod": "/sbin/depmod",
    "udev": "/lib/systemd/systemd-udevd",
    "umockdev": "/usr/bin/umockdev-run",
    "iproute2": "/sbin/ip",
    "iputils-ping": "/bin/ping",
    "dpkg": "/usr/bin/dpkg-deb",
    "xz-utils": "/usr/bin/xz",
}
_APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")


def missing() -> list[str]:
    """Return the packages whose program is not there."""
    return [package for package, path in _PROGRAMS.items() if not Path(path).exists()]


def install(packages: list[str]) -> bool:
    """Install packages where that is possible (root, apt); tell whether it was."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        (*_APT, "update"),
        (*_APT, "install", "-y", "--no-install-recommends", *packages),
    ):
        done = subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            return False
    return not missing()
