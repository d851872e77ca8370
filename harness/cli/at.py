"""`harness at`: one dialogue with a router, or a console that shows URCs as they come."""

from __future__ import annotations

import json
import readline  # noqa: F401 - gives `input` a history and line editing
import sys
import threading
from pathlib import Path

import typer

from harness.at.lane import Reply
from harness.at.reading import read_reply
from harness.at.session import AtSession
from harness.bench import open_bench
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import RouterError, UsageError

_READY_S = 60.0
_LISTEN_S = 0.2


def at(lab: Path, router: str | None, command: str | None, *, as_json: bool) -> None:
    """Open a router's AT ports and talk.

    Raises:
        UsageError: There is no such router, or the command is not one line.
        BenchError: The bench or the port is the problem.
        RouterError: The router refuses or does not answer.
    """
    clock = SystemClock()
    with (
        open_bench(lab, say=lambda text: typer.echo(f"harness: {text}", err=True)) as bench,
        bench.dut(router) as dut,
    ):
        dut.ensure_connected(Deadline.after(_READY_S, clock))
        if command is None:
            _console(dut.session)
            return
        reply = dut.session.execute(command)
        _print(command, reply, as_json=as_json)


def _print(command: str, reply: Reply, *, as_json: bool) -> None:
    """Print the raw lines, then what they mean."""
    meaning = read_reply(command, reply)
    took_s = (reply.done_ns - reply.sent_ns) / 1e9
    if as_json:
        value = {
            "command": command,
            "lines": reply.lines,
            "final": reply.final,
            "meaning": meaning,
            "took_s": took_s,
        }
        typer.echo(json.dumps(value))
        return
    for line in reply.lines:
        typer.echo(line)
    typer.echo(reply.final)
    for text in meaning:
        typer.echo(f"  {text}")
    typer.echo(f"harness: answered after {took_s * 1000:.1f} ms", err=True)


def _console(session: AtSession) -> None:
    """Read commands until end of file; URCs are shown between them as they come."""
    typer.echo("harness: commands as AT+CSQ; end with Ctrl-D", err=True)
    ended = threading.Event()
    listener = threading.Thread(target=_show_urcs, args=(session, ended), daemon=True)
    listener.start()
    try:
        while True:
            try:
                command = input("> " if sys.stdin.isatty() else "").strip()
            except EOFError:
                return
            if command:
                _answer(session, command)
    finally:
        ended.set()
        listener.join()


def _answer(session: AtSession, command: str) -> None:
    """Send one command of the console; a refusal is an answer like any other."""
    try:
        _print(command, session.execute(command), as_json=False)
    except (RouterError, UsageError) as exc:
        typer.echo(f"harness: {exc}", err=True)


def _show_urcs(session: AtSession, ended: threading.Event) -> None:
    """Print what the router says unasked."""
    reports = session.subscribe()
    while not ended.is_set():
        session.listen(_LISTEN_S)
        for urc in reports:
            typer.echo(f"< {urc.line}")
