"""The virtual router under ModemManager and oFono: hosts that nobody here wrote."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.interop.conftest import Bridge, need, wait_until

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def run(environment: dict[str, str], *command: str) -> str:
    """Run a client of the bus and return what it printed."""
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout + done.stderr


def test_modemmanager_takes_it_to_registered(
    at_node: str, bus: dict[str, str], tmp_path: Path
) -> None:
    """ModemManager finds the router by AT alone, enables it and sees it registered at home."""
    need("ModemManager", "mmcli")
    name = f"abstract:vr{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener, (tmp_path / "mm.log").open("wb") as log:
        listener.bind("\0" + name)
        listener.listen(4)
        Bridge(listener, at_node)
        options = ("--test-session", "--test-no-udev", "--test-enable", "--no-auto-scan")
        manager = subprocess.Popen(
            ["/usr/sbin/ModemManager", *options], env=bus, stdout=log, stderr=log
        )
        try:
            test_call = "org.freedesktop.ModemManager1.Test.SetProfile"
            service = ("--dest=org.freedesktop.ModemManager1", "/org/freedesktop/ModemManager1")
            send = ("dbus-send", "--session", "--print-reply", *service)
            profile = ("string:test-1", "string:generic", f"array:string:{name}")
            wait_until(
                lambda: "method return" in run(bus, *send, test_call, *profile),
                20.0,
                lambda: run(bus, *send, test_call, *profile),
            )
            wait_until(
                lambda: "Modem/0" in run(bus, "mmcli", "-L"), 30.0, lambda: run(bus, "mmcli", "-L")
            )
            wait_until(
                lambda: (
                    "state.failed-reason" in run(bus, "mmcli", "-m", "0", "-K")
                    or "generic.state" in run(bus, "mmcli", "-m", "0", "-K")
                ),
                30.0,
                lambda: run(bus, "mmcli", "-m", "0"),
            )
            enabled = run(bus, "mmcli", "-m", "0", "-e")
            wait_until(
                lambda: "state: registered" in run(bus, "mmcli", "-m", "0"),
                30.0,
                lambda: enabled + run(bus, "mmcli", "-m", "0"),
            )
            shown = run(bus, "mmcli", "-m", "0", "-K")
        finally:
            manager.terminate()
            manager.wait(20)

    assert _value(shown, "modem.3gpp.imei") == "860000000000017"
    assert _value(shown, "modem.3gpp.operator-code") == "44010"
    assert _value(shown, "modem.3gpp.registration-state") == "home"


def _value(text: str, key: str) -> str:
    """Return a value of ``mmcli -K``."""
    line = next(line for line in text.splitlines() if line.startswith(key))
    return line.split(":", 1)[1].strip()


def set_property(environment: dict[str, str], *command: str) -> None:
    """Repeat a call until the daemon takes it."""
    wait_until(
        lambda: "method return" in run(environment, *command),
        20.0,
        lambda: run(environment, *command),
    )


def test_ofono_takes_it_to_registered(at_node: str, bus: dict[str, str], tmp_path: Path) -> None:
    """OFono's phonesim driver powers the router, brings it online and sees it registered."""
    need("ofonod")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        (tmp_path / "ofono.log").open("wb") as log,
    ):
        Bridge(listener, at_node)
        config = tmp_path / "phonesim.conf"
        port = listener.getsockname()[1]
        config.write_text(f"[vr0]\nAddress=127.0.0.1\nPort={port}\n", encoding="ascii")
        environment = bus | {"OFONO_PHONESIM_CONFIG": str(config)}
        daemon = subprocess.Popen(["/usr/sbin/ofonod", "-n"], env=environment, stderr=log)
        send = ("dbus-send", "--session", "--print-reply", "--dest=org.ofono", "/vr0")
        powered = ("org.ofono.Modem.SetProperty", "string:Powered", "variant:boolean:true")
        online = ("org.ofono.Modem.SetProperty", "string:Online", "variant:boolean:true")
        status = ("org.ofono.NetworkRegistration.GetProperties",)
        try:
            set_property(environment, *send, *powered)
            set_property(environment, *send, *online)
            wait_until(
                lambda: 'string "registered"' in run(bus, *send, *status),
                30.0,
                lambda: run(bus, *send, *status),
            )
            shown = run(bus, *send, *status)
        finally:
            daemon.terminate()
            daemon.wait(20)

    assert '"NTT DOCOMO"' in shown
    assert '"lte"' in shown
