"""One router's AT ports as one session: a command at a time, and URCs as they come.

The reader threads of the ports only stamp and queue; whoever waits in the session takes the
arrivals in. The session may be used from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Self

from harness.at.bus import Subscription
from harness.at.deadlines import deadline_s
from harness.at.dialogue import Habits
from harness.at.errors import AtTimeoutError
from harness.at.lane import Lane, Reply, accepted, only_line
from harness.at.lines import NoiseKind
from harness.at.switchboard import Switchboard
from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import UsageError
from harness.port.inbox import BytePort, Inbox, LiveInbox, Source

__all__ = ["AtSession", "only_line"]

QUIET_S: Final = 0.25
DRAIN_S: Final = 3.0
SYNC_STEP_S: Final = 0.5
_PROBE_S: Final = 1.0
_TURN_S: Final = 0.05
_TURN_NS: Final = 200_000_000  # how long one thread takes in before it looks at the others' timers


class AtSession:
    """AT commands to one router, over one port or more; use it in a `with` statement.

    Args:
        habits: How the model deviates from the standard.
        clock: Where time comes from.
        inbox: Where the ports' arrivals go; a live one unless a test or a replay says otherwise.

    Attributes:
        clock: Where time comes from.
        habits: How the model deviates from the standard.
    """

    def __init__(
        self,
        *,
        habits: Habits | None = None,
        clock: Clock | None = None,
        inbox: Inbox | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.habits = habits or Habits()
        self._inbox: Inbox = inbox or LiveInbox(self.clock)
        self._board = Switchboard(self.habits)
        self._turn = threading.Lock()  # held by the thread that waits at the inbox
        self._moved = threading.Condition()
        self._followers = 0

    @classmethod
    def open(
        cls,
        ports: Sequence[BytePort],
        *,
        habits: Habits | None = None,
        clock: Clock | None = None,
        inbox: Inbox | None = None,
    ) -> AtSession:
        """Open `ports`, the command port first, and return the session.

        Further ports are listened to, and take commands by number.

        Raises:
            PortBusyError: Somebody else holds a port.
            PortLostError: A port is not there.
        """
        session = cls(habits=habits, clock=clock, inbox=inbox)
        session.rebind(ports)
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the ports; closing twice is allowed."""
        for lane in self._board.lanes:
            lane.port.close()

    def rebind(self, ports: Sequence[BytePort]) -> None:
        """Go on with these ports, for example after a re-enumeration; subscriptions stay.

        The old ports are closed first: only then does the kernel free their numbers. What an
        old port still delivers is dropped, and a command in flight on one is lost with it.

        Raises:
            UsageError: There is no port.
            PortBusyError: Somebody else holds a port.
            PortLostError: A port is not there.
        """
        if not ports:
            msg = "a session needs a port"
            raise UsageError(msg)
        self.close()
        self._board.plug(ports)
        try:
            for lane in self._board.lanes:
                lane.port.open(self._inbox, self.generation)
        except BaseException:
            self.close()
            raise

    @property
    def generation(self) -> int:
        """Which set of ports is in use; 1 is the first, each `rebind` adds one."""
        return self._board.generation

    @property
    def late_lines(self) -> int:
        """How many lines came for commands that had been given up; no other command got them."""
        return sum(lane.late for lane in self._board.lanes)

    @property
    def timeouts(self) -> int:
        """How many commands in a row timed out on the command port."""
        return self._board.lanes[0].timeouts

    @property
    def ports(self) -> tuple[BytePort, ...]:
        """The ports in use, the command port first."""
        return tuple(lane.port for lane in self._board.lanes)

    def noise(self, port: int = 0) -> dict[NoiseKind, int]:
        """Return how often each kind of noise came from a port."""
        return dict(self._board.lanes[port].noise)

    def execute(
        self,
        command: str,
        deadline: Deadline | None = None,
        *,
        port: int = 0,
        payload: bytes | None = None,
    ) -> Reply:
        """Send one command and return its answer.

        Args:
            command: One command line, without its CR.
            deadline: When to give up; by default what the standard and the field allow.
            port: Number of the port, 0 is the command port.
            payload: What to send after the prompt, with its ending Ctrl-Z.

        Raises:
            UsageError: The command is not one command line.
            AtCommandError: The router refused it.
            AtTimeoutError: No final result code came in time; its late answer will be dropped.
            DeadPortError: Too many commands in a row got no answer.
            PortLostError: The port is gone.
            PortStuckError: The port took no more bytes.
        """
        deadline = deadline or Deadline.after(deadline_s(command), self.clock)
        lane = self._board.lanes[port]
        with lane.lock:
            self._make_ready(lane, deadline)
            return accepted(command, self._ask(lane, command, deadline, payload))

    def _ask(
        self, lane: Lane, command: str, deadline: Deadline, payload: bytes | None = None
    ) -> Reply:
        """Send a command and wait for its final result code, whichever it is."""
        with self._board.lock:
            lane.begin(command)
        claimed = self._inbox.claim()
        try:
            sent_ns = lane.port.write(command.encode("latin-1") + b"\r", deadline)
            if payload is not None:
                self._pump(lambda: lane.prompted or lane.answered, deadline)
                if lane.prompted:
                    lane.port.write(payload, deadline)
            self._pump(lambda: lane.answered, deadline)
        except BaseException:
            with self._board.lock:
                lane.give_up()
            raise
        finally:
            self._inbox.release(claimed)
        with self._board.lock:
            return lane.outcome(command, sent_ns, deadline)

    def _make_ready(self, lane: Lane, deadline: Deadline) -> None:
        lane.require_alive()
        if lane.unclear:
            self._drain(lane, deadline)

    def drain(self, deadline: Deadline | None = None, *, port: int = 0) -> None:
        """Take in what a command that was given up still says, until the port answers again.

        Raises:
            AtTimeoutError: The port does not answer.
            PortLostError: The port is gone.
        """
        lane = self._board.lanes[port]
        with lane.lock:
            self._drain(lane, deadline or Deadline.after(DRAIN_S, self.clock))

    def _drain(self, lane: Lane, deadline: Deadline) -> None:
        """Make sure that the next final result code is the next command's.

        First silence, then AT. When the late answer has not been seen by then, the OK to AT may
        have been its own; so a question is asked whose answer cannot be mistaken.
        """
        self._wait_quiet(lane, deadline)
        self._ask(lane, "AT", deadline.within(_PROBE_S))
        if lane.dialogue.owed:
            self._wait_quiet(lane, deadline)
        if lane.dialogue.owed:
            self._ask_unmistakably(lane, deadline.within(_PROBE_S))
        with self._board.lock:
            lane.dialogue.settle()
        lane.unclear = False

    def _ask_unmistakably(self, lane: Lane, deadline: Deadline) -> None:
        late = lane.late
        try:
            self._ask(lane, "AT+CMEE?", deadline)
        except AtTimeoutError:
            # A router that answers it by OK alone had that OK taken for the late one; now that
            # nothing followed, both are answered.
            if lane.late == late:
                raise

    def _wait_quiet(self, lane: Lane, deadline: Deadline) -> None:
        """Take in arrivals until a port has said nothing for `QUIET_S`, or until `deadline`."""
        while not deadline.passed and lane.lost is None:
            before_ns = lane.last_ns
            if not self._heard(lane, before_ns, deadline.within(QUIET_S)):
                return

    def _heard(self, lane: Lane, before_ns: int, deadline: Deadline) -> bool:
        return self._wait(lambda: lane.last_ns != before_ns or lane.lost is not None, deadline)

    def sync(self, deadline: Deadline, *, port: int = 0) -> int:
        """Send AT until the router answers, as after its boot; return how often it was sent.

        Raises:
            WrongPortError: The port speaks something else than AT.
            AtTimeoutError: It did not answer until `deadline`.
            PortLostError: The port is gone.
        """
        lane = self._board.lanes[port]
        with lane.lock:
            count = 0
            while not deadline.passed:
                count += 1
                try:
                    self._ask(lane, "AT", deadline.within(SYNC_STEP_S))
                except AtTimeoutError:
                    continue
                self._wait_quiet(lane, deadline)  # answers to the first ones may still come
                with self._board.lock:
                    lane.dialogue.settle()
                lane.unclear = False
                return count
            raise lane.no_sync(count, deadline)

    def reset(self, deadline: Deadline, *, port: int = 0) -> Reply:
        """Send the command that restarts the router, also to a port that counts as dead.

        Raises:
            AtTimeoutError: It was not answered; many routers restart without a word.
            PortLostError: The port went away, as it does when the router restarts.
        """
        lane = self._board.lanes[port]
        with lane.lock:
            return self._ask(lane, "AT+CFUN=1,1", deadline)

    def abort(self, deadline: Deadline, *, port: int = 0) -> bool:
        """Stop a command that timed out but goes on in the router, by a character (V.250 5.6.1).

        Returns:
            Whether the router is ready; False when it ignores the abort and goes on.

        Raises:
            PortLostError: The port is gone.
        """
        lane = self._board.lanes[port]
        with lane.lock:
            lane.port.write(b"\r", deadline)
            try:
                self._drain(lane, deadline)
            except AtTimeoutError:
                return False
            return True

    @contextmanager
    def held(self) -> Iterator[tuple[Switchboard, Sequence[Source]]]:
        """Let the calling thread send and read for itself, as a `Crowd` does.

        Other threads that use this session wait meanwhile. What had arrived is taken in first.
        """
        with self._board.lanes[0].lock, self._turn:
            claimed = self._inbox.claim()
            try:
                while (arrival := self._inbox.get(0)) is not None:
                    self._board.take(arrival)
                yield self._board, claimed
            finally:
                self._inbox.release(claimed)

    def subscribe(self, *prefixes: str) -> Subscription:
        """Keep URCs that begin with one of `prefixes` from now on; no prefix means all."""
        return self._board.subscribe(prefixes, self._pump_for_urc)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Keep nothing more for `subscription`."""
        self._board.unsubscribe(subscription)

    def listen(self, duration_s: float) -> None:
        """Take in what arrives for `duration_s` seconds; subscriptions get it."""
        self._wait(lambda: False, Deadline.after(duration_s, self.clock))

    def _pump_for_urc(self, done: Callable[[], bool], deadline: Deadline) -> bool:
        """Pump for a subscription, which nothing serves any more when a port is gone."""

        def ended() -> bool:
            return done() or any(lane.lost is not None for lane in self._board.lanes)

        self._wait(ended, deadline)
        if done():
            return True
        for lane in self._board.lanes:
            if lane.lost is not None:
                raise lane.loss()
        return False

    def _wait(self, done: Callable[[], bool], deadline: Deadline) -> bool:
        """Pump while no command is in flight."""
        claimed = self._inbox.claim()
        try:
            return self._pump(done, deadline)
        finally:
            self._inbox.release(claimed)

    def _pump(self, done: Callable[[], bool], deadline: Deadline) -> bool:
        """Take in arrivals until `done()` or until `deadline`; return `done()`.

        One thread at a time takes them in; the others look again whenever it has.
        """
        while not done():
            if self._turn.acquire(blocking=False):
                try:
                    arrived = self._take_one(deadline)
                finally:
                    self._turn.release()
                if self._followers:
                    with self._moved:
                        self._moved.notify_all()
                if not arrived and deadline.passed:
                    return done()
            else:
                with self._moved:
                    self._followers += 1
                    self._moved.wait(min(_TURN_S, deadline.left_s))
                    self._followers -= 1
                if deadline.passed:
                    return done()
        return True

    def _take_one(self, deadline: Deadline) -> bool:
        until_ns = min(deadline.end_ns, self.clock.monotonic_ns() + _TURN_NS)
        tick_ns = self._board.tick_ns()
        if tick_ns is not None and tick_ns < until_ns:
            until_ns = tick_ns
        arrival = self._inbox.get(until_ns)
        if arrival is not None:
            self._board.take(arrival)
            return True
        self._board.tick(self.clock.monotonic_ns())
        return False
