"""``harness.lab.power_usb`` and ``power_outlet``: what each switch is told and what it must say."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.core.clock import Deadline, FakeClock, SystemClock
from harness.core.errors import BenchError, UsageError
from harness.lab.power_outlet import HttpOutlet, SnmpOutlet, read_state, request_path
from harness.lab.power_usb import AtReset, Authorization, UhubctlPort, hub_and_port, run_command


def soon() -> Deadline:
    """Return a deadline that a loopback answer never misses."""
    return Deadline.after(10.0, SystemClock())


@pytest.mark.parametrize(
    ("name", "hub", "port"), [("1-2.3", "1-2", 3), ("1-3", "1", 3), ("12-1.4.10", "12-1.4", 10)]
)
def test_a_device_knows_its_hub_and_port(name: str, hub: str, port: int) -> None:
    """As uhubctl's manual writes a location."""
    assert hub_and_port(name) == (hub, port)


@pytest.mark.parametrize("name", ["usb1", "1-2:1.0", "", "1-", "ttyUSB0"])
def test_what_is_no_device_has_no_hub(name: str) -> None:
    """Refused with an example."""
    with pytest.raises(BenchError, match=r"like '1-2\.3'"):
        hub_and_port(name)


def test_a_hubs_port_is_switched_where_the_device_was() -> None:
    """After `off` the device has no name any more; `on` goes to the same place."""
    commands: list[Sequence[str]] = []
    names = iter(["3-1.2"])

    def run(command: Sequence[str], limit_s: float) -> str:
        assert limit_s >= 1.0
        commands.append(command)
        return ""

    port = UhubctlPort(lambda: next(names), run=run)
    port.off(Deadline.after(5.0, FakeClock()))
    port.on(Deadline.after(5.0, FakeClock()))

    assert commands == [
        ("uhubctl", "-l", "3-1", "-p", "2", "-a", "off", "-r", "3"),
        ("uhubctl", "-l", "3-1", "-p", "2", "-a", "on", "-r", "3"),
    ]
    assert port.name == "uhubctl hub 3-1 port 2"


def test_a_device_is_locked_out_and_let_in(tmp_path: Path) -> None:
    """Sysfs takes 0 and 1."""
    (tmp_path / "authorized").write_text("1")
    switch = Authorization(tmp_path)
    switch.off(soon())
    locked = (tmp_path / "authorized").read_text()
    switch.on(soon())

    assert (locked, (tmp_path / "authorized").read_text()) == ("0", "1")
    assert not switch.cuts_power


def test_a_device_that_cannot_be_locked_out_is_said_so(tmp_path: Path) -> None:
    """With the remedy."""
    with pytest.raises(BenchError, match="run as root, or give the file to the bench's group"):
        Authorization(tmp_path / "gone").off(soon())


def test_a_router_resets_itself() -> None:
    """The AT command is sent once; there is nothing to switch on."""
    sent: list[float] = []
    switch = AtReset("r1", lambda deadline: sent.append(deadline.left_s))
    switch.off(Deadline.after(5.0, FakeClock()))
    switch.on(Deadline.after(5.0, FakeClock()))

    assert sent == [5.0]


def test_a_missing_program_is_said_with_its_package() -> None:
    """Nobody should have to guess."""
    with pytest.raises(BenchError, match="apt-get install no-such-program-here"):
        run_command(("no-such-program-here", "-x"), 5.0)


def test_a_program_that_fails_is_quoted() -> None:
    """Its exit status and the last line it printed."""
    with pytest.raises(BenchError, match="ended with 3: no such hub"):
        run_command(("sh", "-c", "echo first; echo no such hub >&2; exit 3"), 5.0)


