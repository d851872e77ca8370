"""``devices.virtual.carriers``: registration, AKA, coverage; no packet moves here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from devices.virtual import aka, identity
from devices.virtual.bearers import Gateways
from devices.virtual.carriers import Carriers
from devices.virtual.defects.switches import Switches
from devices.virtual.journal import Journal
from devices.virtual.lab_file import parse_lab
from devices.virtual.registration import Site
from devices.virtual.subscribers import Books, open_books
from devices.virtual.world_clock import WorldClock

R1, R2 = "860000000000017", "860000000000025"
ICCID, IMSI = "8981100000000000010", "440101000000001"
DOCOMO, KDDI = "44010", "44051"
LAB = parse_lab(
    {
        "routers": {
            name: {"model": "virtual-unisoc", "usb_path": f"virtual/{name}", "imei": imei}
            for name, imei in (("r1", R1), ("r2", R2))
        },
        "carriers": {
            "docomo": {"plmn": DOCOMO, "apn": "d.test"},
            "kddi": {"plmn": KDDI, "apn": "k.test"},
        },
        "sim_bank": {
            "slots": [
                {"slot": 0, "iccid": ICCID, "imsi": IMSI, "carrier": "docomo", "quota": "1 GB"}
            ]
        },
    }
)


class Modem:
    """A router's modem: a line to the networks and a card."""

    def __init__(self, carriers: Carriers, imei: str, sqn_seen: int = 0) -> None:
        self.heard: list[dict[str, Any]] = []
        self.rejected = asyncio.Event()
        self._carriers = carriers
        self._imei = imei
        self.card = aka.Card(identity.keys_of(1, ICCID), sqn_seen)
        assert carriers.switched_on(imei, self.hear)

    def hear(self, message: dict[str, Any]) -> None:
        """Take a message of the network."""
        self.heard.append(message)
        if message["t"] == "reject":
            self.rejected.set()

    def say(self, kind: str, **facts: object) -> dict[str, Any]:
        """Send a message and return what came last."""
        self._carriers.receive(self._imei, {"t": kind, "bearer": "main", **facts})
        return self.heard[-1]

    def attach(self, plmn: str = DOCOMO, imsi: str = IMSI) -> dict[str, Any]:
        """Attach, answering every challenge as the card does; return how it ended."""
        message = self.say("attach", imsi=imsi, plmn=plmn)
        while message["t"] == "auth_request":
            message = self.answer(message)
        return message

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        """Let the card answer a challenge."""
        rand, autn = bytes.fromhex(message["rand"]), bytes.fromhex(message["autn"])
        outcome = self.card.authenticate(rand, autn)
        if isinstance(outcome, aka.Accepted):
            return self.say("auth_response", res=outcome.res.hex())
        if isinstance(outcome, aka.Resync):
            return self.say("auth_failure", cause=21, auts=outcome.auts.hex())
        return self.say("auth_failure", cause=20)


Story = Callable[[Carriers, Books, Journal], Coroutine[Any, Any, None]]


def tell(story: Story, *defects: str, timer_factor: float = 0.1) -> None:
    """Run a story with carriers that nobody else uses."""

    async def run() -> None:
        books, clock = open_books(LAB), WorldClock()
        journal = Journal(clock)
        carriers = Carriers(
            books=books,
            gateways=Gateways(()),
            journal=journal,
            clock=clock,
            sites={router.imei: Site(name=router.name, netns_fd=-1) for router in LAB.routers},
            timer_factor=timer_factor,
            randomness=random.Random(1),
            defects=Switches(defects),
        )
        await story(carriers, books, journal)

    asyncio.run(run())


def kinds(journal: Journal) -> list[str]:
    """Return the kinds of all events."""
    return [event["kind"] for event in journal.after(0)]


def test_card_of_the_carrier_is_accepted() -> None:
    """A card that answers the challenge is registered, with cell, timer and network time."""

    async def story(carriers: Carriers, books: Books, journal: Journal) -> None:
        accept = Modem(carriers, R1).attach()

        assert (accept["t"], accept["plmn"], accept["act"]) == ("accept", DOCOMO, 7)
        assert accept["tac"] == 12289
        assert accept["t3412_s"] == pytest.approx(324.0)
        assert accept["nitz"]["zone_quarters"] == 36
        assert books.subscribers[IMSI].attached_imei == R1
        assert kinds(journal) == ["attach_request", "auth", "attach", "nitz"]

    tell(story)


@pytest.mark.parametrize(
    ("plmn", "imsi", "cause"), [(DOCOMO, "440109999999999", 8), (KDDI, IMSI, 11)]
)
def test_foreign_cards_are_rejected(plmn: str, imsi: str, cause: int) -> None:
    """An unknown subscriber gets cause 8, one of another network cause 11 (TS 29.272 annex A)."""

    async def story(carriers: Carriers, _books: Books, _journal: Journal) -> None:
        answer = Modem(carriers, R1).attach(plmn, imsi)

        assert answer == {"t": "reject", "bearer": "main", "cause": cause}

    tell(story)


