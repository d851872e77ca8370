"""A `harness accept` in a process of its own, and everything that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Run:
    """A `harness accept` in a process of its own, told apart by a mark in its environment."""

    process: subprocess.Popen[str]
    mark: str
    directory: Path

    def relatives(self) -> dict[int, str]:
        """Return every process that carries the mark: the harness and all it started."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, IndexError):
                continue
            if self.mark.encode() in environment and state != "Z":
                found[int(entry.name)] = command
        return found

    def wait_for(self, text: str) -> str:
        """Read its messages until one holds `text`."""
        assert self.process.stderr is not None
        seen = ""
        for line in self.process.stderr:
            seen += line
            if text in line:
                return seen
        pytest.fail(f"it ended without {text!r}: {seen}")

    def gone(self) -> dict[int, str]:
        """Wait until nothing is left; return what is left all the same."""
        end_s = time.monotonic() + PATIENCE_S
        while (left := self.relatives()) and time.monotonic() < end_s:
            time.sleep(0.05)
        return left


def start(directory: Path, *argv: str) -> Run:
    """Start an acceptance in `directory`."""
    mark = f"mark-{uuid.uuid4().hex}"
    limits = ROOT / "tests/acceptance/limits.toml"
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "accept", "--limits", str(limits), *argv],
        cwd=directory,
        env=os.environ | {"RUN_MARK": mark, "XDG_RUNTIME_DIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return Run(process=process, mark=mark, directory=directory)
