"""A core network and an access server on loopback that really enforce what they are told.

Each enforces it with the kernel's shaper on an interface of the test, a few looks after it was
told; what it answers is written by hand from the interfaces' descriptions.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from harness.cloud.service import Service
from harness.core.party import Party
from harness.userplane.throttle import Injection, Mode, RateLimit
from harness.userplane.throttle_bench import BenchThrottle

IMSI = "440101000000001"
IMEI = "860000000000017"


class Answering(Protocol):
    """Who answers requests."""

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Answer one request; None stands for no such thing."""
        ...


@contextmanager
def serving(who: Answering, party: Party) -> Iterator[Service]:
    """Serve on loopback while the with statement lasts."""
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            with one_at_a_time:
                found = who.answer(self.command, self.path, body)
            data = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_PUT = _answer  # noqa: N815 - the names of http.server

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield Service(name="the stand-in", party=party, url=url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class CoreStandIn:
    """One subscriber of a core network."""

    def __init__(self, enforcer: BenchThrottle) -> None:
        self._enforcer = enforcer
        self.line: dict[str, Any] = {
            "downlink_bps": None, "uplink_bps": None, "mode": "shaper",
            "bucket_bytes": None, "queue_bytes": None,
        }  # fmt: skip

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Answer `/core/v1/subscribers/<imsi>`."""
        if path != f"/core/v1/subscribers/{IMSI}":
            return None
        if method == "PATCH":
            self.line |= body
            self._enforcer.remove()
            if self._limit("uplink_bps") or self._limit("downlink_bps"):
                self._enforcer.apply(
                    Injection(
                        uplink=self._limit("uplink_bps"), downlink=self._limit("downlink_bps")
                    )
                )
        state = self._enforcer.state()
        passed = {
            "ul_bytes": state.uplink_passed.passed_bytes if state.uplink_passed else 0,
            "dl_bytes": state.downlink_passed.passed_bytes if state.downlink_passed else 0,
        }
        return {"imsi": IMSI} | self.line | passed

    def _limit(self, key: str) -> RateLimit | None:
        rate_bps = self.line[key]
        if rate_bps is None:
            return None
        return RateLimit(
            rate_bps=rate_bps,
            mode=Mode(self.line["mode"]),
            bucket_bytes=self.line["bucket_bytes"],
            queue_bytes=self.line["queue_bytes"],
        )


class ServerStandIn:
    """One router of an access server; it has a plan with a cap, and a tier of its own."""

    def __init__(self, enforcer: BenchThrottle, *, looks_to_heartbeat: int = 3) -> None:
        self._enforcer = enforcer
        self._now_us = 1_700_000_000_000_000
        self._heard_us = self._now_us
        self._looks = 0
        self.looks_to_heartbeat = looks_to_heartbeat
        self.used_bytes = 1000
        self.tiers: list[dict[str, int]] = [{"after_bytes": 10_000_000, "rate_bps": 1_000_000}]
        self._told = self._rules()

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Answer what the lab side of an access server is asked; its clock goes on."""
        self._now_us += 1000
        if (method, path) == ("GET", "/lab/v1/time"):
            return {"utc_us": self._now_us}
        if (method, path) == ("PUT", f"/lab/v1/routers/{IMEI}/speed_rules"):
            self.tiers = body
            self._looks = 0
            return {}
        if (method, path) == ("GET", "/lab/v1/routers"):
            self._looks += 1
            if self._looks % self.looks_to_heartbeat == 0:
                self._heartbeat()
            return {"routers": [self._router()]}
        return None

    def _rules(self) -> list[dict[str, int]]:
        cap = {"after_bytes": 25_000_000_000, "rate_bps": 128_000}
        return sorted([*self.tiers, cap], key=lambda rule: rule["after_bytes"])

    def _router(self) -> dict[str, Any]:
        return {
            "imei": IMEI,
            "last_heartbeat_utc_us": self._heard_us,
            "used_bytes": self.used_bytes,
            "speed_rules": self._rules(),
            "plan": {"cap_bytes": 25_000_000_000, "limited_bps": 128_000},
        }

    def _heartbeat(self) -> None:
        """The router has dealt with the last answer when it calls, and hears of its rules."""
        obeyed, self._told = self._told, self._rules()
        self._heard_us = self._now_us
        reached = [rule for rule in obeyed if rule["after_bytes"] <= self.used_bytes]
        self._enforcer.remove()
        if reached:
            limit = RateLimit(rate_bps=reached[-1]["rate_bps"])
            self._enforcer.apply(Injection(downlink=limit))
