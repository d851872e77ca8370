"""``devices.virtual.access_device``: what a router may ask, and how it is answered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from devices.virtual import identity
from devices.virtual.access_device import DeviceSide
from devices.virtual.access_faults import Faults
from devices.virtual.access_service import AccessService
from devices.virtual.access_store import Store
from devices.virtual.aka import challenge
from devices.virtual.defects.switches import Switches
from devices.virtual.lab_file import parse_lab
from devices.virtual.world_clock import WorldClock, offset_for

IMEI, ICCID = "860000000000017", "8981100000000000010"
KEY = identity.device_key(1, IMEI)
DATE = "2026-11-30T23:10"  # in Japan; near the end of a plan's period, and far from any hour's
LAB = parse_lab(
    {
        "routers": {"r1": {"model": "virtual-unisoc", "usb_path": "virtual/1-1", "imei": IMEI}},
        "carriers": {"docomo": {"plmn": "44010", "apn": "d.test"}},
        "sim_bank": {
            "slots": [
                {
                    "slot": 0,
                    "iccid": ICCID,
                    "imsi": "440101000000001",
                    "carrier": "docomo",
                    "source": "contract",
                    "disclosed": True,
                }
            ]
        },
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Device:
    """A router that talks to the device side without a network in between."""

    def __init__(self, service: AccessService, faults: Faults) -> None:
        self._app = DeviceSide(service, faults).app()
        self._nonces = 0
        self.session = ""

    def post(self, path: str, *, key: bytes = KEY, **body: object) -> Answer:
        """Send a signed request with a fresh nonce, unless one is given."""
        self._nonces += 1
        content = json.dumps({"nonce": f"n{self._nonces}", "session": self.session} | body)
        return self._exchange("POST", path, "", content.encode(), content.encode(), key)

    def get(self, path: str, query: str) -> Answer:
        """Send a signed request without a body."""
        return self._exchange("GET", path, query, b"", f"{path}?{query}".encode(), KEY)

    def _exchange(
        self, method: str, path: str, query: str, body: bytes, signed: bytes, key: bytes
    ) -> Answer:
        code = hmac.new(key, signed, hashlib.sha256).hexdigest()
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"authorization", f"Device {IMEI}:{code}".encode())],
        }
        sent: list[Message] = []
        requests: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if not requests:
                await asyncio.Event().wait()  # the device stays connected
            return requests.pop()

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(status=sent[0]["status"], headers=headers, body=content)

    def log_in(self) -> None:
        """Open a session at a docomo cell."""
        self.session = self.post("/v1/login", imei=IMEI, firmware="1").json["session"]
        self.post("/v1/location", mcc="440", mnc="10", tac=1, cell=2, age_s=0)

    def take_sim(self) -> Any:
        """Ask for a SIM and return what was given."""
        return self.post("/v1/sim", reason="boot").json


@pytest.fixture
def faults() -> Faults:
    """Return no faults."""
    return Faults()


@pytest.fixture
def device(tmp_path: Path, faults: Faults) -> Iterator[Device]:
    """Return a router that is logged in."""
    store = Store(tmp_path / "access.sqlite")
    clock = WorldClock(offset_for(DATE, time.time()))
    router = Device(AccessService(LAB, store, clock, Switches()), faults)
    router.log_in()
    yield router
    store.close()


def test_answer_carries_the_nonce_back(device: Device) -> None:
    """An answer that does not carry the request's nonce is a replayed one."""
    assert device.post("/v1/login", imei=IMEI, nonce="abc").json["nonce"] == "abc"


def test_nonce_is_good_once(device: Device) -> None:
    """A request that is played again is refused."""
    device.post("/v1/heartbeat", nonce="abc")

    again = device.post("/v1/heartbeat", nonce="abc")

    assert (again.status, again.json) == (409, {"error": "replay"})


def test_wrong_key_is_refused(device: Device) -> None:
    """A request signed with another key is not answered."""
    answer = device.post("/v1/heartbeat", key=bytes(32))

    assert (answer.status, answer.json) == (401, {"error": "credentials"})


def test_old_session_is_refused(device: Device) -> None:
    """After a new login the older session is over."""
    old = device.session
    device.log_in()

    assert device.post("/v1/heartbeat", session=old).json["error"] == "session"


