"""This host, as the checks of `harness doctor` ask it, and the cures that are safe."""

from __future__ import annotations

import glob
import grp
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from harness.core.errors import BenchError
from harness.lab.doctor import Finding

_MODINFO_S: Final = 10.0
_FIX_S: Final = 60.0


class SystemHost:
    """The host this runs on.

    Args:
        kernel_parts: What the kernel itself said that it has, or has not, by name of the module.
    """

    def __init__(self, *, kernel_parts: Mapping[str, bool] = MappingProxyType({})) -> None:
        self._kernel_parts = kernel_parts

    def read(self, path: str) -> str | None:
        """Return a file's text without its last newline; None when it cannot be read."""
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace").rstrip("\n")
        except OSError:
            return None

    def matching(self, pattern: str) -> Sequence[str]:
        """Return the paths that match a glob pattern, sorted."""
        return sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern is absolute

    def program(self, name: str) -> str | None:
        """Return where a program is, looked for in the administrator's places, too."""
        return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")

    def processes(self) -> Mapping[int, str]:
        """Return the names of the processes that run, by id."""
        found: dict[int, str] = {}
        for path in Path("/proc").glob("[0-9]*/comm"):
            try:
                found[int(path.parent.name)] = path.read_text().rstrip("\n")
            except OSError:  # it has ended
                continue
        return found

    def has_module(self, name: str) -> bool:
        """Tell whether the running kernel has a module, loaded, built in or on disk."""
        if name in self._kernel_parts:
            return self._kernel_parts[name]
        if Path("/sys/module", name).exists():
            return True
        modinfo = self.program("modinfo")
        if modinfo is not None:
            command = [modinfo, "-k", platform.release(), name]
            done = subprocess.run(command, capture_output=True, check=False, timeout=_MODINFO_S)
            return done.returncode == 0
        return self._listed(name)

    def groups(self) -> frozenset[str]:
        """Return the names of the user's groups."""
        names = set()
        for number in os.getgroups():
            try:
                names.add(grp.getgrgid(number).gr_name)
            except KeyError:
                continue
        return frozenset(names)

    def owner_group(self, path: str) -> str | None:
        """Return the group of a file."""
        try:
            return Path(path).group()
        except (OSError, KeyError):
            return None

    def may_use(self, path: str) -> bool:
        """Tell whether the user may read and write a file."""
        return os.access(path, os.R_OK | os.W_OK)

    def free_bytes(self, path: str) -> int:
        """Return the bytes free on the disk of a directory, or of where it will be made."""
        place = Path(path).absolute()
        while not place.exists():
            place = place.parent
        return shutil.disk_usage(place).free

    def distribution_of(self, package: str) -> str | None:
        """Return the name of the Python distribution that owns an importable package."""
        owners = importlib.metadata.packages_distributions().get(package, ())
        return owners[0] if owners else None

    def _listed(self, name: str) -> bool:
        """Look a module up where kmod is not installed."""
        base = Path("/lib/modules") / platform.release()
        for listing in ("modules.builtin", "modules.dep"):
            text = self.read(str(base / listing)) or ""
            if any(f"/{spelling}.ko" in text for spelling in (name, name.replace("_", "-"))):
                return True
        return False


def fix(findings: Iterable[Finding]) -> list[str]:
    """Do every safe cure; return what was done, a line each.

    Raises:
        BenchError: A cure could not be done; what was done before stays done.
    """
    done: list[str] = []
    for finding in findings:
        if finding.cure is None or not finding.cure.is_safe:
            continue
        for write in finding.cure.writes:
            try:
                write.path.write_text(write.text)
            except OSError as exc:
                msg = f"{finding.check}: {write.path} cannot be written: {exc.strerror}; be root"
                raise BenchError(msg) from exc
            done.append(f"{finding.check}: wrote {write.path}")
        done.extend(f"{finding.check}: {_ran(command)}" for command in finding.cure.commands)
    return done


def _ran(command: Sequence[str]) -> str:
    line = " ".join(command)
    try:
        done = subprocess.run(
            list(command), capture_output=True, text=True, check=False, timeout=_FIX_S
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        msg = f"{line} could not be run: {exc}"
        raise BenchError(msg) from exc
    if done.returncode != 0:
        msg = f"{line} ended with {done.returncode}: {done.stderr.strip()}"
        raise BenchError(msg)
    return f"ran {line}"
