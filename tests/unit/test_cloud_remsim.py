"""The osmo-remsim adapter against a stand-in that keeps slot maps as its manual tells.

The stand-in is ours; the real osmo-remsim-server was never asked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.cloud.adapter import STEER, CloudAdapter
from harness.cloud.remsim import Card, Client, RemsimCloud
from harness.cloud.service import Service
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import CloudError, UsageError
from harness.core.party import Party

IMEI = "860000000000017"
OTHER = "860000000000025"


def card(bank_id: int, slot: int) -> Card:
    """Return the card of a slot."""
    return Card(
        bank_id=bank_id,
        slot=slot,
        iccid=f"89811000000000000{bank_id}{slot}",
        imsi=f"44010100000000{slot}",
        carrier="docomo",
        plmn="44010",
    )


class Remsim:
    """What an osmo-remsim-server answers."""

    def __init__(self) -> None:
        self.clients = ["C23:0", "C24:0"]
        self.banks = {1: 3}
        self.maps: list[dict[str, Any]] = []
        self.refuse = False
        self.asked: list[str] = []

    def map(self, slot: int, client_id: int, state: str = "ACTIVE") -> None:
        """Provision a map."""
        self.maps.append(
            {
                "bank": {"bankId": 1, "slotNr": slot},
                "client": {"clientId": client_id, "slotNr": 0},
                "state": state,
            }
        )

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Answer one request."""
        self.asked.append(f"{method} {path}")
        what = path.removeprefix("/api/backend/v1/")
        named = {"software": "remsim", "swVersion": "1.0"}
        match method, what.split("/"):
            case "GET", ["clients"]:
                return 200, {
                    "clients": [
                        {"peer": peer, "state": "CONNECTED_CLIENT", "component_id": named}
                        for peer in self.clients
                    ]
                }
            case "GET", ["banks"]:
                return 200, {
                    "banks": [
                        {"peer": f"B{number}", "bankId": number, "numberOfSlots": slots}
                        | {"state": "CONNECTED_BANKD", "component_id": named}
                        for number, slots in self.banks.items()
                    ]
                }
            case "GET", ["slotmaps"]:
                return 200, {"slotmaps": self.maps}
            case "POST", ["slotmaps"] if not self.refuse:
                self.maps.append(body | {"state": "NEW"})
                return 201, None
            case "DELETE", ["slotmaps", number]:
                bank, slot = divmod(int(number), 65536)
                left = [m for m in self.maps if m["bank"] != {"bankId": bank, "slotNr": slot}]
                status = 200 if len(left) < len(self.maps) else 404
                self.maps = left
                return status, None
        return 400, None


@pytest.fixture
def remsim() -> Remsim:
    """What the server knows."""
    return Remsim()


