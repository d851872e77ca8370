"""``harness.lab.doctor`` and ``rules``: each trouble is found and has its cure."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.core.errors import BenchError, UsageError
from harness.lab.doctor import (
    Check,
    Cure,
    Finding,
    Severity,
    Write,
    examine,
    format_finding,
    problem,
    worst,
)
from harness.lab.doctor_checks import all_checks
from harness.lab.doctor_host import SystemHost, fix
from harness.lab.rules import rules_text

RULES = rules_text([("1782", "4d11")])
GOOD_FILES = {
    "/etc/udev/rules.d/70-cloudsim.rules": RULES,
    "/sys/module/usbcore/parameters/autosuspend": "2",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "/sys/bus/usb/devices/1-2/power/control": "auto",
    "/sys/bus/usb/devices/1-2/bDeviceClass": "09",
    "/sys/bus/usb/devices/1-2.1/power/control": "on",
    "/sys/bus/usb/devices/1-2.1/bDeviceClass": "ef",
    "/dev/ttyUSB0": "",
}
MODULES = frozenset(
    {"option", "cdc_acm", "rndis_host", "cdc_ether", "cdc_ncm", "sch_tbf", "sch_htb",
     "sch_netem", "ifb", "vhci_hcd"}
)  # fmt: skip


@dataclass
class PaperHost:
    """A host that is only described."""

    files: dict[str, str] = field(default_factory=lambda: dict(GOOD_FILES))
    programs: frozenset[str] = frozenset({"uhubctl"})
    names: tuple[str, ...] = ("systemd-udevd", "chronyd")
    modules: frozenset[str] = MODULES
    in_groups: frozenset[str] = frozenset({"dialout"})
    closed: frozenset[str] = frozenset()
    free: int = 100_000_000_000
    owner_of_serial: str | None = "pyserial"

    def read(self, path: str) -> str | None:
        """Return a file's text."""
        return self.files.get(path)

    def matching(self, pattern: str) -> Sequence[str]:
        """Return the files that match."""
        return sorted(fnmatch.filter(self.files, pattern))

    def program(self, name: str) -> str | None:
        """Return where a program is."""
        return f"/usr/sbin/{name}" if name in self.programs else None

    def processes(self) -> Mapping[int, str]:
        """Return what runs."""
        return dict(enumerate(self.names, start=100))

    def has_module(self, name: str) -> bool:
        """Tell whether the kernel has a module."""
        return name in self.modules

    def groups(self) -> frozenset[str]:
        """Return the user's groups."""
        return self.in_groups

    def owner_group(self, path: str) -> str | None:
        """Return the group of a file."""
        return "dialout" if path in self.files else None

    def may_use(self, path: str) -> bool:
        """Tell whether the user may use a file."""
        return path not in self.closed

    def free_bytes(self, path: str) -> int:
        """Return the room on a disk."""
        assert path == "runs"
        return self.free

    def distribution_of(self, package: str) -> str | None:
        """Return who owns a package."""
        assert package == "serial"
        return self.owner_of_serial


CHECKS: tuple[Check, ...] = all_checks(rules=RULES, runs="runs")


def troubles(host: PaperHost) -> list[Finding]:
    """Return what is not fine."""
    return [f for f in examine(host, CHECKS) if f.severity > Severity.FINE]


def test_a_good_host_has_no_finding() -> None:
    """Nothing to mend, thirteen things looked at."""
    assert troubles(PaperHost()) == []
    assert len(examine(PaperHost(), CHECKS)) == 13


def test_an_interface_without_carrier_is_bounced_by_its_cure() -> None:
    """Down, then up; one with carrier, or one that is closed, is left alone."""
    files = {
        **GOOD_FILES,
        "/sys/bus/usb/devices/1-2.1:1.0/net/usb0/carrier": "0",
        "/sys/bus/usb/devices/1-2.2:1.0/net/usb1/carrier": "1",
    }
    (finding,) = troubles(PaperHost(files=files))

    assert finding.cure is not None
    assert finding.cure.commands == (
        ("ip", "link", "set", "usb0", "down"),
        ("ip", "link", "set", "usb0", "up"),
    )


