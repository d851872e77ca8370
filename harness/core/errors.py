"""Errors by who must act; the class of an error decides the verdict and the exit code."""

from __future__ import annotations


class HarnessError(Exception):
    """Any error of this harness; always raised as one of the classes below."""


class UsageError(HarnessError):
    """The caller (a test, a command line) asked for something that makes no sense."""


class BenchError(HarnessError):
    """The bench must be mended: a port, a permission, lab.toml, a tap, the host."""


class RouterError(HarnessError):
    """The router under test did something it must not, or did not do what it must."""


class CloudError(HarnessError):
    """The access server, the SIM bank or a core network did not serve the lab.

    Attributes:
        party: Who must act, as a value of `harness.core.party.Party`.
    """

    def __init__(self, message: str, *, party: str) -> None:
        super().__init__(message)
        self.party = party


class InternalError(HarnessError):
    """Our own fault: a state that the harness itself rules out."""
