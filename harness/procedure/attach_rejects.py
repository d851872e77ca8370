"""ATT: what a router does when its carrier refuses it, cause by cause (TS 24.301 5.5.1.2.5, .6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from harness.cloud.adapter import LOG, MARK
from harness.cloud.model import CoreEvent, Sim
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.core.units import US_PER_S
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseFailedError, CaseRun
from harness.procedure.reassigned import states_kept
from harness.procedure.serving import BOOT_LIMITS, SHOWN, Serving, serve, step
from harness.procedure.steering import covered_by, line_under, require_core
from harness.record.rows import CaseInfo
from harness.verdict.blame import Blame
from harness.verdict.verdict import Verdict

AGAIN_LIMIT: Final = "attach.again_after_reject"
ATTEMPTS_LIMIT: Final = "attach.attempts"
OTHER_LIMIT: Final = "attach.other_sim"
SAME_LIMIT: Final = "attach.same_sim"
FINAL_CAUSES: Final = (3, 6, 7, 8, 11, 12, 13, 14, 15, 35)
"""Card, network or area are out for this card (5.5.1.2.5): it is not tried there again."""
PASSING_CAUSES: Final = (17, 19, 22)
"""Network failure, ESM failure, congestion without T3346: try again after T3411 (5.5.1.2.6)."""
_MAIN: Final = "main"
_LOOK_S: Final = 0.1
_STEP_S: Final = 5.0
_LOST_S: Final = 10.0


class Attempts:
    """What the carriers' log shows of attempts to attach by one card.

    Args:
        user: The router in service.
        sim: The card.
    """

    def __init__(self, user: Serving, sim: Sim) -> None:
        self._user = user
        self._sim = sim
        self.events: list[CoreEvent] = []

    def look(self) -> None:
        """Read what is new in the log."""
        news = self._user.core_news()
        self.events += [e for e in news if e.imsi == self._sim.imsi and e.kind != "auth"]

    def count(self, kind: str) -> int:
        """Return how many events of a kind there were on the user's stack."""
        return sum(e.kind == kind and e.bearer == _MAIN for e in self.events)

    def requests_after_reject(self) -> int:
        """Return how often the card was tried again after the first reject."""
        kinds = [e.kind for e in self.events if e.bearer == _MAIN]
        if "reject" not in kinds:
            return 0
        return kinds[kinds.index("reject") :].count("attach_request")

    def gaps_s(self) -> list[float]:
        """Return the seconds between a reject and the request after it."""
        own = [e for e in self.events if e.bearer == _MAIN]
        return [
            (after.utc_us - before.utc_us) / US_PER_S
            for before, after in pairwise(own)
            if (before.kind, after.kind) == ("reject", "attach_request")
        ]


def run_final(run: CaseRun) -> None:
    """Refuse the card in use for good, by one cause after another; another card takes over.

    Raises:
        CaseFailedError: The router does not come back; the owner is noted.
        BenchError: The bench cannot steer.
    """
    user = serve(run)
    again = 0
    with states_kept(run):
        for cause in FINAL_CAUSES:
            again += _refuse_for_good(user, cause)
    count = Measurement(name=AGAIN_LIMIT, value=float(again), unit="1", n=len(FINAL_CAUSES))
    run.measured(AGAIN_LIMIT, count, owner=Party.ROUTER)


def run_passing(run: CaseRun) -> None:
    """Refuse the card in use for a moment, by one cause after another; it is tried again.

    Raises:
        CaseFailedError: The router does not come back; the owner is noted.
        BenchError: The bench cannot steer.
    """
    user = serve(run)
    with states_kept(run):
        for cause in PASSING_CAUSES:
            _refuse_once(user, cause)
        _refuse_on_and_on(user, PASSING_CAUSES[0])


