"""`harness doctor`: what is wrong with this host, each with its cure; some can be cured at once.

A check asks a `Host` and decides; it does nothing. The doing is in `doctor_host.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol


class Severity(IntEnum):
    """How bad a finding is."""

    FINE = 0
    HINT = 1
    PROBLEM = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A file to write, as a cure.

    Attributes:
        path: Which.
        text: What.
    """

    path: Path
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """How to mend it.

    Attributes:
        text: What a person does.
        commands: What `--fix` runs, in order; empty when it is not safe to do unasked.
        writes: Files that `--fix` writes first.
    """

    text: str
    commands: tuple[tuple[str, ...], ...] = ()
    writes: tuple[Write, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Whether `--fix` may do it."""
        return bool(self.commands or self.writes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says.

    Attributes:
        check: Name of the check.
        severity: How bad it is.
        text: What was seen.
        cure: What to do; None when nothing needs to be done.
    """

    check: str
    severity: Severity
    text: str
    cure: Cure | None = None


class Host(Protocol):
    """What the checks ask of the host."""

    def read(self, path: str) -> str | None:
        """Return a file's text without its last newline; None when it cannot be read."""
        ...

    def matching(self, pattern: str) -> Sequence[str]:
        """Return the paths that match a glob pattern, sorted."""
        ...

    def program(self, name: str) -> str | None:
        """Return where a program is; None when it is not installed."""
        ...

    def processes(self) -> Mapping[int, str]:
        """Return the names of the processes that run, by id."""
        ...

    def has_module(self, name: str) -> bool:
        """Tell whether the running kernel has a module, loaded, built in or on disk."""
        ...

    def groups(self) -> frozenset[str]:
        """Return the names of the user's groups."""
        ...

    def owner_group(self, path: str) -> str | None:
        """Return the group of a file."""
        ...

    def may_use(self, path: str) -> bool:
        """Tell whether the user may read and write a file."""
        ...

    def free_bytes(self, path: str) -> int:
        """Return the bytes free for a user on a file's disk."""
        ...

    def distribution_of(self, package: str) -> str | None:
        """Return the name of the Python distribution that owns an importable package."""
        ...


Check = Callable[[Host], Finding]


def fine(check: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(check=check, severity=Severity.FINE, text=text)


def hint(check: str, text: str, cure: Cure) -> Finding:
    """Return a finding that may matter."""
    return Finding(check=check, severity=Severity.HINT, text=text, cure=cure)


def problem(check: str, text: str, cure: Cure) -> Finding:
    """Return a finding that will spoil a run."""
    return Finding(check=check, severity=Severity.PROBLEM, text=text, cure=cure)


def examine(host: Host, checks: Sequence[Check]) -> tuple[Finding, ...]:
    """Ask every check, in order."""
    return tuple(check(host) for check in checks)


def format_finding(finding: Finding) -> str:
    """Write a finding as one line, and its cure as a second."""
    word = {Severity.FINE: "ok", Severity.HINT: "hint", Severity.PROBLEM: "PROBLEM"}
    line = f"{word[finding.severity]:<8} {finding.check:<16} {finding.text}"
    if finding.cure is None:
        return line
    safe = " (--fix does it)" if finding.cure.is_safe else ""
    return f"{line}\n{'':<8} {'':<16} -> {finding.cure.text}{safe}"


def worst(findings: Sequence[Finding]) -> Severity:
    """Return the worst severity; FINE when there is no finding."""
    return max((finding.severity for finding in findings), default=Severity.FINE)