def test_profile_comes_in_chunks_that_add_up(device: Device) -> None:
    """Each chunk has its digest, all of them are the announced profile."""
    given = device.take_sim()
    path, chunks = f"/v1/profile/{given['assignment']}", []
    for offset in range(0, given["profile_bytes"], 4096):
        chunk = device.get(path, f"offset={offset}&length=4096&nonce=c{offset}")
        assert chunk.headers["x-total"] == str(given["profile_bytes"])
        assert chunk.headers["x-chunk-sha256"] == hashlib.sha256(chunk.body).hexdigest()
        chunks.append(chunk.body)

    assert hashlib.sha256(b"".join(chunks)).hexdigest() == given["sha256"]


def test_broken_download_is_resumed_after_a_new_login(device: Device) -> None:
    """The same gift keeps its name and its bytes over sessions."""
    first = device.take_sim()
    device.log_in()
    second = device.take_sim()

    assert second["assignment"] == first["assignment"]
    assert second["sha256"] == first["sha256"]


def test_card_in_the_bank_answers(device: Device) -> None:
    """The relayed challenge gets RES, CK and IK; a second time it gets AUTS."""
    assignment = device.take_sim()["assignment"]
    vector = challenge(identity.keys_of(1, ICCID), bytes(range(16)), 33)
    request = {"assignment": assignment, "rand": vector.rand.hex(), "autn": vector.autn.hex()}

    answer = device.post("/v1/auth", **request).json

    assert answer["res"] == vector.xres.hex()
    assert (len(answer["ck"]), len(answer["ik"])) == (32, 32)
    assert len(device.post("/v1/auth", **request).json["auts"]) == 28


def test_foreign_challenge_is_a_mac_failure(device: Device) -> None:
    """A challenge that is not of the card's carrier is answered as such."""
    assignment = device.take_sim()["assignment"]

    answer = device.post("/v1/auth", assignment=assignment, rand="00" * 16, autn="00" * 16)

    assert answer.json["mac_failure"] is True


def test_no_answer_holds_a_key(device: Device) -> None:
    """K and OPc of the card are in no answer of the device side."""
    keys = identity.keys_of(1, ICCID)
    given = device.take_sim()
    profile = device.get(f"/v1/profile/{given['assignment']}", "offset=0&nonce=x").body

    for secret in (keys.k, keys.opc, KEY):
        assert secret.hex().encode() not in profile
        assert secret not in profile


def test_usage_is_an_hours_total(device: Device) -> None:
    """A later report of one hour replaces a smaller one; what is to come does not count yet."""
    device.take_sim()
    hour = "2026-11-30T14"  # 23:00 in Japan: the period's last hour
    reports = [(hour, 100), (hour, 250), (hour, 200), ("2099-01-01T02", 1_000_000)]
    for hour_utc, dl_bytes in reports:
        answer = device.post(
            "/v1/usage", iccid=ICCID, hour_utc=hour_utc, dl_bytes=dl_bytes, ul_bytes=7
        )
        assert answer.status == 200

    assert device.post("/v1/heartbeat").json["used_bytes"] == 257


def test_lives_of_a_counter_add_up(device: Device) -> None:
    """A factory reset begins at zero within the hour; nothing that was counted before is lost."""
    device.take_sim()
    for life, dl_bytes in [("a", 1000), ("b", 20), ("b", 300), ("a", 900)]:
        device.post(
            "/v1/usage",
            iccid=ICCID,
            hour_utc="2026-11-30T14",
            dl_bytes=dl_bytes,
            ul_bytes=0,
            life=life,
        )

    assert device.post("/v1/heartbeat").json["used_bytes"] == 1300


def test_malformed_report_is_refused(device: Device) -> None:
    """An hour that is none is an error of the device."""
    answer = device.post("/v1/usage", iccid=ICCID, hour_utc="yesterday", dl_bytes=1, ul_bytes=1)

    assert (answer.status, answer.json) == (400, {"error": "usage"})


def test_ordered_error_comes_as_often_as_ordered(device: Device, faults: Faults) -> None:
    """A fault of three times is over with the fourth request, and is of its path only."""
    faults.order({"path": "/v1/heartbeat", "status": 503, "times": 3})

    assert device.post("/v1/location").status == 200
    assert [device.post("/v1/heartbeat").status for _ in range(4)] == [503, 503, 503, 200]


