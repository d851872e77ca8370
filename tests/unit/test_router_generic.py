"""``harness.router.generic``: which line of an answer the driver takes."""

from __future__ import annotations

from harness.at.cloudsim import Card, CloudSimState
from harness.at.model import CommandFor, Model
from harness.at.session import AtSession
from harness.core.clock import Deadline
from harness.port.replay import Replay
from harness.port.transcript import Direction, Entry
from harness.router.generic import Generic3gppRouter

SOURCE = "made up here"


def test_the_last_state_of_an_answer_is_the_state() -> None:
    """A report that comes while the question is in flight has the prefix of the answer."""
    wire = b'\r\n^CLOUDSIM: 2,2,""\r\n\r\n^CLOUDSIM: 1,7,"8981100022152967705"\r\n\r\nOK\r\n'
    replay = Replay(
        (
            Entry(t_ns=0, port="r1.at", direction=Direction.SENT, data=b"AT^CLOUDSIM?\r"),
            Entry(t_ns=1_000_000, port="r1.at", direction=Direction.RECEIVED, data=wire),
        ),
        start_ns=0,
    )
    model = Model(
        name="acme",
        title="Acme",
        verified_on_hardware=False,
        commands={"cloudsim_state": CommandFor(send="AT^CLOUDSIM?", source=SOURCE)},
    )

    with AtSession.open([replay.port("r1.at")], clock=replay, inbox=replay) as session:
        router = Generic3gppRouter(session, model)
        state = router.cloud_sim(Deadline.after(5.0, replay))

    assert state == CloudSimState(card=Card.CLOUD, phase=7, iccid="8981100022152967705")