def _refuse_for_good(user: Serving, cause: int) -> int:
    """Refuse the card in use; return how often it was tried again before another was in use.

    Raises:
        CaseFailedError: No other card takes over in time; the owner is noted.
    """
    run, sim = user.run, user.sim
    attempts = Attempts(user, sim)
    limit_s = run.limits[OTHER_LIMIT].high or 0.0
    user.log.clear()
    with _refused(user, cause):
        since = Deadline.after(limit_s, run.clock)
        _await_first_reject(user, attempts, cause, since)
        given = None
        while given is None and not since.passed and not attempts.requests_after_reject():
            chosen = [e for e in user.news() if e.kind == "selected" and e.iccid != sim.iccid]
            given = chosen[0].iccid if chosen else None
            attempts.look()
            run.clock.sleep(_LOOK_S)
        again = attempts.requests_after_reject()
        if again:
            text = f"tried again {min(attempts.gaps_s()):.1f} s after the reject"
            failure = run.fail(
                f"cause {cause}", Blame(owner=Party.ROUTER, cause=_words(cause, text))
            )
            raise failure
        if given is None:
            raise _nothing_given(user, cause, since)
        _await_other(user, given, cause, since)
        attempts.look()
        again = attempts.requests_after_reject()
    text = f"{again} more attempts, {user.shown} in use after {since.waited_s:.1f} s"
    run.step(f"cause {cause}", Verdict.PASS if not again else Verdict.FAIL, text)
    return again


def _await_other(user: Serving, given: str, cause: int, since: Deadline) -> None:
    """Wait for the first byte through another card.

    Raises:
        CaseFailedError: It does not come; the owner is noted.
    """
    if not user.await_given(given, since, but={user.sim.iccid}):
        what = f"no byte through *{given[-SHOWN:]} {since.waited_s:.1f} s after a reject"
        failure = user.fail(f"cause {cause}", what)
        raise failure


def _nothing_given(user: Serving, cause: int, since: Deadline) -> CaseFailedError:
    """Find out who keeps the router without another card."""
    run = user.run
    owner: Party | None = Party.ACCESS_SERVER
    asked = bool(user.said("rejected") or user.said("no_sim"))
    if asked:
        text = f"the router reported it, and was given no other SIM in {since.waited_s:.1f} s"
    else:
        text = f"the router never asked for another SIM in {since.waited_s:.1f} s"
        owner = Party.ROUTER if user.said("heartbeat") or user.said("login") else None
    return run.fail(f"cause {cause}", Blame(owner=owner, cause=_words(cause, text)))


def _refuse_once(user: Serving, cause: int) -> None:
    """Refuse the card in use until it was tried again, then no more: it serves on.

    Raises:
        CaseFailedError: It is not tried again, or does not serve; the owner is noted.
    """
    run, sim = user.run, user.sim
    attempts = Attempts(user, sim)
    limit_s = run.limits[SAME_LIMIT].high or 0.0
    with _refused(user, cause):
        since = Deadline.after(limit_s, run.clock)
        _await_first_reject(user, attempts, cause, since)
    while not attempts.requests_after_reject() and not since.passed:
        run.clock.sleep(_LOOK_S)
        attempts.look()
    if not attempts.requests_after_reject():
        text = f"the carrier's log shows no second attempt in {since.waited_s:.1f} s"
        failure = run.fail(f"cause {cause}", Blame(owner=Party.ROUTER, cause=_words(cause, text)))
        raise failure
    if not user.await_data(sim.iccid, since):
        what = f"no byte through {user.shown} although its carrier takes it again"
        failure = user.fail(f"cause {cause}", what)
        raise failure
    took = Measurement(name=SAME_LIMIT, value=since.waited_s, unit="s", n=1)
    gap_s = attempts.gaps_s()[0]
    run.measured(SAME_LIMIT, took, owner=Party.ROUTER, step=f"cause {cause}, once")
    run.step(f"cause {cause} gap", Verdict.PASS, f"tried again {gap_s:.3f} s after the reject")