def test_spoilt_chunk_is_told_by_its_digest(device: Device, faults: Faults) -> None:
    """A corrupted chunk differs from its digest; the next one is good again."""
    path = f"/v1/profile/{device.take_sim()['assignment']}"
    faults.order({"path": "/v1/profile", "corrupt": True, "times": 1})

    first = device.get(path, "offset=0&length=100&nonce=1")
    second = device.get(path, "offset=0&length=100&nonce=2")

    assert hashlib.sha256(first.body).hexdigest() != first.headers["x-chunk-sha256"]
    assert hashlib.sha256(second.body).hexdigest() == second.headers["x-chunk-sha256"]


def test_replayed_answer_has_an_old_nonce(device: Device, faults: Faults) -> None:
    """A replay plays the first good answer again, word for word."""
    first = device.post("/v1/sim", reason="boot", nonce="first")
    faults.order({"path": "/v1/sim", "replay": True, "times": 1})

    again = device.post("/v1/sim", reason="boot", nonce="second")

    assert again.json["nonce"] == "first"
    assert again.body == first.body


def test_answer_that_breaks_off_is_an_error_of_the_connection(
    device: Device, faults: Faults
) -> None:
    """A reset promises more bytes than it sends."""
    faults.order({"path": "/v1/sim", "reset": True, "times": 1})

    with pytest.raises(ConnectionAbortedError, match="wants this connection to break"):
        device.post("/v1/sim", reason="boot")


def test_fault_of_another_router_is_not_felt(device: Device, faults: Faults) -> None:
    """An order with an IMEI is for that router only."""
    faults.order({"path": "/v1/heartbeat", "imei": "860000000000025", "status": 503})

    assert device.post("/v1/heartbeat").status == 200

    faults.order({"path": ["/v1/usage", "/v1/heartbeat"], "imei": IMEI, "status": 503})

    assert device.post("/v1/heartbeat").status == 503


def test_faults_of_two_routers_do_not_know_each_other(device: Device, faults: Faults) -> None:
    """One router's order neither replaces nor ends another's."""
    faults.order({"path": "/v1/heartbeat", "imei": IMEI, "status": 503})
    faults.order({"path": "/v1/heartbeat", "imei": "860000000000025", "status": 500})
    faults.order({"imei": "860000000000025"})

    assert device.post("/v1/heartbeat").status == 503

    faults.order({"imei": IMEI})

    assert device.post("/v1/heartbeat").status == 200


def test_fault_spares_the_first_requests(device: Device, faults: Faults) -> None:
    """With ``after`` a fault strikes in the middle of what was going well."""
    faults.order({"path": "/v1/heartbeat", "status": 503, "after": 2, "times": 1})

    assert [device.post("/v1/heartbeat").status for _ in range(4)] == [200, 200, 503, 200]


def test_spoilt_chunk_still_reads_as_a_profile(device: Device, faults: Faults) -> None:
    """One digit is another digit: only a digest or a signature can tell."""
    path = f"/v1/profile/{device.take_sim()['assignment']}"
    whole = device.get(path, "offset=0&nonce=1").body
    faults.order({"path": "/v1/profile", "imei": IMEI, "corrupt": True})

    spoilt = device.get(path, "offset=0&nonce=2").body

    assert sum(a != b for a, b in zip(whole, spoilt, strict=True)) == 1
    assert json.loads(spoilt) != json.loads(whole)


def test_held_profile_is_compared_with_the_offer(tmp_path: Path, faults: Faults) -> None:
    """The log says whether a router holds what it was offered."""
    store = Store(tmp_path / "access.sqlite")
    device = Device(AccessService(LAB, store, WorldClock(), Switches()), faults)
    device.log_in()
    offer = device.take_sim()
    for digest in (offer["sha256"], "00"):
        device.post("/v1/held", assignment=offer["assignment"], sha256=digest)
    device.post("/v1/refused", assignment=offer["assignment"], why="signature")

    told = [(e["kind"], e["detail"]) for e in store.events(0, None)][-3:]
    store.close()

    assert told == [
        ("held", "sha256 as offered"),
        ("held", "sha256 not as offered"),
        ("profile_refused", "signature"),
    ]
