"""Whether names can be resolved through the router, and whose fault it is when not."""

from __future__ import annotations

import secrets
import socket
from typing import Final

from harness.core.clock import Deadline
from harness.core.errors import RouterError
from harness.core.party import Party
from harness.core.units import NS_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.case import CaseRun
from harness.userplane.dns_message import NAME_ERROR, NO_ERROR, question, response_code
from harness.verdict.blame import Blame

NAME_LIMIT: Final = "attach.first_name"
_NAME: Final = "example.com"
"""Reserved (RFC 2606): that it does not exist is an answer too."""
_PORT: Final = 53
_ANSWER_BYTES: Final = 1500
_TRY_S: Final = 1.0
_STEP_S: Final = 5.0


def judge_names(run: CaseRun, label: str) -> None:
    """Ask as the router's user for a name, and judge how long the answer takes.

    Args:
        run: The case that is being run; the router has data.
        label: Tells one of a case's looks from another, for example a carrier.
    """
    name, limit_s = f"{label} first name", run.limits[NAME_LIMIT].high or 0.0
    given = run.dut.lease.dns if run.dut.lease else ()
    took_s = next((s for server in given if (s := _ask(run, server, limit_s)) is not None), None)
    if took_s is not None:
        took = Measurement(name=NAME_LIMIT, value=took_s, unit="s", n=1)
        run.measured(NAME_LIMIT, took, owner=None, step=name)
        return
    run.fail(name, _whose(run, given, limit_s))


def _whose(run: CaseRun, given: tuple[str, ...], limit_s: float) -> Blame:
    """Ask the name servers that the network told, past the router's own."""
    if not given:
        return Blame(owner=Party.ROUTER, cause="the router told its user no name server")
    told: tuple[str, ...] = ()
    try:
        told = run.dut.driver.name_servers(Deadline.after(_STEP_S, run.clock))
    except RouterError as exc:
        run.result.event("note", f"name servers of the network: {exc}", party=Party.ROUTER)
    servers = [server for server in told if server not in given]
    if any(_ask(run, server, limit_s) is not None for server in servers):
        cause = f"{', '.join(given)} in the router answers no question, its carrier's server does"
        return Blame(owner=Party.ROUTER, cause=cause)
    if servers:
        cause = f"data flow, and the carrier's name servers {', '.join(servers)} answer nobody"
        return Blame(owner=Party.CARRIER, cause=cause)
    cause = "no name server answers, and the router tells none of its carrier's"
    return Blame(owner=None, cause=cause)


def _ask(run: CaseRun, server: str, limit_s: float) -> float | None:
    """Ask a name server again and again; return the seconds to its answer, None without one."""
    start_ns, deadline = run.clock.monotonic_ns(), Deadline.after(limit_s, run.clock)
    with run.dut.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        while not deadline.passed:
            ident = secrets.randbelow(1 << 16)
            sock.settimeout(min(_TRY_S, max(deadline.left_s, 0.001)))
            try:
                sock.sendto(question(ident, _NAME), (server, _PORT))
                code = response_code(ident, sock.recv(_ANSWER_BYTES))
            except OSError:
                run.clock.sleep(min(_TRY_S / 10, deadline.left_s))
                continue
            if code in {NO_ERROR, NAME_ERROR}:
                return (run.clock.monotonic_ns() - start_ns) / NS_PER_S
    return None