def _refuse_on_and_on(user: Serving, cause: int) -> None:
    """Refuse the card in use on and on: five attempts, then another card.

    Raises:
        CaseFailedError: No other card takes over in time; the owner is noted.
    """
    run, sim = user.run, user.sim
    attempts = Attempts(user, sim)
    limit_s = run.limits[OTHER_LIMIT].high or 0.0
    user.log.clear()
    with _refused(user, cause):
        since = Deadline.after(limit_s, run.clock)
        given = None
        while given is None and not since.passed:
            chosen = [e for e in user.news() if e.kind == "selected" and e.iccid != sim.iccid]
            given = chosen[0].iccid if chosen else None
            attempts.look()
            run.clock.sleep(_LOOK_S)
        tried = attempts.count("reject")
        count = Measurement(name=ATTEMPTS_LIMIT, value=float(tried), unit="1", n=1)
        run.measured(ATTEMPTS_LIMIT, count, owner=Party.ROUTER, step=f"cause {cause}, on and on")
        if given is None:
            raise _nothing_given(user, cause, since)
        _await_other(user, given, cause, since)


@contextmanager
def _refused(user: Serving, cause: int) -> Iterator[None]:
    """Let the carrier refuse the card in use from its next attach on, and make it attach."""
    run, sim = user.run, user.sim
    with line_under(run, sim.imsi, {"reject_cause": cause}, {"reject_cause": None}):
        user.core_news()
        lose_coverage(user)
        yield


def lose_coverage(user: Serving) -> None:
    """Take the carrier in use out of the router's air until its network has noted that.

    Raises:
        CaseFailedError: The network does not note it.
    """
    run, sim = user.run, user.sim
    place = require_core(run).place_of(run.dut.router.imei, step(run))
    with covered_by(run, set(place.covered) - {sim.plmn}):
        deadline = Deadline.after(_LOST_S, run.clock)
        while not any(e.kind == "lost" and e.imsi == sim.imsi for e in user.core_news()):
            if deadline.passed:
                cause = f"coverage of {sim.plmn} was taken away and its network did not note it"
                failure = run.fail("coverage", Blame(owner=Party.BENCH, cause=cause))
                raise failure
            run.clock.sleep(_LOOK_S)


def _await_first_reject(user: Serving, attempts: Attempts, cause: int, since: Deadline) -> None:
    """Wait until the carrier has refused the card.

    Raises:
        CaseFailedError: It did not come to that; the owner is noted.
    """
    attempts.look()
    while not attempts.count("reject"):
        if since.passed:
            text = f"the card that lost coverage was not tried again in {since.waited_s:.1f} s"
            failure = user.run.fail(f"cause {cause}", Blame(owner=Party.ROUTER, cause=text))
            raise failure
        user.run.clock.sleep(_LOOK_S)
        attempts.look()


def _words(cause: int, text: str) -> str:
    return f"rejected with EMM cause #{cause}: {text}"


_NEEDS: Final = frozenset({"power", "core", "far_end", LOG, MARK})

CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-ATT-002",
            version="1",
            title_en="A card that is refused for good is not tried again, and another takes over",
            title_ja="恒久的な拒否原因の SIM は再試行されず、別の SIM に切り替わる",
            requirements=("R06", "R14"),
        ),
        needs=_NEEDS,
        injected=f"reject causes {', '.join(map(str, FINAL_CAUSES))} for the card in use",
        owner_rule="the router by the carrier's log; the server when it was asked and gave none",
        limits=BOOT_LIMITS | {AGAIN_LIMIT, OTHER_LIMIT},
        estimated_s=35.0,
        estimated_bytes=200_000,
        exclusive=True,
        run=run_final,
    ),
    Case(
        info=CaseInfo(
            id="CS-ATT-003",
            version="1",
            title_en="A card that is refused for a moment is tried again, at most five times",
            title_ja="一時的な拒否原因では同じ SIM を最大 5 回まで再試行する",
            requirements=("R06", "R14"),
        ),
        needs=_NEEDS,
        injected=f"reject causes {', '.join(map(str, PASSING_CAUSES))} for the card in use",
        owner_rule="the router by the carrier's log; the server when it was asked and gave none",
        limits=BOOT_LIMITS | {ATTEMPTS_LIMIT, OTHER_LIMIT, SAME_LIMIT},
        estimated_s=25.0,
        estimated_bytes=80_000,
        exclusive=True,
        run=run_passing,
    ),
)
