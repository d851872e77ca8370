"""Many routers at once: a command in flight on each, driven by one thread.

A thread for each router is simpler, and right for what waits most of the time. With hundreds that
are busy, handing over from thread to thread costs more than the commands; here nothing is handed
over.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from harness.at.deadlines import deadline_s
from harness.at.errors import AtTimeoutError
from harness.at.lane import Lane, Reply, accepted
from harness.at.session import AtSession
from harness.at.switchboard import Switchboard
from harness.core.clock import Clock, Deadline, SystemClock
from harness.core.errors import BenchError, RouterError, UsageError
from harness.core.units import NS_PER_S
from harness.port.inbox import PortLost, Source

_LOOK_S: Final = 0.02  # how often deadlines and what waits for silence are looked at
_LOOK_NS: Final = NS_PER_S // 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one command ended.

    Attributes:
        session: Whom it was sent to.
        command: What was sent.
        reply: The answer; None when `error` says why there is none.
        error: What `AtSession.execute` would have raised; None when all went well.
    """

    session: AtSession
    command: str
    reply: Reply | None = None
    error: BenchError | RouterError | None = None


@dataclass(frozen=True, slots=True)
class _Flight:
    """A command that waits for its final result code."""

    command: str
    sent_ns: int
    deadline: Deadline


class _Seat:
    """One session of a crowd."""

    __slots__ = ("board", "flight", "lane", "session")

    def __init__(self, session: AtSession, board: Switchboard) -> None:
        self.session = session
        self.board = board
        self.lane: Lane = board.lanes[0]
        self.flight: _Flight | None = None


class Crowd:
    """Sessions that the calling thread drives together; use it in a `with` statement.

    Inside it nobody else can send on these sessions. A router that is silent or gone ends its own
    command with an error and disturbs no other.

    Args:
        sessions: Whom to drive; they stay open.
        clock: Where time comes from.
    """

    def __init__(self, sessions: Sequence[AtSession], *, clock: Clock | None = None) -> None:
        self._sessions = tuple(dict.fromkeys(sessions))
        self._clock: Clock = clock or SystemClock()
        self._seats: dict[AtSession, _Seat] = {}
        self._sources: dict[int, tuple[_Seat, Source]] = {}
        self._done: deque[Answer] = deque()
        self._flying = 0
        self._look_at_ns = 0
        self._opened = ExitStack()
        self._epoll: select.epoll

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self._epoll = opened.enter_context(select.epoll())
            for session in self._sessions:
                board, sources = opened.enter_context(session.held())
                seat = self._seats[session] = _Seat(session, board)
                for source in sources:
                    self._sources[source.fileno()] = seat, source
                    self._epoll.register(source.fileno(), select.EPOLLIN)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for seat in self._seats.values():
            if seat.flight is not None:  # the session drains what may still come
                with seat.board.lock:
                    seat.lane.give_up()
        self._opened.close()

    def ask(self, session: AtSession, command: str, deadline: Deadline | None = None) -> None:
        """Send one command; `answers` gives how it ended.

        After a timeout nothing is sent to a router until its late answer has come; outside the
        crowd `AtSession.drain` makes sure.

        Args:
            session: One of the crowd, with no command in flight.
            command: One command line, without its CR.
            deadline: When to give up; by default what the standard and the field allow.

        Raises:
            UsageError: The command is not one command line, or another one is in flight.
        """
        seat = self._seats.get(session)
        if seat is None or seat.flight is not None:
            reason = "is not of this crowd" if seat is None else "has a command in flight"
            msg = f"{command!r} cannot be sent: the session {reason}"
            raise UsageError(msg)
        deadline = deadline or Deadline.after(deadline_s(command), self._clock)
        try:
            sent_ns = self._send(seat, command)
        except (BenchError, RouterError) as exc:
            self._done.append(Answer(session=session, command=command, error=exc))
            return
        seat.flight = _Flight(command, sent_ns, deadline)
        self._flying += 1

    def _send(self, seat: _Seat, command: str) -> int:
        lane = seat.lane
        with seat.board.lock:
            lane.require_alive()
            if lane.unclear:
                self._clear(lane, command)
            lane.begin(command)
        try:  # a port that takes no more now is stuck: nobody may wait for it here
            return lane.port.write(command.encode("latin-1") + b"\r", self._at_once())
        except BaseException:
            with seat.board.lock:
                lane.give_up()
            raise

    def _at_once(self) -> Deadline:
        now_ns = self._clock.monotonic_ns()
        return Deadline(clock=self._clock, start_ns=now_ns, end_ns=now_ns)

    def _clear(self, lane: Lane, command: str) -> None:
        if lane.dialogue.owed:
            msg = (
                f"{lane.port.name}: {command!r} is not sent, because an earlier command that "
                "timed out may still be answered; drain the session"
            )
            raise AtTimeoutError(msg, waited_s=0.0, got=b"")
        lane.dialogue.settle()
        lane.unclear = False

    def answers(self) -> Iterator[Answer]:
        """Give how commands ended, as they end, until none is in flight.

        Whoever iterates may `ask` again meanwhile, and so keeps all of them busy.
        """
        while self._done or self._flying:
            while self._done:
                yield self._done.popleft()
            if self._flying:
                self._take_in()

    def _take_in(self) -> None:
        ready = self._epoll.poll(_LOOK_S)
        now_ns = self._clock.monotonic_ns()
        for fd, _ in ready:
            seat, source = self._sources[fd]
            arrival = source.read_now(now_ns)
            if arrival is None:
                continue
            if isinstance(arrival, PortLost):
                self._epoll.unregister(fd)
            seat.board.take(arrival)
            if seat.flight is not None and seat.lane.answered:
                self._end(seat, seat.flight)
        if now_ns >= self._look_at_ns:
            self._look_at_ns = now_ns + _LOOK_NS
            self._look(now_ns)

    def _look(self, now_ns: int) -> None:
        """End what nothing arrives for: missing OKs, and commands that are late."""
        for seat in self._seats.values():
            tick_ns = seat.board.tick_ns()
            if tick_ns is not None and tick_ns <= now_ns:
                seat.board.tick(now_ns)
            flight = seat.flight
            if flight is not None and (seat.lane.answered or flight.deadline.end_ns <= now_ns):
                self._end(seat, flight)

    def _end(self, seat: _Seat, flight: _Flight) -> None:
        seat.flight = None
        self._flying -= 1
        command = flight.command
        try:
            with seat.board.lock:
                reply = seat.lane.outcome(command, flight.sent_ns, flight.deadline)
            accepted(command, reply)
        except (BenchError, RouterError) as exc:
            self._done.append(Answer(session=seat.session, command=command, error=exc))
        else:
            self._done.append(Answer(session=seat.session, command=command, reply=reply))
