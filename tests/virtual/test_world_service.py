"""``devices.virtual.access_service``: SIMs given and taken, plans, suspension, what is kept."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from devices.virtual.access_service import AccessService
from devices.virtual.access_store import RouterState, Store
from devices.virtual.defects.switches import Switches
from devices.virtual.errors import Refused
from devices.virtual.lab_file import LabFile, parse_lab
from devices.virtual.world_clock import WorldClock

R1, R2 = "860000000000017", "860000000000025"
D1, D2, K1 = "8981100000000000010", "8981100000000000028", "8981300000000000018"
HERE = {"mcc": "440", "mnc": "10", "tac": 12289, "cell": 1, "age_s": 0}


class StillClock(WorldClock):
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = dt.datetime(2020, 2, 20, 3, 0, tzinfo=dt.UTC)

    def now(self) -> dt.datetime:
        """Return the moment."""
        return self.moment

    def utc_us(self) -> int:
        """Return the moment."""
        return round(self.moment.timestamp() * 1_000_000)


def slot(number: int, iccid: str, imsi: str, carrier: str, **more: object) -> dict[str, Any]:
    """Return a slot of the bank with disclosed terms."""
    base = {"slot": number, "iccid": iccid, "imsi": imsi, "carrier": carrier, "quota": "50 GB"}
    return base | {"source": "contract", "disclosed": True} | more


def lab(**virtual: object) -> LabFile:
    """Return a bench with two routers and three SIMs."""
    routers = {
        name: {"model": "virtual-unisoc", "usb_path": f"virtual/{name}", "imei": imei}
        for name, imei in (("r1", R1), ("r2", R2))
    }
    return parse_lab(
        {
            "routers": routers,
            "carriers": {
                "docomo": {"plmn": "44010", "apn": "d.test"},
                "kddi": {"plmn": "44051", "apn": "k.test"},
            },
            "sim_bank": {
                "slots": [
                    slot(0, D1, "440101000000001", "docomo"),
                    slot(1, D2, "440101000000002", "docomo", quota="40 GB"),
                    slot(2, K1, "440511000000001", "kddi"),
                ]
            },
            "virtual": virtual,
        }
    )


@pytest.fixture
def clock() -> StillClock:
    """Return noon in Japan, 20 February 2020."""
    return StillClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    kept = Store(tmp_path / "access.sqlite")
    yield kept
    kept.close()


@pytest.fixture
def service(store: Store, clock: StillClock) -> AccessService:
    """Return a service without faults."""
    return AccessService(lab(), store, clock, Switches())


def online(service: AccessService, imei: str = R1) -> RouterState:
    """Return a router that logged in and told where it is."""
    session = service.login(imei, "1.0")["session"]
    router = service.router_of(imei, session)
    service.locate(router, HERE)
    return router


def give(service: AccessService, router: RouterState, **request: object) -> Mapping[str, Any]:
    """Return what a router is given."""
    return service.give(router, {"reason": "boot", **request})


def test_router_gets_the_places_fullest_sim(service: AccessService) -> None:
    """At a docomo cell the docomo SIM with most left is given."""
    given = give(service, online(service))

    assert (given["iccid"], given["plmn"], given["why"]) == (D1, "44010", "place")


def test_two_routers_never_share_a_sim(service: AccessService) -> None:
    """The second router gets the other docomo SIM."""
    give(service, online(service, R1))

    assert give(service, online(service, R2))["iccid"] == D2


def test_same_assignment_after_a_reboot(service: AccessService) -> None:
    """A router that boots again keeps assignment and SIM: nothing is downloaded twice."""
    first = give(service, online(service))

    again = give(service, online(service), previous_iccid=D1)

    assert again["assignment"] == first["assignment"]


def test_new_login_ends_the_older_session(service: AccessService) -> None:
    """A session stolen or left over is refused."""
    old = service.login(R1, "1.0")["session"]
    service.login(R1, "1.0")

    with pytest.raises(Refused, match="409 session"):
        service.router_of(R1, old)


def test_slow_sim_is_suspected_until_it_was_measured(service: AccessService) -> None:
    """What a router found slow is given to nobody until somebody says it is healthy."""
    router = online(service)
    give(service, router)

    second = give(service, router, reason="slow", previous_iccid=D1, measured_bps=130_000)

    assert second["iccid"] == D2
    assert service.bank.sim(D1).state == "suspected"
    assert service.bank.sim(D1).slow_bps == 130_000
    third = give(service, router, reason="slow", previous_iccid=D2)
    assert third["iccid"] == K1
    service.mark_sim(D1, "healthy", "measured 38 Mbit/s", None)
    assert give(service, router, reason="slow", previous_iccid=K1)["iccid"] == D1


def test_dry_pool_is_told_and_takes_the_sim_back(service: AccessService) -> None:
    """Without a healthy SIM the router is told when to ask again, and holds none."""
    router = online(service)
    give(service, router)
    for iccid in (D1, D2, K1):
        service.mark_sim(iccid, "quarantined", "test", None)

    with pytest.raises(Refused, match="409 no_sim") as refusal:
        give(service, router, reason="slow", previous_iccid=D1)

    assert refusal.value.facts == {"retry_after_s": 3.0, "why": "no_healthy_sim"}
    assert service.store.router(R1).iccid is None


def test_rejection_by_the_network_does_not_blame_the_card(service: AccessService) -> None:
    """Cause 17 is the network's trouble; cause 8 speaks of the card."""
    router = online(service)
    give(service, router)

    assert give(service, router, reason="reject", previous_iccid=D1, cause=17)["iccid"] == K1
    assert service.bank.sim(D1).state == "healthy"
    give(service, router, reason="reject", previous_iccid=K1, cause=8)
    assert service.bank.sim(K1).state == "suspected"


