"""SW: from the cloud SIM to the card in the router's own slot and back, and without the card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from harness.at.cloudsim import Card
from harness.cloud.adapter import LOG
from harness.core.clock import Deadline
from harness.core.errors import BenchError
from harness.core.party import Party
from harness.lab.schema import PhysicalSim
from harness.measure.measurement import Measurement
from harness.procedure.case import Case, CaseRun
from harness.procedure.phases import Phase
from harness.procedure.serving import BOOT_LIMITS, Serving, serve, step
from harness.procedure.steering import require_core
from harness.record.rows import CaseInfo
from harness.verdict.verdict import Verdict

TO_CARD_LIMIT: Final = "card.to_physical"
TO_CLOUD_LIMIT: Final = "card.to_cloud"
PULLED_LIMIT: Final = "card.back_after_pull"
_PIN_S: Final = 10.0
_SETTLE_S: Final = 3.0
_TO_OWN, _TO_CLOUD, _KEPT = "to the card", "to the cloud SIM", "without a card"
_PULL_BYTES: Final = 300_000


def run_both_ways(run: CaseRun) -> None:
    """Change to the card in the slot, with its PIN when it asks, and back to the cloud SIM.

    Raises:
        CaseFailedError: The router does not get up, or does not change.
        BenchError: The bench cannot switch.
    """
    user = serve(run)
    with _cloud_again(user):
        _to_card(user)
        since = Deadline.after(run.limits[TO_CLOUD_LIMIT].high or 0.0, run.clock)
        run.progress.started(TO_CLOUD_LIMIT, since.left_s)
        _order(user, cloud=True)
        _await_service(user, Card.CLOUD, since, _TO_CLOUD)
        _measure(user, TO_CLOUD_LIMIT, since)


def run_without_card(run: CaseRun) -> None:
    """Order the change to a slot that is empty: it is refused, and the cloud SIM serves on.

    Raises:
        CaseFailedError: The router does not get up, or leaves its cloud SIM.
        BenchError: The bench cannot switch.
    """
    user = serve(run)
    with _cloud_again(user):
        _insert(run, inserted=False)
        run.clock.sleep(_SETTLE_S)
        taken = run.dut.driver.use_card(cloud=False, deadline=step(run))
        run.clock.sleep(_SETTLE_S)
        state = run.dut.driver.cloud_sim(step(run))
        serves = user.reaches()
        word = "taken" if taken else "refused"
        text = f"the order was {word}, the user {'is served' if serves else 'waits'}"
        if taken or not serves or state is None or state.card is not Card.CLOUD:
            user.fail(_KEPT, text, shows="it leaves its cloud SIM for an empty slot")
        else:
            run.step(_KEPT, Verdict.PASS, text)


def run_pulled(run: CaseRun) -> None:
    """Pull the card while it carries traffic; the router goes back to its cloud SIM by itself.

    Raises:
        CaseFailedError: The router does not get up, or stays without service.
        BenchError: The bench cannot switch.
    """
    user = serve(run)
    with _cloud_again(user):
        _to_card(user)
        user.move(_PULL_BYTES, Deadline.after(_PIN_S, run.clock))
        _insert(run, inserted=False)
        since = Deadline.after(run.limits[PULLED_LIMIT].high or 0.0, run.clock)
        run.progress.started(PULLED_LIMIT, since.left_s)
        _await_service(user, Card.CLOUD, since, PULLED_LIMIT)
        _measure(user, PULLED_LIMIT, since)


def _to_card(user: Serving) -> None:
    """Change to the card in the slot and follow the router to a byte through it."""
    run, card = user.run, _own(user.run)
    since = Deadline.after(run.limits[TO_CARD_LIMIT].high or 0.0, run.clock)
    run.progress.started(TO_CARD_LIMIT, since.left_s)
    _order(user, cloud=False)
    if card.pin is not None:
        pin, asked = card.pin, Deadline.after(_PIN_S, run.clock)
        if user.await_true(lambda: run.dut.driver.wants_pin(step(run)), asked):
            run.dut.driver.enter_pin(pin, step(run))
            run.step("PIN", Verdict.PASS, f"asked for after {asked.waited_s:.1f} s, and given")
    _await_service(user, Card.PHYSICAL, since, _TO_OWN)
    _measure(user, TO_CARD_LIMIT, since)
    line = require_core(run).subscriber(card.imsi, step(run))
    if line.attached_imei != run.dut.router.imei:
        raise user.fail(_TO_OWN, "the carrier does not see the card in the router", shows=_SAYS)
    run.step(_TO_OWN, Verdict.PASS, f"its carrier serves *{card.imsi[-4:]}")


def _order(user: Serving, *, cloud: bool) -> None:
    """Order a card by AT; the router takes the order.

    Raises:
        CaseFailedError: It refuses.
    """
    if not user.run.dut.driver.use_card(cloud=cloud, deadline=step(user.run)):
        name = _TO_CLOUD if cloud else _TO_OWN
        raise user.fail(name, "the change of cards", shows="the router refuses the order")


def _await_service(user: Serving, card: Card, since: Deadline, name: str) -> None:
    """Wait until the router says that it serves by a card, and the user gets a byte.

    Raises:
        CaseFailedError: It does not come to that.
    """
    run = user.run

    def serves() -> bool:
        state = run.dut.driver.cloud_sim(step(run))
        if state is None or state.card is not card or state.phase != Phase.P7_DATA_UP:
            return False
        return user.reaches()

    if user.await_true(serves, since):
        return
    state = run.dut.driver.cloud_sim(step(run))
    where = f"{state.card.name.lower()} card, P{state.phase}" if state else "nothing"
    refused = [e for e in user.core_news() if e.kind in {"reject", "no_answer"}]
    shows = None if refused else f"it shows {where}, and no carrier refused it"
    what = f"no service by the {card.name.lower()} card after {since.waited_s:.0f} s"
    raise user.fail(name, what, shows=shows)


def _measure(user: Serving, name: str, since: Deadline) -> None:
    took = Measurement(name=name, value=since.waited_s, unit="s", n=1)
    user.run.measured(name, took, owner=None)


def _own(run: CaseRun) -> PhysicalSim:
    """Return the card of the router's own slot.

    Raises:
        BenchError: lab.toml names none.
    """
    card = run.dut.router.physical_sim
    if card is None:
        msg = f"lab.toml: routers.{run.dut.name}.physical_sim: there is none; name the card"
        raise BenchError(msg)
    return card


def _insert(run: CaseRun, *, inserted: bool) -> None:
    """Put the card into the slot, or pull it."""
    strip, relay = run.dut.strip, run.dut.router.relay
    if strip is None or relay is None:
        msg = f"{run.dut.name}: no outlet, so no switch of its card"
        raise BenchError(msg)
    strip.insert_card(relay, inserted=inserted, deadline=step(run))
    word = "inserted" if inserted else "pulled"
    run.result.event("injection", f"the card in the slot is {word}", party=Party.BENCH)


@contextmanager
def _cloud_again(user: Serving) -> Iterator[None]:
    """At the end the card is in its slot and the router serves by its cloud SIM."""
    try:
        yield
    finally:
        _insert(user.run, inserted=True)
        if user.run.dut.connected:
            user.run.dut.driver.use_card(cloud=True, deadline=step(user.run))


_SAYS: Final = "it says that it serves by the card in its slot"
_NEEDS: Final = frozenset({"power", "core", "far_end", "slot", LOG})
_OWNER_RULE: Final = "the router, unless a carrier refused it"


def _case(number: int, title: tuple[str, str], injected: str, limits: frozenset[str]) -> Case:
    return Case(
        info=CaseInfo(
            id=f"CS-SW-{number:03d}",
            version="1",
            title_en=title[0],
            title_ja=title[1],
            requirements=("R05", "R06"),
        ),
        needs=_NEEDS,
        injected=injected,
        owner_rule=_OWNER_RULE,
        limits=BOOT_LIMITS | limits,
        estimated_s=20.0,
        estimated_bytes=400_000,
        run=(run_both_ways, run_without_card, run_pulled)[number - 1],
    )


CASES: Final[tuple[Case, ...]] = (
    _case(
        1,
        (
            "From the cloud SIM to the card in the slot, with its PIN, and back",
            "クラウド SIM と物理 SIM の相互切替(PIN を含む)",
        ),
        "orders by AT to change the card",
        frozenset({TO_CARD_LIMIT, TO_CLOUD_LIMIT}),
    ),
    _case(
        2,
        (
            "The change to an empty slot is refused, and the cloud SIM serves on",
            "空スロットへの切替は拒否され、クラウド SIM のまま通信できる",
        ),
        "the card is pulled, then the order by AT to change to it",
        frozenset(),
    ),
    _case(
        3,
        (
            "A card that is pulled under load is replaced by the cloud SIM",
            "通信中に物理 SIM を抜くとクラウド SIM に戻る",
        ),
        "the card is pulled while it carries traffic",
        frozenset({TO_CARD_LIMIT, PULLED_LIMIT}),
    ),
)
