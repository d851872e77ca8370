"""Who uses a router now: a lease is a locked file, so it ends with its owner, kill -9 included."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from harness.core.clock import Clock
from harness.core.errors import BenchError
from harness.core.units import US_PER_S

_SUFFIX: Final = ".lease"


def default_directory() -> Path:
    """Return the directory of the leases of this host and user."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(runtime) if runtime else Path("/tmp") / f"harness-{os.getuid()}"  # noqa: S108
    return parent / "harness-leases"


@contextmanager
def lease(imei: str, *, owner: str, directory: Path, clock: Clock) -> Iterator[Path]:
    """Hold the only lease of the router `imei` while the context lasts.

    Args:
        imei: The router; a lease follows the router, not its port.
        owner: Who holds it, as the refusal of another shows it.
        directory: Where the leases of this host are.
        clock: Time at which it was taken.

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
            holder = _holder(descriptor)
            msg = f"router {imei[-4:]} is in use by {holder}; wait for it or end it"
            raise BenchError(msg) from None
        os.ftruncate(descriptor, 0)
        since_s = clock.utc_us() / US_PER_S
        text = json.dumps({"pid": os.getpid(), "owner": owner, "since_utc_s": since_s})
        os.pwrite(descriptor, text.encode(), 0)
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
            swept.append(f"lease of router {path.stem[-4:]} left by {_holder(descriptor)}")
            path.unlink(missing_ok=True)
    return swept


def _holder(descriptor: int) -> str:
    """Read who wrote the lease."""
    try:
        value = json.loads(os.pread(descriptor, 4096, 0))
        return f"{value['owner']} (process {value['pid']})"
    except (ValueError, KeyError, TypeError):
        return "a process that did not say who it is"
