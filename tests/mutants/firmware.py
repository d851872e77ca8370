"""Which changes of the virtual router's firmware does the acceptance suite notice?

`python -m tests.mutants.firmware [--sample N] [--random-seed S] [--jobs J]`, or `make
mutants-firmware`. mutmut makes the changes; each is tried by `harness accept --plan acceptance`
on four routers whose firmware has it, until the first result that is no pass. A change that no
case notices is a router behaviour that nobody checks: it becomes a case, or has its reason in
`firmware.md` beside this file, one indented line a mutant as in `at.md`. Exit code 1 when a
survivor has none. The sample is drawn by its random seed: the same one, the same mutants.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import create_mutations, deep_replace

from harness.core.errors import HarnessError
from harness.record.reader import RunRecord
from harness.record.rows import ResultRow
from harness.verdict.verdict import Verdict

ROOT = Path(__file__).parents[2]
FIRMWARE = Path("devices/virtual/firmware")
REASONS = Path(__file__).with_name("firmware.md")
ENTRY = re.compile(r"    (?P<text>[a-z_]+: .+)")
LOOK_S = 2.0
LONGEST_S = 1800.0
END_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One changed line of one module.

    Attributes:
        module: Name of the module, without its ending.
        line: Number of the line, from 1.
        before: The line as it is, blanks reduced.
        after: The line as it was changed.
        code: The whole module with the change.
    """

    module: str
    line: int
    before: str
    after: str
    code: str

    @property
    def text(self) -> str:
        """How reports and reasons name it."""
        return f"{self.module}: + {self.after}"


def mutants() -> Iterator[Mutant]:
    """Make every change of every module; changes that print the same code are left out."""
    for path in sorted((ROOT / FIRMWARE).glob("[a-z]*.py")):
        source = path.read_text(encoding="utf-8")
        module, mutations, *_ = create_mutations(str(path), source)
        for mutation in mutations:
            changed = deep_replace(module, mutation.original_node, mutation.mutated_node)
            code = getattr(changed, "code", source)
            if code != source:
                yield _mutant(path.stem, source, code)


def _mutant(module: str, source: str, code: str) -> Mutant:
    before, after = source.splitlines(), code.splitlines()
    first = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)) - 1,
    )
    return Mutant(
        module=module,
        line=first + 1,
        before=" ".join(before[first].split()),
        after=" ".join(after[first].split()),
        code=code,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a mutant.

    Attributes:
        mutant: It.
        killed_by: The case that was no pass, with verdict and owner; None when it lived.
        took_s: Seconds.
    """

    mutant: Mutant
    killed_by: str | None
    took_s: float


def tried(mutant: Mutant | None, lab: Path) -> Tried:
    """Run the plan on routers with a change, or with none, until something is no pass."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="firmware-mutant-") as made:
        work = Path(made)
        shutil.copytree(ROOT / "devices", work / "overlay" / "devices")
        shutil.copytree(ROOT / "tests" / "acceptance", work / "tests" / "acceptance")
        if mutant is not None:
            changed = work / "overlay" / FIRMWARE / f"{mutant.module}.py"
            changed.write_text(mutant.code, encoding="utf-8")
        (work / "lab.toml").write_text(
            re.sub(r"(?m)^runs = .*", 'runs = "runs"', lab.read_text(encoding="utf-8")),
            encoding="utf-8",
        )
        command = [
            sys.executable, "-m", "harness.cli", "accept",
            "--lab", "lab.toml", "--plan", "acceptance", "--spread",
        ]  # fmt: skip
        environment = os.environ | {
            "PYTHONPATH": f"{work / 'overlay'}:{ROOT}",
            "XDG_RUNTIME_DIR": made,
        }
        with (work / "said.txt").open("wb") as said:
            process = subprocess.Popen(
                command, cwd=work, env=environment, stdout=said, stderr=subprocess.STDOUT
            )
            killed_by = _first_red(process, work / "runs", start + LONGEST_S)
        last = (work / "said.txt").read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
    if killed_by is None and process.returncode:
        killed_by = f"exit {process.returncode}: {' '.join(last)}"
    base = mutant or Mutant(module="", line=0, before="", after="no change", code="")
    return Tried(mutant=base, killed_by=killed_by, took_s=time.monotonic() - start)


def _first_red(process: subprocess.Popen[bytes], runs: Path, end_s: float) -> str | None:
    """Wait for a result that is no pass, or for the end; end the run with Ctrl-C."""
    found = None
    while found is None and process.poll() is None and time.monotonic() < end_s:
        time.sleep(LOOK_S)
        found = next((_words(result) for result in _results(runs) if _is_red(result)), None)
    if found is None:
        found = next((_words(result) for result in _results(runs) if _is_red(result)), None)
    if process.poll() is None:
        found = found or f"no end after {LONGEST_S:.0f} s"
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return found


def _results(runs: Path) -> list[ResultRow]:
    for directory in runs.glob("*/") if runs.exists() else ():
        try:
            with RunRecord.open(directory) as record:
                return record.results()
        except (HarnessError, OSError):
            continue  # it is only beginning
    return []


def _is_red(result: ResultRow) -> bool:
    return result.finished_ns is not None and (result.verdict or Verdict.NONE) > Verdict.PASS


def _words(result: ResultRow) -> str:
    verdict = result.verdict.word if result.verdict is not None else "?"
    return f"{result.case_id} {verdict}, {result.owner or 'nobody'}: {result.cause}"


def reasons() -> set[str]:
    """Return the mutants that have a written reason."""
    if not REASONS.exists():
        return set()
    lines = REASONS.read_text(encoding="utf-8").splitlines()
    return {match["text"] for match in map(ENTRY.fullmatch, lines) if match}


def main() -> int:
    """Try a sample; return 1 when a survivor has no reason, 2 when the healthy router fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="how many; 0 for all")
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=3, help="benches at once")
    parser.add_argument("--only", default="", help="mutants whose name holds this")
    parser.add_argument("--list", action="store_true", help="name them and try none")
    arguments = parser.parse_args()
    everyone = [mutant for mutant in mutants() if arguments.only in mutant.text]
    chosen = everyone
    if 0 < arguments.sample < len(everyone):
        chosen = random.Random(arguments.random_seed).sample(everyone, arguments.sample)
    say(f"{len(chosen)} of {len(everyone)} mutants")
    if arguments.list:
        for mutant in chosen:
            say(f"{mutant.module}.py:{mutant.line}  - {mutant.before}  + {mutant.after}")
        return 0
    lab = ROOT / "tests" / "acceptance" / "labs" / "four.toml"
    healthy = tried(None, lab)
    say(f"healthy router: {healthy.killed_by or 'all green'}, {healthy.took_s:.0f} s")
    if healthy.killed_by is not None:
        return 2
    excused, alive = reasons(), []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for one in pool.map(lambda mutant: tried(mutant, lab), chosen):
            mutant = one.mutant
            fate = one.killed_by or ("LIVES, with a reason" if mutant.text in excused else "LIVES")
            say(f"{mutant.module}.py:{mutant.line}  - {mutant.before}  + {mutant.after}")
            say(f"    {fate}, {one.took_s:.0f} s")
            alive += [mutant] if one.killed_by is None else []
    open_ = [mutant for mutant in alive if mutant.text not in excused]
    say(f"{len(chosen)} mutants: {len(chosen) - len(alive)} noticed, {len(alive)} live, "
        f"{len(open_)} of them without a reason")  # fmt: skip
    return int(bool(open_))


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