def test_used_quota_is_noticed_at_the_heartbeat(service: AccessService) -> None:
    """A SIM at its quota is throttled, and its router is told to change."""
    router = online(service)
    give(service, router)
    report = {"iccid": D1, "hour_utc": "2020-02-20T02", "ul_bytes": 10**9}
    service.take_usage(router, dl_bytes=45 * 10**9, **report)  # type: ignore[arg-type]
    assert service.bank.state_of(D1) == "near_cap"
    assert service.heartbeat(router, -85)["reassign"] is None
    service.take_usage(router, dl_bytes=49 * 10**9, **report)  # type: ignore[arg-type]

    assert service.heartbeat(router, -85)["reassign"] == "cap"
    assert service.bank.state_of(D1) == "throttled"


def test_month_reset_alone_heals_nothing(service: AccessService, clock: StillClock) -> None:
    """A SIM that was used up is suspected in the new month until it was measured."""
    router = online(service)
    service.take_usage(router, iccid=D1, hour_utc="2020-02-20T02", dl_bytes=50 * 10**9, ul_bytes=0)
    service.bank.settle_quota(D1)
    clock.moment = dt.datetime(2020, 2, 29, 15, 0, tzinfo=dt.UTC)

    assert service.bank.used_bytes(D1) == 0
    assert service.bank.state_of(D1) == "suspected"


def test_quota_factor_compresses_plans(store: Store, clock: StillClock) -> None:
    """With a factor of 0.001 a plan of 25 GB ends at 25 MB, both directions counted."""
    service = AccessService(lab(quota_factor=0.001), store, clock, Switches())
    router = online(service)
    router.plan = {"cap_bytes": 25 * 10**9, "limited_bps": 384_000}

    assert service.speed_rules(router) == [{"after_bytes": 25_000_000, "rate_bps": 384_000}]
    service.take_usage(
        router, iccid=D1, hour_utc="2020-02-20T02", dl_bytes=20 * 10**6, ul_bytes=5 * 10**6
    )
    assert service.heartbeat(router, -85)["used_bytes"] == 25_000_000


@pytest.mark.parametrize(
    ("utc", "suspended"), [("2020-02-20T23:59:59", False), ("2020-02-21T00:00:00", True)]
)
def test_suspension_begins_at_nine_in_japan(
    service: AccessService, clock: StillClock, utc: str, *, suspended: bool
) -> None:
    """Asked for on the 20th at noon, the line rests from 09:00 JST (00:00 UTC) of the 21st."""
    router = online(service)
    router.suspension_requested_utc_us = clock.utc_us()
    clock.moment = dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)

    assert service.heartbeat(router, -85)["release"] is suspended


def test_suspended_line_gets_no_sim(service: AccessService, clock: StillClock) -> None:
    """While the line rests there is no SIM for it."""
    router = online(service)
    router.suspension_requested_utc_us = clock.utc_us()
    clock.moment += dt.timedelta(days=1)

    with pytest.raises(Refused, match="403 suspended"):
        give(service, router)


