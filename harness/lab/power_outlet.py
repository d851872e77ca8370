"""Outlets that are switched over the network: Shelly and Tasmota by HTTP, PDUs by SNMP.

Shelly Gen1 `/relay/N?turn=off` answers `{"ison": false}`; Shelly Gen2 `/rpc/Switch.Set` and
`/rpc/Switch.GetStatus` (`output`); Tasmota `/cm?cmnd=PowerN%20off` answers `{"POWERN": "OFF"}`.
"""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from harness.core.clock import Deadline
from harness.core.errors import BenchError, UsageError
from harness.lab.power_usb import Runner, run_command

Dialect = Literal["shelly1", "shelly2", "tasmota"]

_LEAST_S: Final = 1.0
_ANSWER_BYTES: Final = 65536
_SNMP_INTEGER: Final = re.compile(r"INTEGER: (?:\w+\()?(?P<value>\d+)\)?", re.ASCII)


def request_path(dialect: Dialect, outlet: int, *, turn_on: bool | None) -> str:
    """Return what is asked: a change, or the state when `turn_on` is None."""
    word = {None: "", True: "on", False: "off"}[turn_on]
    if dialect == "shelly1":
        return f"/relay/{outlet}" + (f"?turn={word}" if word else "")
    if dialect == "shelly2":
        if not word:
            return f"/rpc/Switch.GetStatus?id={outlet}"
        return f"/rpc/Switch.Set?id={outlet}&on={'true' if turn_on else 'false'}"
    return f"/cm?cmnd=Power{outlet + 1}" + (f"%20{word}" if word else "")


def read_state(dialect: Dialect, outlet: int, body: bytes) -> bool:
    """Read whether the outlet is on.

    Raises:
        BenchError: The answer is not that of such an outlet.
    """
    key = {"shelly1": "ison", "shelly2": "output", "tasmota": f"POWER{outlet + 1}"}[dialect]
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        # A Tasmota plug with one relay says POWER, without a number.
        value = answer.get(key, answer.get("POWER") if outlet == 0 else None)
        if isinstance(value, bool) and dialect != "tasmota":
            return value
        if value in {"ON", "OFF"} and dialect == "tasmota":
            return bool(value == "ON")
    msg = f"no {dialect} outlet: expected {key!r} in {body[:200]!r}; correct the kind in lab.toml"
    raise BenchError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOutlet:
    """An outlet on the lab's network; its answer is read back after each change.

    Attributes:
        url: Where it answers, `http://192.0.2.7`.
        outlet: Number of the relay, from 0.
        dialect: Whose HTTP it speaks.
    """

    url: str
    outlet: int
    dialect: Dialect = "shelly1"

    @property
    def name(self) -> str:
        """Address and relay."""
        return f"outlet {self.outlet} of {self.url}"

    @property
    def cuts_power(self) -> bool:
        """True."""
        return True

    def off(self, deadline: Deadline) -> None:
        """Switch off and read it back.

        Raises:
            BenchError: It does not answer, or says that it is still on.
        """
        self._turn(deadline, turn_on=False)

    def on(self, deadline: Deadline) -> None:
        """Switch on and read it back.

        Raises:
            BenchError: It does not answer, or says that it is still off.
        """
        self._turn(deadline, turn_on=True)

    def is_on(self, deadline: Deadline) -> bool:
        """Return what it says of itself.

        Raises:
            BenchError: It does not answer, or not as such an outlet.
        """
        body = self._get(request_path(self.dialect, self.outlet, turn_on=None), deadline)
        return read_state(self.dialect, self.outlet, body)

    def _turn(self, deadline: Deadline, *, turn_on: bool) -> None:
        self._get(request_path(self.dialect, self.outlet, turn_on=turn_on), deadline)
        if self.is_on(deadline) is not turn_on:
            asked, says = ("on", "off") if turn_on else ("off", "on")
            msg = f"{self.name} was switched {asked} and says it is {says}; is it locked?"
            raise BenchError(msg)

    def _get(self, path: str, deadline: Deadline) -> bytes:
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not parts.hostname:
            msg = f"{self.url!r} is not the address of an outlet; write it like 'http://192.0.2.7'"
            raise UsageError(msg)
        limit_s = max(_LEAST_S, deadline.left_s)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=limit_s)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read(_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as exc:
            msg = f"{self.name} does not answer within {limit_s:.1f} s: {exc}"
            raise BenchError(msg) from exc
        finally:
            connection.close()
        if answer.status != http.client.OK:
            msg = f"{self.name} answers {answer.status} to {path}: {body[:200]!r}"
            raise BenchError(msg)
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class SnmpOutlet:
    """An outlet of a PDU, by `snmpset` and `snmpget` (Debian package snmp), SNMP version 2c.

    Attributes:
        host: Address of the PDU.
        community: Community with write access.
        oid: Object of the outlet's control, `1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.7` (APC outlet 7).
        on_value: What it is set to for on.
        off_value: What it is set to for off.
        run: Runs a command.
    """

    host: str
    community: str
    oid: str
    on_value: int = 1
    off_value: int = 2
    run: Runner = run_command

    @property
    def name(self) -> str:
        """PDU and object; not the community."""
        return f"{self.oid} of PDU {self.host}"

    @property
    def cuts_power(self) -> bool:
        """True."""
        return True

    def off(self, deadline: Deadline) -> None:
        """Switch off and read it back.

        Raises:
            BenchError: It does not answer, or says another value.
        """
        self._set(self.off_value, deadline)

    def on(self, deadline: Deadline) -> None:
        """Switch on and read it back.

        Raises:
            BenchError: It does not answer, or says another value.
        """
        self._set(self.on_value, deadline)

    def is_on(self, deadline: Deadline) -> bool | None:
        """Return what it says of itself; None when that is neither on nor off.

        Raises:
            BenchError: It does not answer.
        """
        options = ("-v2c", "-c", self.community, self.host, self.oid)
        said = self.run(("snmpget", *options), max(_LEAST_S, deadline.left_s))
        match = _SNMP_INTEGER.search(said)
        words = {self.on_value: True, self.off_value: False}
        return words.get(int(match["value"])) if match else None

    def _set(self, value: int, deadline: Deadline) -> None:
        limit_s = max(_LEAST_S, deadline.left_s)
        options = ("-v2c", "-c", self.community, self.host, self.oid)
        self.run(("snmpset", *options, "i", str(value)), limit_s)
        said = self.run(("snmpget", *options), limit_s)
        match = _SNMP_INTEGER.search(said)
        if match is None or int(match["value"]) != value:
            msg = f"{self.name} was set to {value} and says {said.strip()!r}"
            raise BenchError(msg)
