"""Runs the whole suite as `make unit` does: what waits for worlds side by side, then the rest.

Tests that start a virtual bench wait most of their time; two halves of them share the cores well.
Each half's output is printed when it has ended; the exit code is 1 when any part was red.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
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


def main() -> int:
    """Run the three parts; return 0 when all of them are green."""
    codes = []
    with tempfile.TemporaryDirectory(prefix="shards-") as directory:
        running = []
        for number, files in enumerate(halves()):
            log = Path(directory) / f"{number}.txt"
            with log.open("wb") as out:
                process = subprocess.Popen(
                    pytest(*files), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
                )
            running.append((process, log))
        for process, log in running:
            codes.append(process.wait())
            sys.stdout.write(log.read_text(encoding="utf-8", errors="replace"))
            sys.stdout.flush()
    rest = [part for world in WORLDS for part in ("--ignore", world)]
    codes.append(subprocess.run(pytest(*rest), cwd=ROOT, check=False).returncode)
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