@pytest.fixture
def cloud(remsim: Remsim) -> Iterator[RemsimCloud]:
    """The adapter; three cards in bank 1, one in a bank that is not connected."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            status, value = remsim.answer(self.command, self.path, body)
            data = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names of http.server

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    yield RemsimCloud(
        Service(name="the remsim server", party=Party.ACCESS_SERVER, url=url),
        cards=[card(2, 0), card(1, 2), card(1, 0), card(1, 1)],
        clients={IMEI: Client(client_id=23), OTHER: Client(client_id=24)},
    )
    server.shutdown()
    server.server_close()
    thread.join()


def soon() -> Deadline:
    """Return a deadline that a loopback server keeps."""
    return Deadline.after(10, SystemClock())


def test_it_is_an_adapter_that_can_steer_and_nothing_else(cloud: CloudAdapter) -> None:
    """A case that needs a log, marks, rules or faults is not applicable there."""
    assert cloud.capabilities == {STEER}


def test_a_router_has_the_card_of_its_clients_map(remsim: Remsim, cloud: RemsimCloud) -> None:
    """A map that is being taken away gives no card any more."""
    remsim.map(0, 23, "DELETING")
    remsim.map(1, 23)

    state = cloud.router(IMEI, soon())

    assert state is not None
    assert state.iccid == card(1, 1).iccid
    assert state.state == "CONNECTED_CLIENT"


def test_a_client_that_is_not_connected_is_unknown(remsim: Remsim, cloud: RemsimCloud) -> None:
    """None, as the Protocol says; without a card the state has none."""
    remsim.clients.remove("C23:0")

    assert cloud.router(IMEI, soon()) is None
    other = cloud.router(OTHER, soon())
    assert other is not None
    assert other.iccid is None


def test_cards_are_unknown_or_absent_and_name_their_router(
    remsim: Remsim, cloud: RemsimCloud
) -> None:
    """The server knows no contract; a card without its bank is not there."""
    remsim.map(2, 24)

    sims = {sim.iccid: (sim.state, sim.assigned_imei) for sim in cloud.sims(soon())}

    assert sims == {
        card(1, 0).iccid: ("unknown", None),
        card(1, 1).iccid: ("unknown", None),
        card(1, 2).iccid: ("unknown", OTHER),
        card(2, 0).iccid: ("absent", None),
    }


def test_the_next_free_card_takes_the_place_of_the_old_one(
    remsim: Remsim, cloud: RemsimCloud
) -> None:
    """Slot 1 is another's: 0 is followed by 2. The map's number is bank * 65536 + slot."""
    remsim.map(0, 23)
    remsim.map(1, 24)

    cloud.reassign(IMEI, "slow", soon())

    assert remsim.asked[-2:] == [
        "DELETE /api/backend/v1/slotmaps/65536",
        "POST /api/backend/v1/slotmaps",
    ]
    assert [(m["client"]["clientId"], m["bank"]["slotNr"]) for m in remsim.maps] == [
        (24, 1),
        (23, 2),
    ]


def test_without_a_free_card_the_sim_bank_must_act_and_nothing_changes(
    remsim: Remsim, cloud: RemsimCloud
) -> None:
    """The old map stays."""
    remsim.banks = {1: 2}
    remsim.map(0, 23)
    remsim.map(1, 24)

    with pytest.raises(CloudError, match="no free card for C23:0: 2 of 4") as caught:
        cloud.reassign(IMEI, "slow", soon())

    assert caught.value.party == Party.SIM_BANK
    assert len(remsim.maps) == 2


def test_a_refused_map_is_the_servers(remsim: Remsim, cloud: RemsimCloud) -> None:
    """400 is its answer to a map that it cannot add."""
    remsim.refuse = True

    with pytest.raises(CloudError, match="answered 400 to POST") as caught:
        cloud.reassign(IMEI, "slow", soon())

    assert caught.value.party == Party.ACCESS_SERVER


def test_a_router_without_a_client_is_the_bench_files(cloud: RemsimCloud) -> None:
    """The message says where to add it."""
    with pytest.raises(UsageError, match=r"\[access_server.clients\]"):
        cloud.router("860000000000033", soon())


@pytest.mark.parametrize("what", ["utc_us", "events", "set_sim_state", "set_speed_rules", "spoil"])
def test_what_it_never_does_is_refused_by_its_capability(cloud: RemsimCloud, what: str) -> None:
    """A case that comes here forgot to name what it needs."""
    calls: dict[str, Callable[[], object]] = {
        "utc_us": lambda: cloud.utc_us(soon()),
        "events": lambda: cloud.events(after=0, deadline=soon()),
        "set_sim_state": lambda: cloud.set_sim_state("1", "throttled", "slow", soon()),
        "set_speed_rules": lambda: cloud.set_speed_rules(IMEI, [], soon()),
        "spoil": lambda: cloud.spoil({}, soon()),
    }

    with pytest.raises(UsageError, match=r"has no cloud\.(log|mark|rules|faults)"):
        calls[what]()


def test_an_odd_answer_is_the_servers(remsim: Remsim, cloud: RemsimCloud) -> None:
    """A map without a slot number."""
    remsim.maps.append({"bank": {"bankId": 1}, "client": {"clientId": 23, "slotNr": 0}})

    with pytest.raises(CloudError, match=r"slotmaps: bank\.slotNr"):
        cloud.router(IMEI, soon())
