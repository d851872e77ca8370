"""Starts the virtual bench, which is found by entry point and never imported."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from harness.core.errors import BenchError
from harness.lab.announced import AnnouncedSource
from harness.userplane.broker import Broker

VIRTUAL_BENCH_GROUP: Final = "cloudsim_harness.virtual_bench"


def virtual_bench_module() -> str:
    """Return the module that is the virtual bench; it is found by entry point, unread.

    Raises:
        BenchError: None is installed.
    """
    modules = [entry.value for entry in entry_points(group=VIRTUAL_BENCH_GROUP)]
    if not modules:
        msg = "no virtual bench is installed; install this checkout with make setup"
        raise BenchError(msg)
    return modules[0]


def start_virtual_bench(
    stack: ExitStack, broker: Broker, lab_file: Path, on_log: Callable[[str, str], None]
) -> AnnouncedSource:
    """Start the virtual bench as a child of the broker, until the stack unwinds.

    Args:
        stack: Ends it.
        broker: Whose first namespace it works in.
        lab_file: The bench file, which it reads for itself.
        on_log: Told party and text of each line that it logs, in a thread of its own.

    Raises:
        BenchError: It is not installed, or does not start.
    """
    module = virtual_bench_module()
    state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="virtual-bench-")))
    errors = state / "supervisor.log"
    argv = [sys.executable, "-m", module, "--lab", str(lab_file.resolve()), "--state", str(state)]
    process = broker.spawn(argv, stderr=errors)
    stack.callback(process.close)
    try:
        return AnnouncedSource(process.stdout, on_log=on_log)
    except BenchError as exc:
        words = errors.read_text(encoding="utf-8").strip().splitlines()
        said = words[-1] if words else "it said nothing"
        msg = f"the virtual bench did not start: {said}"
        raise BenchError(msg) from exc