@pytest.mark.parametrize("cause", [3, 6, 7, 8, 11, 12, 13, 14, 15, 17, 22])
def test_every_cause_can_be_ordered(cause: int) -> None:
    """A carrier rejects with whatever cause the lab asks for, before any challenge."""

    async def story(carriers: Carriers, books: Books, _journal: Journal) -> None:
        books.cores[DOCOMO].reject_cause = cause

        assert Modem(carriers, R1).attach()["cause"] == cause

    tell(story)


def test_sqn_is_set_right_by_auts() -> None:
    """A card whose counter is ahead answers AUTS, and the next challenge is taken."""

    async def story(carriers: Carriers, books: Books, journal: Journal) -> None:
        modem = Modem(carriers, R1, sqn_seen=5000)

        assert modem.attach()["t"] == "accept"
        assert books.subscribers[IMSI].sqn == 5001
        outcomes = [event.get("outcome") for event in journal.after(0) if event["kind"] == "auth"]
        assert outcomes == ["failure", "resync", "ok"]

    tell(story)


def test_carrier_that_ignores_auts_is_at_fault() -> None:
    """With the planted fault a card that is ahead is never accepted."""

    async def story(carriers: Carriers, _books: Books, _journal: Journal) -> None:
        answer = Modem(carriers, R1, sqn_seen=5000).attach()

        assert (answer["t"], answer["cause"]) == ("reject", 20)

    tell(story, "carrier_sqn_stuck")


def test_wrong_response_is_an_illegal_ue() -> None:
    """A response that is not the card's ends with cause 3."""

    async def story(carriers: Carriers, _books: Books, _journal: Journal) -> None:
        modem = Modem(carriers, R1)
        modem.say("attach", imsi=IMSI, plmn=DOCOMO)

        assert modem.say("auth_response", res="00" * 8)["cause"] == 3

    tell(story)


def test_newest_attach_cancels_the_older() -> None:
    """One IMSI is in one place: the first router is thrown out with cause 2."""

    async def story(carriers: Carriers, books: Books, journal: Journal) -> None:
        first, second = Modem(carriers, R1), Modem(carriers, R2)
        second.card = first.card
        first.attach()

        assert second.attach()["t"] == "accept"
        assert first.heard[-1] == {"t": "detach", "bearer": "main", "cause": 2}
        assert books.subscribers[IMSI].attached_imei == R2
        assert "cancel_location" in kinds(journal)

    tell(story)


@pytest.mark.slow
def test_silent_card_is_asked_five_times() -> None:
    """T3460 repeats the challenge four times; then the network gives up."""

    async def story(carriers: Carriers, _books: Books, _journal: Journal) -> None:
        modem = Modem(carriers, R1)
        modem.say("attach", imsi=IMSI, plmn=DOCOMO)
        async with asyncio.timeout(30):
            await modem.rejected.wait()

        requests = [message for message in modem.heard if message["t"] == "auth_request"]
        assert len(requests) == 5
        assert len({message["rand"] for message in requests}) == 1
        assert modem.heard[-1]["cause"] == 17

    tell(story, timer_factor=0.01)


def test_outage_is_silence() -> None:
    """A carrier in outage answers nobody, and who was registered hears that it is lost."""

    async def story(carriers: Carriers, books: Books, _journal: Journal) -> None:
        modem = Modem(carriers, R1)
        modem.attach()
        books.cores[DOCOMO].outage = True
        carriers.review_coverage()
        assert modem.heard[-1]["t"] == "lost"
        heard = len(modem.heard)

        modem.say("attach", imsi=IMSI, plmn=DOCOMO)

        assert len(modem.heard) == heard

    tell(story)


def test_coverage_comes_back() -> None:
    """A router that loses its network's signal hears it, and hears when it is back."""

    async def story(carriers: Carriers, books: Books, _journal: Journal) -> None:
        modem = Modem(carriers, R1)
        modem.attach()
        books.places[R1].covered.remove(DOCOMO)
        carriers.review_coverage(R1)
        assert modem.heard[-1]["t"] == "lost"

        books.places[R1].covered.append(DOCOMO)
        carriers.review_coverage(R1)

        assert modem.heard[-1]["t"] == "found"

    tell(story)


def test_scan_gives_the_strongest_first() -> None:
    """Cells come by signal; the place's own carrier is the strongest."""

    async def story(carriers: Carriers, books: Books, _journal: Journal) -> None:
        books.places[R1].mnc = "51"
        cells = Modem(carriers, R1).say("scan")["cells"]

        assert [cell["plmn"] for cell in cells] == [KDDI, "99942", DOCOMO]
        assert [cell["rsrp_dbm"] for cell in cells] == [-85, -88, -91]

    tell(story)


def test_message_out_of_turn_is_ignored() -> None:
    """A PDN request before registration is noted and not answered."""

    async def story(carriers: Carriers, _books: Books, journal: Journal) -> None:
        modem = Modem(carriers, R1)
        modem.heard.append({"t": "nothing"})

        assert modem.say("pdn", apn="d.test", cid=1) == {"t": "nothing"}
        assert journal.after(0)[-1]["detail"] == "pdn while deregistered"

    tell(story)
