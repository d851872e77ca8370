"""Who uses a router now: a lease is a locked file, so it ends with its owner, kill -9 included.

Who only looks takes no lock: a harness that starts in that moment would be refused.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.core.clock import Clock
from harness.core.errors import BenchError
from harness.core.units import US_PER_S

_SUFFIX: Final = ".lease"
_LOCKS: Final = Path("/proc/locks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease that is held now.

    Attributes:
        holder: Who holds it, with its process.
        namespace: Where the router's network interface is, as a path that `nsenter --net=` takes;
            None when the lease says none.
    """

    holder: str
    namespace: str | None


def default_directory() -> Path:
    """Return the directory of the leases of this host and user."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(runtime) if runtime else Path("/tmp") / f"harness-{os.getuid()}"  # noqa: S108
    return parent / "harness-leases"


@contextmanager
def lease(
    imei: str, *, owner: str, directory: Path, clock: Clock, namespace: str | None = None
) -> Iterator[Path]:
    """Hold the only lease of the router `imei` while the context lasts.

    Args:
        imei: The router; a lease follows the router, not its port.
        owner: Who holds it, as the refusal of another shows it.
        directory: Where the leases of this host are.
        clock: Time at which it was taken.
        namespace: Path of the network namespace that the router's interface goes into.

    Raises:
        BenchError: Somebody else holds it, or the directory cannot be written.
    """
    path = directory / f"{imei}{_SUFFIX}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        msg = f"the lease {path} cannot be written: {exc.strerror}; make {directory} writable"
        raise BenchError(msg) from exc
    with ExitStack() as stack:
        stack.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _said(descriptor)
            msg = f"router {imei[-4:]} is in use by {holder}; wait for it or end it"
            raise BenchError(msg) from None
        os.ftruncate(descriptor, 0)
        since_s = clock.utc_us() / US_PER_S
        text = {"pid": os.getpid(), "owner": owner, "since_utc_s": since_s, "namespace": namespace}
        os.pwrite(descriptor, json.dumps(text).encode(), 0)
        stack.callback(path.unlink, missing_ok=True)
        yield path


def sweep(directory: Path) -> list[str]:
    """Remove the leases that nobody holds any more, and say whose they were."""
    swept: list[str] = []
    for path in sorted(directory.glob(f"*{_SUFFIX}")) if directory.is_dir() else []:
        with ExitStack() as stack:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except OSError:
                continue  # gone meanwhile, or another user's
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            swept.append(f"lease of router {path.stem[-4:]} left by {_said(descriptor)}")
            path.unlink(missing_ok=True)
    return swept


def held(directory: Path, *, locks: Path = _LOCKS) -> dict[str, Held]:
    """Return the leases that are held now, by IMEI.

    Args:
        directory: Where the leases of this host are.
        locks: The kernel's list of locks (proc_locks(5)). It names file systems by numbers that
            stat(2) does not always give, so a lock is told by its process and inode.
    """
    try:
        rows = [line.split() for line in locks.read_text().splitlines()]
    except OSError:
        return {}
    locked = {(row[4], row[5].rpartition(":")[2]) for row in rows if row[1:2] == ["FLOCK"]}
    found = {}
    for path in sorted(directory.glob(f"*{_SUFFIX}")) if directory.is_dir() else []:
        with suppress(OSError, ValueError, KeyError, TypeError):  # given back, or not ours to read
            inode, value = path.stat().st_ino, json.loads(path.read_text(encoding="utf-8"))
            if (str(value["pid"]), str(inode)) in locked:
                found[path.stem] = Held(holder=_holder(value), namespace=value.get("namespace"))
    return found


def _said(descriptor: int) -> str:
    """Read who wrote the lease."""
    try:
        return _holder(json.loads(os.pread(descriptor, 4096, 0)))
    except (ValueError, KeyError, TypeError):
        return "a process that did not say who it is"


def _holder(value: Mapping[str, object]) -> str:
    return f"{value['owner']} (process {value['pid']})"
