"""Exit codes: what a script may rely on."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from harness.core.errors import (
    BenchError,
    CloudError,
    HarnessError,
    InternalError,
    RouterError,
    UsageError,
)
from harness.core.party import Party
from harness.verdict.verdict import Verdict


class ExitCode(IntEnum):
    """Why the command ended."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    BENCH = 3
    INCONCLUSIVE = 4
    INTERNAL = 70


_BY_ERROR: Final[tuple[tuple[type[HarnessError], ExitCode], ...]] = (
    (UsageError, ExitCode.USAGE),
    (BenchError, ExitCode.BENCH),
    (RouterError, ExitCode.FAIL),
    (CloudError, ExitCode.FAIL),
    (InternalError, ExitCode.INTERNAL),
)


def of_error(error: HarnessError | OSError) -> ExitCode:
    """Return the exit code of an error that ended the command; of the operating system's: 3."""
    if isinstance(error, OSError):
        return ExitCode.BENCH
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.INTERNAL)


def of_verdict(verdict: Verdict, owner: Party | None) -> ExitCode:
    """Return the exit code of a run; an error of the bench is 3, of ourselves 70."""
    if verdict is Verdict.PASS:
        return ExitCode.PASS
    if verdict is Verdict.FAIL:
        return ExitCode.FAIL
    if verdict is Verdict.ERROR:
        return ExitCode.BENCH if owner is Party.BENCH else ExitCode.INTERNAL
    return ExitCode.INCONCLUSIVE
