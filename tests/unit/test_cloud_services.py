"""`harness.cloud`: adapters against a small HTTP stand-in on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.cloud.core_network import CoreNetwork
from harness.cloud.generic import GenericCloud
from harness.cloud.model import ServerEvent
from harness.cloud.power_strip import PowerStrip
from harness.cloud.service import Service, connect_from_host
from harness.core.clock import Deadline, SystemClock
from harness.core.errors import BenchError, CloudError, UsageError
from harness.core.party import Party

SIM = {"iccid": "8981100000000000010", "imsi": "440101000000001", "carrier": "docomo"}


class StandIn:
    """Answers by a table and keeps what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Any, str | None]] = []
        self.url = ""

    def service(self, *, party: Party = Party.ACCESS_SERVER) -> Service:
        """Return the service as the lab knows it."""
        return Service(name="the stand-in", party=party, url=self.url, token="secret")


@contextmanager
def stand_in(answers: dict[str, Any]) -> Iterator[StandIn]:
    """Serve `METHOD path` → JSON, (status, bytes) or None for no content."""
    state = StandIn(answers)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization")
            state.asked.append((self.command, self.path, body, token))
            answer = state.answers.get(f"{self.command} {self.path}", (404, b"no such path"))
            status, data = (
                answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815 - the names of http.server

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def soon() -> Deadline:
    """Return a deadline that a loaded machine keeps."""
    return Deadline.after(10.0, SystemClock())


def test_sims_and_events_are_read_and_unknown_keys_left_alone() -> None:
    """The lab sees state, plan and owner of each SIM."""
    sim = SIM | {"plmn": "44010", "state": "throttled", "plan": {"quota_bytes": 5}, "new": 1}
    event = {"seq": 7, "utc_us": 9, "kind": "held", "imei": "1", "detail": {"a": 1}}
    with stand_in(
        {
            "GET /lab/v1/sims": [sim],
            "GET /lab/v1/events?after=6&imei=1": {"events": [event], "last": 7},
            "GET /lab/v1/time": {"utc_us": 12},
            "GET /lab/v1/routers": {"routers": [{"imei": "1", "iccid": None}]},
        }
    ) as server:
        cloud = GenericCloud(server.service())

        found = cloud.sims(soon())[0]
        assert (found.state, found.plan.quota_bytes, found.plan.throttle_bps) == (
            "throttled",
            5,
            None,
        )
        assert cloud.events(after=6, imei="1", deadline=soon())[0].kind == "held"
        assert cloud.utc_us(soon()) == 12
        router = cloud.router("1", soon())
        assert router is not None
        assert router.iccid is None
        assert cloud.router("2", soon()) is None
        assert server.asked[0][3] == "Bearer secret"


def test_steering_is_one_request_each() -> None:
    """Method, path and body as the lab API has them."""
    with stand_in(
        {
            "PATCH /lab/v1/sims/89": (204, b""),
            "POST /lab/v1/routers/1/reassign": (204, b""),
            "PUT /lab/v1/conditions": {},
            "PATCH /core/v1/subscribers/440": {},
            "PATCH /core/v1/carriers/44010": {},
            "PATCH /core/v1/radio/1": {},
        }
    ) as server:
        cloud, core = GenericCloud(server.service()), CoreNetwork(server.service())
        cloud.set_sim_state("89", "quarantined", "slow", soon())
        cloud.reassign("1", "slow", soon())
        cloud.spoil({"certificate": "foreign"}, soon())
        core.shape("440", {"downlink_bps": 128_000}, soon())
        core.set_carrier("44010", {"reject_cause": 11}, soon())
        core.place("1", {"tac": 2}, soon())

        assert [(method, body) for method, _path, body, _token in server.asked] == [
            ("PATCH", {"state": "quarantined", "reason": "slow"}),
            ("POST", {"reason": "slow"}),
            ("PUT", {"fault": {"certificate": "foreign"}}),
            ("PATCH", {"downlink_bps": 128_000}),
            ("PATCH", {"reject_cause": 11}),
            ("PATCH", {"tac": 2}),
        ]


@pytest.mark.parametrize(
    ("kind", "detail", "age_s"),
    [
        ("location", "{'mcc': '440', 'cell': 27409200, 'age_s': 7200}", 7200.0),
        ("location", {"mcc": "440", "age_s": 1.5}, 1.5),
        ("location", "{'mcc': '440'}", None),
        ("location", None, None),
        ("usage", "{'age_s': 7200}", None),
    ],
)
def test_the_age_of_a_location_is_read_from_its_report(
    kind: str, detail: Any, age_s: float | None
) -> None:
    """In words or by keys; of a location only."""
    event = ServerEvent(seq=1, utc_us=1, kind=kind, detail=detail)

    assert event.location_age_s == age_s


def test_a_core_network_tells_where_a_router_stands() -> None:
    """Country, network and what can be received; anything else is named."""
    with stand_in(
        {
            "GET /core/v1/radio/1": {"mcc": "440", "mnc": "51", "covered": ["44051"], "tac": 1},
            "GET /core/v1/radio/2": {"mcc": "440"},
        }
    ) as server:
        core = CoreNetwork(server.service(party=Party.CARRIER))

        place = core.place_of("1", soon())
        assert (place.mcc, place.mnc, place.covered) == ("440", "51", ("44051",))
        with pytest.raises(CloudError, match=r"described the place of \*2 oddly"):
            core.place_of("2", soon())


def test_a_core_network_tells_of_subscribers_and_rejects() -> None:
    """Counters at layer 3, causes of TS 24.301."""
    reject = {"seq": 1, "utc_us": 2, "kind": "reject", "imei": "1", "cause": 11}
    with stand_in(
        {
            "GET /core/v1/subscribers/440": {"attached_imei": "1", "dl_bytes": 5},
            "GET /core/v1/subscribers/441": {"dl_bytes": "many"},
            "GET /core/v1/events?after=0": {"events": [reject]},
            "GET /core/v1/events?after=1": {"events": [{"seq": 1}]},
        }
    ) as server:
        core = CoreNetwork(server.service(party=Party.CARRIER))

        assert core.subscriber("440", soon()).dl_bytes == 5
        assert core.events(after=0, deadline=soon())[0].cause == 11
        with pytest.raises(CloudError, match="described subscriber") as caught:
            core.subscriber("441", soon())
        assert caught.value.party is Party.CARRIER
        with pytest.raises(CloudError, match="answered its events oddly"):
            core.events(after=1, deadline=soon())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, b"broken"), "the stand-in answered 500 to GET /lab/v1/sims: broken"),
        ((200, b"<html>"), "the stand-in answered GET /lab/v1/sims with no JSON: b'<html>'"),
        ({"sims": 5}, "the stand-in answered GET /sims with"),
        ([{"iccid": "8"}], "the stand-in answered GET /sims oddly: imsi: Field required"),
    ],
)
def test_a_server_that_answers_otherwise_is_named(answer: Any, message: str) -> None:
    """The party of the service must act."""
    with stand_in({"GET /lab/v1/sims": answer}) as server:
        with pytest.raises(CloudError) as caught:
            GenericCloud(server.service()).sims(soon())

        assert message in str(caught.value)
        assert caught.value.party is Party.ACCESS_SERVER