def test_everything_is_there_after_a_restart(tmp_path: Path, clock: StillClock) -> None:
    """A server that was killed and started again knows sessions, SIMs, usage, rules and events."""
    path = tmp_path / "kept.sqlite"
    first = AccessService(lab(), Store(path), clock, Switches())
    router = online(first)
    given = give(first, router)
    router.speed_rules = [{"after_bytes": 20_000_000, "rate_bps": 512_000}]
    first.store.save_router(router)
    first.take_usage(router, iccid=D1, hour_utc="2020-02-20T02", dl_bytes=7, ul_bytes=3)
    first.mark_sim(D2, "quarantined", "slow", 128_000)
    assert first.store.use_nonce("a")
    events = first.store.events(0, None)

    second = AccessService(lab(), Store(path), clock, Switches())

    kept = second.router_of(R1, str(router.session))
    assert (kept.iccid, kept.assignment) == (D1, given["assignment"])
    assert second.speed_rules(kept) == [{"after_bytes": 20_000_000, "rate_bps": 512_000}]
    assert second.bank.used_bytes(D1) == 10
    assert second.bank.state_of(D2) == "quarantined"
    assert not second.store.use_nonce("a")
    assert second.store.events(0, None) == events
    first.store.close()
    second.store.close()


def test_undisclosed_terms_make_a_sim_unknown(store: Store, clock: StillClock) -> None:
    """A SIM whose contract nobody disclosed is never healthy."""
    bench = lab()
    secret = parse_lab(
        {
            "routers": {},
            "carriers": {"docomo": {"plmn": "44010", "apn": "d.test"}},
            "sim_bank": {"slots": [slot(0, D1, "440101000000001", "docomo", disclosed=False)]},
        }
    )
    assert AccessService(bench, store, clock, Switches()).bank.state_of(D1) == "healthy"

    assert AccessService(secret, store, clock, Switches()).bank.state_of(D1) == "unknown"


def test_terms_withdrawn_make_a_sim_unknown_until_they_are_back(service: AccessService) -> None:
    """What is unknown is not healthy; what was quarantined before stays so."""
    service.bank.mark(K1, "quarantined", "test", None)
    for iccid in (D1, K1):
        service.bank.disclose(iccid, disclosed=False)

    assert [service.bank.state_of(iccid) for iccid in (D1, K1)] == ["unknown", "quarantined"]
    assert not service.bank.is_disclosed(D1)

    for iccid in (D1, K1):
        service.bank.disclose(iccid, disclosed=True)

    assert [service.bank.state_of(iccid) for iccid in (D1, K1)] == ["healthy", "quarantined"]


def test_profile_carries_the_cards_files(service: AccessService) -> None:
    """EF_ICCID and EF_IMSI are coded as TS 102 221 and TS 31.102 say."""
    given = give(service, online(service))

    profile = json.loads(service.profile(R1, given["assignment"]))

    assert profile["files"]["EF_ICCID"] == "981801000000000010f0"
    assert profile["files"]["EF_IMSI"] == "084904010100000010"
    assert profile["files"]["EF_AD"] == "00000002"
    assert profile["files"]["EF_FPLMN"] == "ffffffffffffffffffffffff"
    assert profile["files"]["EF_OPLMNwACT"][:10] == "44f0014080"
    assert (profile["imei"], profile["apn"]) == (R1, "d.test")


def test_profile_of_another_routers_assignment_is_refused(service: AccessService) -> None:
    """An assignment is good for the router that it was made for."""
    given = give(service, online(service))

    with pytest.raises(Refused, match="404 assignment"):
        service.profile(R2, given["assignment"])


@pytest.mark.parametrize(
    ("defect", "request_", "iccid"),
    [
        ("server_wrong_carrier", {}, K1),
        ("server_same_sim_again", {"reason": "slow", "previous_iccid": D1}, D1),
    ],
)
def test_planted_choice_is_wrong(
    store: Store, clock: StillClock, defect: str, request_: dict[str, Any], iccid: str
) -> None:
    """A planted fault of the choice gives the wrong SIM, to the router it is planted for."""
    service = AccessService(lab(), store, clock, Switches([f"{defect}@r1"]))

    assert give(service, online(service), **request_)["iccid"] == iccid


@pytest.mark.parametrize(
    ("defect", "cap_bytes"), [("server_cap_at_24", 24 * 10**9), ("server_cap_at_26", 26 * 10**9)]
)
def test_planted_cap_is_a_gigabyte_off(
    store: Store, clock: StillClock, defect: str, cap_bytes: int
) -> None:
    """A planted fault of the plan moves the cap of 25 GB."""
    service = AccessService(lab(), store, clock, Switches([defect]))
    router = online(service)
    router.plan = {"cap_bytes": 25 * 10**9}

    assert service.plan_terms(router).quota_bytes == cap_bytes
