"""Runs the whole suite as `make unit` does: what waits for worlds side by side, then the rest.

Tests that start a virtual bench wait most of their time; two halves of them share the cores well,
and leave enough of them for an emulated machine: with `--usb` the USB tier runs meanwhile, behind
them (nice 5; at 19 it stands still for seconds when something else is busy, and says so).

Each part's output is printed when it has ended; the exit code is 1 when any part was red.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
WORLDS: Final = ("tests/defects", "tests/faults", "tests/whole")


def halves() -> tuple[list[str], list[str]]:
    """Deal the files that start worlds out, in turn, so that a new file needs no entry here."""
    files = sorted(str(f.relative_to(ROOT)) for w in WORLDS for f in (ROOT / w).glob("test_*.py"))
    return files[::2], files[1::2]


def pytest(*arguments: str) -> list[str]:
    """Return the command of one part, with coverage in a data file of its own."""
    return [sys.executable, "-m", "coverage", "run", "-m", "pytest", *arguments]


def usb_tier() -> list[str]:
    """Return the command of the tier in a VM; a host that cannot run it says why, and is no fail.

    Emulation that gets what others leave takes longer than by itself.
    """
    return ["nice", "-n", "5", sys.executable, "-m", "tests.vm", "--where-possible",
            "--timeout-s", "2100"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the suite that runs beside others.

    Attributes:
        process: The part.
        log: Where its output goes.
    """

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def started(cls, command: list[str], log: Path) -> Part:
        """Start a part."""
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
        return cls(process, log)

    def ended(self) -> int:
        """Wait for its end, print what it said, and return its exit code."""
        code = self.process.wait()
        sys.stdout.write(self.log.read_text(encoding="utf-8", errors="replace"))
        sys.stdout.flush()
        return code


def main() -> int:
    """Run the parts; return 0 when all of them are green."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--usb", action="store_true", help="the USB tier, too")
    arguments = parser.parse_args()
    rest = [part for world in WORLDS for part in ("--ignore", world)]
    with tempfile.TemporaryDirectory(prefix="shards-") as directory:
        logs = Path(directory)
        tier = [Part.started(usb_tier(), logs / "usb.txt")] if arguments.usb else []
        worlds = [
            Part.started(pytest(*files), logs / f"{number}.txt")
            for number, files in enumerate(halves())
        ]
        codes = [part.ended() for part in worlds]
        codes.append(subprocess.run(pytest(*rest), cwd=ROOT, check=False).returncode)
        codes += [part.ended() for part in tier]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
