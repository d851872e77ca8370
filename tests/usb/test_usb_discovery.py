"""Discovery and AT on a real kernel's USB stack, over each back end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.usb.bench import IMEI, Bench, soon


def test_a_router_is_one_device_with_its_functions(bench: Bench) -> None:
    """One USB device, two serial ports and a network interface, all at one path."""
    functions = bench.plug()

    assert len({function.usb_path for function in functions}) == 1
    assert [f.subsystem for f in functions] == ["usb", "net", "tty", "tty"]
    assert functions[1].interface == 0
    assert functions[2].interface == bench.at_interface


def test_a_path_names_controller_root_hub_and_port(bench: Bench) -> None:
    """The path does not carry the kernel's bus number."""
    functions = bench.plug()

    assert functions[0].usb_path in {"platform-vhci_hcd.0/1-1", "platform-dummy_hcd.0/1-1"}


def test_both_ports_answer_at(bench: Bench) -> None:
    """What the harness opens is a tty that answers, and says who it is."""
    functions = bench.plug()
    answers = []
    for function in functions[2:]:
        with bench.dialogue(str(function.node)) as dialogue:
            answers.append((dialogue.ask(b"AT"), dialogue.ask(b"AT+CGSN")))

    assert answers == [(b"\r\nOK\r\n", b"\r\n356938035643809\r\n\r\nOK\r\n")] * 2


def test_an_open_port_ends_with_the_cable(bench: Bench) -> None:
    """Pulling the cable ends the port with an error, not with silence."""
    bench.plug()
    with bench.dialogue(bench.at_node()) as dialogue:
        dialogue.ask(b"AT")
        bench.unplug()
        lost = dialogue.lost()

    assert lost.reason in {"Input/output error", "end of file", "No such device"}


def test_a_replug_is_a_new_generation_at_the_same_path(bench: Bench) -> None:
    """The same router in the same port: same path, next generation, AT answers again."""
    before = bench.plug()[0]
    first = bench.source.generation(before.usb_path)
    bench.unplug()
    after = bench.plug()[0]
    with bench.dialogue(bench.at_node()) as dialogue:
        answer = dialogue.ask(b"AT")

    assert after.usb_path == before.usb_path
    assert bench.source.generation(after.usb_path) == first + 1
    assert answer == b"\r\nOK\r\n"


def test_a_network_interface_in_another_namespace_is_not_an_unplug(bench: Bench) -> None:
    """Moving the interface raises `remove`; the device and its generation stay."""
    device = bench.plug()[0]
    generation = bench.source.generation(device.usb_path)
    bench.run("ip", "netns", "add", "dut")
    try:
        bench.run("ip", "link", "set", bench.ifname(), "netns", "dut")
        seen = bench.source.wait(
            lambda functions: (
                tuple(functions) if not any(f.subsystem == "net" for f in functions) else None
            ),
            soon(),
        )
    finally:
        bench.run("ip", "netns", "del", "dut")

    assert seen is not None
    assert [f.subsystem for f in seen if f.serial == device.serial] == ["usb", "tty", "tty"]
    assert bench.source.generation(device.usb_path) == generation


def test_deauthorizing_in_sysfs_is_a_soft_replug(bench: Bench) -> None:
    """`authorized` 0 takes the functions away, 1 brings them back."""
    bench.plug()
    path = bench.sys_path()
    (path / "authorized").write_text("0")
    gone = bench.wait_for_kinds(["usb"])
    (path / "authorized").write_text("1")
    back = bench.wait_for_kinds(["net", "tty", "tty", "usb"])
    with bench.dialogue(bench.at_node()) as dialogue:
        answer = dialogue.ask(b"AT")

    assert gone
    assert back
    assert answer == b"\r\nOK\r\n"
    assert Path(path).exists()


def test_ls_asks_who_the_router_is(bench: Bench) -> None:
    """By a process of its own, as a person at the bench: IMEI, and both ports answer."""
    path = bench.plug()[0].usb_path
    text = bench.run(sys.executable, "-m", "harness.cli", "ls", "--ask", "--json")
    (router,) = [each for each in json.loads(text) if each["usb_path"] == path]

    assert router["imei"] == IMEI
    assert sorted(router["answers"].values()) == ["AT", "AT"]
    assert router["iccid"] is None  # this one refuses to tell


def test_suggest_writes_the_imei_that_the_router_told(bench: Bench) -> None:
    """The lines can be put into lab.toml as they are."""
    path = bench.plug()[0].usb_path
    text = bench.run(sys.executable, "-m", "harness.cli", "suggest")

    assert f'usb_path = "{path}"\nimei = "{IMEI}"\n' in text
