"""`harness testserver`: the far end of a real bench's measurements, on a host that it reaches."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime

import typer

from harness.core.errors import UsageError
from harness.core.units import format_duration, format_rate, format_size
from harness.userplane.testserver import TOKEN_VARIABLE, TestServer, listen
from harness.userplane.testserver_limits import Limits


def serve(address: str, port: int, limits: Limits) -> None:
    """Serve until interrupted; the port goes to standard output, one line a request to the other.

    Raises:
        UsageError: There is no token in the environment, or a limit allows nothing.
        BenchError: The address is not one of this host's, or the port is taken.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    if token is None:
        msg = f"set {TOKEN_VARIABLE} to the token that lab.toml names for this test server"
        raise UsageError(msg)
    if not (limits.rate_bps and limits.total_bytes and limits.longest_s):
        msg = "a limit of zero lets nothing through; leave the option out for its default"
        raise UsageError(msg)
    listener, datagrams = listen(address, port)
    with TestServer(listener, datagrams, token=token, limits=limits, log=_say) as server:
        _say(
            f"listening on {address} port {server.port}, TCP and UDP; a transfer has at most"
            f" {format_rate(limits.rate_bps)}, {format_size(limits.total_bytes)},"
            f" {format_duration(limits.longest_s)}; {limits.connections} at once"
        )
        typer.echo(server.port)
        threading.Event().wait()


def _say(line: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    typer.echo(f"{now.removesuffix('+00:00')}Z {line}", err=True)
