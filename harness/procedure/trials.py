"""Tries planted faults: a bench of its own for each, in a process of its own, side by side."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from harness.core.clock import Clock, Deadline
from harness.core.errors import BenchError, UsageError
from harness.core.party import Party
from harness.lab.load import lab_text
from harness.verdict.detection import PlantedFault, Trial
from harness.verdict.verdict import Verdict

_LIST_S: Final = 30.0
_GRACE_S: Final = 60.0
_VIRTUAL: Final = re.compile(r"^\[virtual\][^\n]*\n", re.MULTILINE)
_RUNS: Final = re.compile(r'^runs\s*=\s*"[^"\n]*"', re.MULTILINE)
_PLANTED: Final = re.compile(r"^defects\s*=", re.MULTILINE)
_EXIT_BENCH: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is run against each planted fault.

    Attributes:
        lab: The bench file; each try gets a copy of its own.
        limits: What is demanded.
        plan: The plan that is run; None is only the case that must catch the fault.
        longest_s: A try that takes longer broke, in seconds.
        keep: Where records of tries are kept; None keeps none.
    """

    lab: Path
    limits: Path
    plan: str | None
    longest_s: float
    keep: Path | None


def planted_faults(module: str) -> tuple[PlantedFault, ...]:
    """Ask a virtual bench which faults can be planted in it.

    Args:
        module: What is run with ``--list-defects``.

    Raises:
        BenchError: It does not say.
    """
    argv = [sys.executable, "-m", module, "--list-defects"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=_LIST_S, check=False)
    try:
        rows = json.loads(ended.stdout)
        return tuple(PlantedFault(**{**row, "party": Party(row["party"])}) for row in rows)
    except (ValueError, KeyError, TypeError) as exc:
        msg = f"{module} --list-defects: {exc}; it said {ended.stderr[-200:]!r}"
        raise BenchError(msg) from exc


def with_planted(lab_text: str, names: Sequence[str]) -> str:
    """Return a bench file with faults planted, and its records beside it.

    Raises:
        UsageError: There are faults planted in it already.
    """
    if _PLANTED.search(lab_text):
        msg = "the bench file plants faults of its own; take virtual.defects out of it"
        raise UsageError(msg)
    text = _RUNS.sub('runs = "runs"', lab_text)
    if not names:
        return text
    line = f"defects = {json.dumps(list(names))}\n"
    match = _VIRTUAL.search(text)
    if match is None:
        return f"{text}\n[virtual]\n{line}"
    return text[: match.end()] + line + text[match.end() :]


def try_all(
    faults: Sequence[PlantedFault], suite: Suite, *, jobs: int, clock: Clock
) -> Iterator[Trial]:
    """Try each planted fault, `jobs` at a time; yields each as it ends."""
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        ends = {pool.submit(_try, fault, suite, clock): fault for fault in faults}
        try:
            for end in as_completed(ends):
                yield end.result()
        finally:
            for end in ends:
                end.cancel()


def run_clean(
    case_ids: Sequence[str], suite: Suite, *, rounds: int, jobs: int, clock: Clock
) -> Iterator[dict[str, Any]]:
    """Run cases on a healthy bench again and again; yields each result as a mapping.

    A round that broke is one result with the verdict `error`: it never counts as clean.
    """
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        ends = [
            pool.submit(_accept, f"clean-{number}", (), list(case_ids), suite, clock)
            for number in range(rounds)
        ]
        for end in as_completed(ends):
            said, broke = end.result()
            if said is None:
                yield {"case": "", "verdict": "error", "owner": None, "cause": broke}
            else:
                yield from said["results"]


def _try(fault: PlantedFault, suite: Suite, clock: Clock) -> Trial:
    since = Deadline.after(suite.longest_s, clock)
    case_ids = [] if suite.plan else [fault.case]
    said, broke = _accept(fault.name, (fault.name,), case_ids, suite, clock)
    if said is None:
        return _ended(fault, since, None, None, "", broke)
    failed = [r for r in said["results"] if Verdict.from_word(r["verdict"]) > Verdict.PASS]
    if not failed:
        cause = "; ".join(r["cause"] for r in said["results"] if r["cause"])
        return _ended(fault, since, Verdict.from_word(said["verdict"]), None, "", cause)
    # The case that must catch it speaks for the plan; without it, the first that failed.
    result = next((r for r in failed if r["case"] == fault.case), failed[0])
    owner = Party(result["owner"]) if result["owner"] else None
    verdict = Verdict.from_word(result["verdict"])
    return _ended(fault, since, verdict, owner, result["case"], result["cause"])


def _ended(
    fault: PlantedFault,
    since: Deadline,
    verdict: Verdict | None,
    owner: Party | None,
    by: str,
    cause: str,
) -> Trial:
    return Trial(
        fault=fault, verdict=verdict, owner=owner, by=by, cause=cause, took_s=since.waited_s
    )


def _accept(
    name: str, planted: Sequence[str], case_ids: Sequence[str], suite: Suite, clock: Clock
) -> tuple[dict[str, Any] | None, str]:
    """Run an acceptance; return what it said, or how it broke.

    A bench that refuses to work is an answer, too: the bench is blamed.
    """
    with ExitStack() as stack:
        desk = _desk(stack, name, suite)
        text = with_planted(lab_text(suite.lab), planted)
        (desk / "lab.toml").write_text(text, encoding="utf-8")
        chosen = [part for case_id in case_ids for part in ("--case", case_id)]
        chosen += ["--plan", suite.plan] if suite.plan else []
        argv = ["accept", "--json", "--limits", str(suite.limits.resolve()), *chosen]
        process = subprocess.Popen(
            [sys.executable, "-m", "harness.cli", *argv],
            cwd=desk,
            env=os.environ | {"XDG_RUNTIME_DIR": str(desk)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(_end, process, clock)
        try:
            out, errors = process.communicate(timeout=suite.longest_s)
        except subprocess.TimeoutExpired:
            return None, f"it had not ended after {suite.longest_s:.0f} s"
        (desk / "stderr.txt").write_text(errors, encoding="utf-8")
        return _understood(process.returncode, out, errors)


def _understood(code: int, out: str, errors: str) -> tuple[dict[str, Any] | None, str]:
    """Read what an acceptance printed."""
    said = [line for line in errors.splitlines() if line.startswith("harness: error: ")]
    last = said[-1].removeprefix("harness: error: ") if said else errors.strip()[-300:]
    if out.strip():
        return json.loads(out), ""
    if code == _EXIT_BENCH:
        refusal = {"case": "", "verdict": "error", "owner": Party.BENCH.value, "cause": last}
        return {"verdict": "error", "results": [refusal]}, ""
    return None, f"exit code {code}: {last}"


def _desk(stack: ExitStack, name: str, suite: Suite) -> Path:
    """Return a directory for one try."""
    if suite.keep is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="trial-")))
    desk = suite.keep.resolve() / name
    desk.mkdir(parents=True)
    return desk


def _end(process: subprocess.Popen[str], clock: Clock) -> None:
    """End a try that has not ended: in order first, so that nothing is left behind."""
    if process.poll() is None:
        process.terminate()
        patience = Deadline.after(_GRACE_S, clock)
        try:
            process.communicate(timeout=patience.left_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