@pytest.mark.parametrize(
    ("host", "severity", "seen", "cure"),
    [
        (PaperHost(names=("chronyd",)), Severity.PROBLEM, "udevd does not run", "/run/udev"),
        (
            PaperHost(files={**GOOD_FILES, "/etc/udev/rules.d/70-cloudsim.rules": "old"}),
            Severity.PROBLEM, "is not what this bench needs", "harness udev-rules >",
        ),
        (
            PaperHost(names=("udevd", "chronyd", "ModemManager")),
            Severity.HINT, "ModemManager runs", "keeps it off",
        ),
        (
            PaperHost(names=("udevd", "chronyd", "ser2net")),
            Severity.PROBLEM, "ser2net runs: it holds serial ports", "out of its configuration",
        ),
        (
            PaperHost(names=("udevd", "chronyd", "systemd-network")),
            Severity.PROBLEM, "systemd-networkd configures new interfaces", "Unmanaged=yes",
        ),
        (
            PaperHost(names=("udevd", "chronyd", "dhcpcd")),
            Severity.PROBLEM, "dhcpcd runs: it asks for addresses", "denyinterfaces",
        ),
        (
            PaperHost(files={**GOOD_FILES, "/sys/bus/usb/devices/1-2.1/power/control": "auto"}),
            Severity.HINT, "1 devices may be suspended: 1-2.1", "power/control",
        ),
        (
            PaperHost(closed=frozenset({"/dev/ttyUSB0"}), in_groups=frozenset()),
            Severity.PROBLEM, "/dev/ttyUSB0 may not be used", "usermod -a -G dialout",
        ),
        (
            PaperHost(closed=frozenset({"/dev/ttyUSB0"})),
            Severity.PROBLEM, "/dev/ttyUSB0 may not be used", "log in again: you are in dialout",
        ),
        (
            PaperHost(files={**GOOD_FILES, "/sys/bus/usb/devices/1-2.1:1.0/net/usb0/carrier": "0"}),
            Severity.HINT, "usb0 up without carrier", "ip link set NAME down",
        ),
        (
            PaperHost(modules=MODULES - {"option"}),
            Severity.PROBLEM, "lacks option (ttyUSB ports", "generic kernel",
        ),
        (
            PaperHost(modules=MODULES - {"sch_netem"}),
            Severity.HINT, "lacks sch_netem", "generic kernel",
        ),
        (PaperHost(modules=MODULES - {"vhci_hcd"}), Severity.HINT, "no vhci_hcd", "VM"),
        (PaperHost(names=("udevd",)), Severity.HINT, "no time daemon runs", "chrony"),
        (PaperHost(programs=frozenset()), Severity.HINT, "1 hubs, and uhubctl", "uhubctl"),
        (PaperHost(free=1_200_000_000), Severity.PROBLEM, "1.2 GB free for runs", "old runs"),
        (
            PaperHost(owner_of_serial="serial"),
            Severity.PROBLEM, "the distribution 'serial', not pyserial", "pip uninstall -y serial",
        ),
        (PaperHost(owner_of_serial=None), Severity.PROBLEM, "hides it", "rename your serial.py"),
    ],
)  # fmt: skip
def test_each_trouble_is_found_with_its_cure(
    host: PaperHost, severity: Severity, seen: str, cure: str
) -> None:
    """One finding a trouble, with its severity, what was seen and what to do."""
    (finding,) = troubles(host)

    assert finding.severity is severity
    assert seen in finding.text
    assert finding.cure is not None
    assert cure in finding.cure.text


def test_a_hint_is_not_a_problem() -> None:
    """The worst one decides the exit code."""
    assert worst(troubles(PaperHost(modules=MODULES - {"ifb"}))) is Severity.HINT
    assert worst([]) is Severity.FINE


def test_findings_are_lines() -> None:
    """A word, a name, what was seen; the cure below."""
    text = format_finding(problem("disk", "1.0 GB free", Cure(text="remove old runs")))

    assert text == (
        "PROBLEM  disk             1.0 GB free\n                          -> remove old runs"
    )


def test_only_safe_cures_are_done(tmp_path: Path) -> None:
    """A file is written and a command run; advice for a person is left alone."""
    wanted = tmp_path / "rules"
    cure = Cure(
        text="write it",
        commands=(("true",),),
        writes=(Write(path=wanted, text="text\n"),),
    )
    done = fix([problem("a", "seen", cure), problem("b", "seen", Cure(text="buy a disk"))])

    assert done == [f"a: wrote {wanted}", "a: ran true"]
    assert wanted.read_text() == "text\n"


def test_a_cure_that_fails_is_an_error(tmp_path: Path) -> None:
    """Never said to be done."""
    cure = Cure(text="x", writes=(Write(path=tmp_path / "no" / "file", text=""),))
    with pytest.raises(BenchError, match="cannot be written"):
        fix([problem("a", "seen", cure)])
    with pytest.raises(BenchError, match="false ended with 1"):
        fix([problem("a", "seen", Cure(text="x", commands=(("false",),)))])


def test_this_host_can_be_examined() -> None:
    """The real host answers every check without an error."""
    findings = examine(SystemHost(), all_checks(rules=RULES, runs="runs"))

    assert [f.check for f in findings if f.check == "python serial"] == ["python serial"]
    assert all(finding.cure for finding in findings if finding.severity > Severity.FINE)


def test_rules_keep_others_off_and_names_steady() -> None:
    """ModemManager, autosuspend, group, links, NetworkManager."""
    text = rules_text([("19d2", "1405"), ("1782", "4d11")], group="bench")

    assert text.index('"1782"') < text.index('"19d2"')
    assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in text
    assert 'ATTR{power/control}="on"' in text
    assert 'GROUP="bench", MODE="0660"' in text
    assert 'SYMLINK+="cloudsim/$env{ID_PATH}-if$env{ID_USB_INTERFACE_NUM}"' in text
    assert 'ENV{NM_UNMANAGED}="1"' in text


@pytest.mark.parametrize(
    ("ids", "group"),
    [([("1782", "4D11")], "bench"), ([("0x1782", "4d11")], "bench"), ([], 'x", RUN+="rm')],
)
def test_what_cannot_be_in_a_rule_is_refused(ids: list[tuple[str, str]], group: str) -> None:
    """A rule runs as root: nothing that is not an id or a name gets into it."""
    with pytest.raises(UsageError):
        rules_text(ids, group=group)
