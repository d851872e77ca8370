"""A child process in an event loop, without the thread per child that asyncio would start.

The kernel's parent-death signal goes by the thread that forked, and hundreds of routers must
be possible: one thread, and a pidfd for each child.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Child:
    """A running ``python -m`` with a log for what it writes.

    Args:
        module: What to run.
        arguments: Its arguments.
        log_path: Where its standard output and error go, appended.
        pass_fds: Descriptors that it inherits under the same numbers.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], log_path: Path, pass_fds: Sequence[int]
    ) -> None:
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=pass_fds,
            )
        self._pidfd = os.pidfd_open(self._process.pid)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(self._pidfd, self._reap)

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._process.wait()
        if not self._ended.done():
            self._ended.set_result(code)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once; may be called again."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> int:
        """Return its exit code once it ended."""
        return await asyncio.shield(self._ended)