@pytest.mark.parametrize(
    ("dialect", "turn_on", "path"),
    [
        ("shelly1", True, "/relay/0?turn=on"),
        ("shelly1", None, "/relay/0"),
        ("shelly2", False, "/rpc/Switch.Set?id=0&on=false"),
        ("shelly2", None, "/rpc/Switch.GetStatus?id=0"),
        ("tasmota", True, "/cm?cmnd=Power1%20on"),
        ("tasmota", None, "/cm?cmnd=Power1"),
    ],
)
def test_each_dialect_asks_its_own_way(dialect: str, turn_on: bool | None, path: str) -> None:  # noqa: FBT001 - a table
    """The makers' public HTTP documentation."""
    assert request_path(dialect, 0, turn_on=turn_on) == path  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dialect", "body", "is_on"),
    [
        ("shelly1", b'{"ison": true, "has_timer": false}', True),
        ("shelly2", b'{"id": 0, "output": false}', False),
        ("tasmota", b'{"POWER1":"OFF"}', False),
        ("tasmota", b'{"POWER":"ON"}', True),
    ],
)
def test_each_dialect_answers_its_own_way(dialect: str, body: bytes, is_on: bool) -> None:  # noqa: FBT001 - a table
    """A Tasmota plug with one relay leaves the number out."""
    assert read_state(dialect, 0, body) is is_on  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"ison": "yes"}', b'{"ison": 1}'])
def test_an_answer_of_something_else_is_refused(body: bytes) -> None:
    """Never taken for a state."""
    with pytest.raises(BenchError, match="no shelly1 outlet"):
        read_state("shelly1", 0, body)


class _Strip(BaseHTTPRequestHandler):
    """A Gen1 outlet; one whose server has `is_locked` says on for ever."""

    def do_GET(self) -> None:
        """Answer one request."""
        if "turn=" in self.path and not self.server.is_locked:  # type: ignore[attr-defined]
            self.server.is_on = self.path.endswith("on")  # type: ignore[attr-defined]
        is_on = str(self.server.is_on).lower()  # type: ignore[attr-defined]
        body = f'{{"ison": {is_on}}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def strip() -> Iterator[ThreadingHTTPServer]:
    """A power strip on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Strip) as server:
        server.is_on = True  # type: ignore[attr-defined]
        server.is_locked = False  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_outlet_is_switched_and_read_back(strip: ThreadingHTTPServer) -> None:
    """Off is off and on is on."""
    outlet = HttpOutlet(url=f"http://127.0.0.1:{strip.server_port}", outlet=0)
    outlet.off(soon())
    was_off = not strip.is_on  # type: ignore[attr-defined]
    outlet.on(soon())

    assert was_off
    assert strip.is_on  # type: ignore[attr-defined]


def test_an_outlet_that_does_not_switch_is_found_out(strip: ThreadingHTTPServer) -> None:
    """The answer is read back: a locked relay says on."""
    strip.is_locked = True  # type: ignore[attr-defined]
    outlet = HttpOutlet(url=f"http://127.0.0.1:{strip.server_port}", outlet=0)

    with pytest.raises(BenchError, match="was switched off and says it is on; is it locked"):
        outlet.off(soon())


def test_an_outlet_that_is_not_there_is_said_so() -> None:
    """Nobody listens on port 1."""
    with pytest.raises(BenchError, match=r"outlet 0 of http://127\.0\.0\.1:1 does not answer"):
        HttpOutlet(url="http://127.0.0.1:1", outlet=0).off(soon())


def test_an_address_without_a_scheme_is_refused() -> None:
    """With an example of a good one."""
    with pytest.raises(UsageError, match=r"write it like 'http://192\.0\.2\.7'"):
        HttpOutlet(url="192.0.2.7", outlet=0).off(soon())


def test_a_pdu_is_set_and_read_back() -> None:
    """snmpset, then snmpget; the community does not reach a message."""
    commands: list[str] = []

    def run(command: Sequence[str], limit_s: float) -> str:
        assert limit_s >= 1.0
        commands.append(command[0])
        return "iso.3.6.1.4.1.318 = INTEGER: immediateOff(2)"

    pdu = SnmpOutlet(host="192.0.2.9", community="secret", oid="1.3.6.1.4.1.318", run=run)
    pdu.off(soon())

    assert commands == ["snmpset", "snmpget"]
    with pytest.raises(BenchError) as caught:
        pdu.on(soon())
    assert "was set to 1 and says" in str(caught.value)
    assert "secret" not in str(caught.value)