def test_a_time_that_is_none_is_refused() -> None:
    """A number is never invented."""
    with (
        stand_in({"GET /lab/v1/time": {"now": 1}}) as server,
        pytest.raises(CloudError, match="answered GET /time with"),
    ):
        GenericCloud(server.service()).utc_us(soon())


def test_a_server_that_is_down_is_named_with_its_address() -> None:
    """And with what was asked."""
    with stand_in({}) as server:
        gone = server.service()

    with pytest.raises(CloudError) as caught:
        GenericCloud(gone).sims(soon())

    assert f"the stand-in does not answer at {gone.url}: " in str(caught.value)
    assert "asked for GET /lab/v1/sims" in str(caught.value)


def test_a_url_without_a_host_is_the_callers_mistake() -> None:
    """Nothing is tried."""
    service = Service(name="it", party=Party.BENCH, url="nowhere", connect=connect_from_host)

    with pytest.raises(UsageError, match="'nowhere' is not a URL of it; write it like"):
        service.call("GET", "/", deadline=soon())


def test_an_outlet_is_switched_and_read_back() -> None:
    """A strip that does not switch is found out."""
    with stand_in(
        {
            "GET /relay/0": {"ison": True},
            "GET /relay/0?turn=off": {"ison": False},
            "GET /relay/1?turn=off": {"ison": True},
            "GET /relay/2": {"power": 3},
        }
    ) as server:
        strip = PowerStrip(server.service(party=Party.BENCH))

        assert strip.is_on(0, soon())
        strip.switch(0, on=False, deadline=soon())
        with pytest.raises(BenchError, match="outlet 1 of the power strip does not switch off"):
            strip.switch(1, on=False, deadline=soon())
        with pytest.raises(BenchError, match="does not answer like a Shelly power strip"):
            strip.is_on(2, soon())
