"""The checks of `harness doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.lab.doctor import Check, Cure, Finding, Host, Write, fine, hint, problem
from harness.lab.rules import RULES_FILE

_FREE_BYTES: Final = 5_000_000_000
_AUTOSUSPEND: Final = "/sys/module/usbcore/parameters/autosuspend"
_USB_DRIVERS: Final = {
    "option": "ttyUSB ports of most modems",
    "cdc_acm": "ttyACM ports",
    "rndis_host": "RNDIS network interfaces",
    "cdc_ether": "ECM network interfaces",
    "cdc_ncm": "NCM network interfaces",
}
_QDISCS: Final = {
    "sch_tbf": "a fixed rate",
    "sch_htb": "a rate that changes",
    "sch_netem": "delay and loss; without it a user-space line is used",
    "ifb": "shaping what comes in",
}
_HUB_OR_NONE: Final = frozenset({"09", None})
_NEEDED_QDISCS: Final = frozenset({"sch_tbf", "sch_htb"})
_RIVALS: Final = {
    "ModemManager": (
        "it sends AT commands of its own to every new port",
        "harness udev-rules keeps it off; or: systemctl disable --now ModemManager",
    ),
    "ser2net": ("it holds serial ports", "take the bench's ports out of its configuration"),
    "NetworkManager": (
        "it asks for addresses on new interfaces and may route through a router",
        "harness udev-rules marks the bench's interfaces NM_UNMANAGED",
    ),
    "systemd-network": (  # 15 characters of a name are all that /proc keeps
        "systemd-networkd configures new interfaces that match a file of its own",
        "a .network file with [Match] Driver= of the routers and [Link] Unmanaged=yes",
    ),
    "dhcpcd": (
        "it asks for addresses on new interfaces and may route through a router",
        "dhcpcd.conf: denyinterfaces with the bench's interfaces",
    ),
    "connmand": (
        "it asks for addresses on new interfaces and may route through a router",
        "main.conf: NetworkInterfaceBlacklist with the bench's interfaces",
    ),
    "tlp": (
        "it suspends USB devices",
        "tlp.conf: USB_DENYLIST with the routers' ids",
    ),
    "brltty": ("it grabs USB serial converters", "apt-get remove brltty"),
}


def check_udevd(host: Host) -> Finding:
    """Without udevd nobody tells about plugging."""
    if any(name.endswith("udevd") for name in host.processes().values()):
        return fine("udevd", "runs")
    return problem(
        "udevd",
        "udevd does not run: plugging and unplugging are not seen, permissions are not set",
        Cure(text="start it; in a container, share the host's /run/udev and its network namespace"),
    )


def check_rules(wanted: str) -> Check:
    """Make the check of the rules file against what it should say."""
    cure = Cure(
        text=f"harness udev-rules > {RULES_FILE}; udevadm control --reload; udevadm trigger",
        commands=(("udevadm", "control", "--reload"), ("udevadm", "trigger")),
        writes=(Write(path=RULES_FILE, text=wanted),),
    )

    def check(host: Host) -> Finding:
        text = host.read(str(RULES_FILE))
        if text is None:
            return problem("udev rules", f"{RULES_FILE} is not there", cure)
        if text.strip() != wanted.strip():
            return problem("udev rules", f"{RULES_FILE} is not what this bench needs", cure)
        return fine("udev rules", f"{RULES_FILE} is as it should be")

    return check


def check_rivals(host: Host) -> Finding:
    """Other programs that use serial ports or new network interfaces."""
    running = set(host.processes().values())
    there = [name for name in _RIVALS if name in running]
    if not there:
        return fine("rivals", "none of " + ", ".join(_RIVALS) + " runs")
    text = "; ".join(f"{name} runs: {_RIVALS[name][0]}" for name in there)
    cure = Cure(text="; ".join(_RIVALS[name][1] for name in there))
    has_rules = host.read(str(RULES_FILE)) is not None
    only_kept_off = set(there) <= {"ModemManager", "NetworkManager"}
    say = hint if has_rules and only_kept_off else problem
    return say("rivals", text, cure)


def check_autosuspend(host: Host) -> Finding:
    """A suspended router answers late, or not at all."""
    devices = [
        path.removesuffix("/power/control")
        for path in host.matching("/sys/bus/usb/devices/*/power/control")
        if host.read(path) == "auto"
    ]
    asleep = [
        device for device in devices if host.read(f"{device}/bDeviceClass") not in _HUB_OR_NONE
    ]
    setting = host.read(_AUTOSUSPEND)
    if setting is None:
        return fine("autosuspend", "this kernel has no USB")
    if setting.startswith("-") or not asleep:
        return fine("autosuspend", "no device may be suspended")
    names = ", ".join(path.rpartition("/")[2] for path in asleep)
    return hint(
        "autosuspend",
        f"{len(asleep)} devices may be suspended: {names}",
        Cure(
            text=f"echo on > /sys/bus/usb/devices/NAME/power/control, or echo -1 > {_AUTOSUSPEND}",
            writes=tuple(Write(path=Path(path, "power/control"), text="on\n") for path in asleep),
        ),
    )


def check_permissions(host: Host) -> Finding:
    """The user must be able to open the ports that are there."""
    nodes = [*host.matching("/dev/ttyUSB*"), *host.matching("/dev/ttyACM*")]
    if not nodes:
        return fine("permissions", "there is no USB serial port now")
    closed = [node for node in nodes if not host.may_use(node)]
    if not closed:
        return fine("permissions", f"all {len(nodes)} USB serial ports may be used")
    group = host.owner_group(closed[0]) or "dialout"
    remedy = (
        f"log in again: you are in {group}, but the rules are older than the port"
        if group in host.groups()
        else f"usermod -a -G {group} $USER, then log in again"
    )
    return problem(
        "permissions", f"{', '.join(closed)} may not be used by this user", Cure(text=remedy)
    )


def check_carrier(host: Host) -> Finding:
    """A USB network interface that is up and has no carrier, as after some replugs with ECM."""
    # The file reads 0 only when the interface is up; a closed one cannot be read at all.
    silent = [
        path.split("/")[-2]
        for path in host.matching("/sys/bus/usb/devices/*/net/*/carrier")
        if host.read(path) == "0"
    ]
    if not silent:
        return fine("carrier", "no USB network interface is up without carrier")
    return hint(
        "carrier",
        f"{', '.join(silent)} up without carrier: the router is off, or its notice was lost",
        Cure(
            text="ip link set NAME down, then up; if it stays so, look at the router",
            commands=tuple(
                ("ip", "link", "set", name, state) for name in silent for state in ("down", "up")
            ),
        ),
    )


def check_modules(check: str, modules: Mapping[str, str], needed: frozenset[str]) -> Check:
    """Make a check that the kernel has modules; those not in `needed` are only hinted at."""

    def ask(host: Host) -> Finding:
        missing = [name for name in modules if not host.has_module(name)]
        if not missing:
            return fine(check, "the kernel has " + ", ".join(modules))
        text = "the kernel lacks " + ", ".join(f"{name} ({modules[name]})" for name in missing)
        cure = Cure(
            text="boot the distribution's generic kernel (not the cloud one); on Ubuntu: "
            "apt-get install linux-modules-extra-$(uname -r)"
        )
        return problem(check, text, cure) if needed & set(missing) else hint(check, text, cure)

    return ask


def check_virtual_usb(host: Host) -> Finding:
    """Whether `harness virtual --usb` can work directly on this kernel."""
    if host.has_module("vhci_hcd"):
        return fine("virtual usb", "the kernel has vhci_hcd: harness virtual --usb works here")
    return hint(
        "virtual usb",
        "the kernel has no vhci_hcd: harness virtual --usb must run in the VM",
        Cure(text="make test-usb brings the VM; or boot a generic kernel"),
    )


def check_clock(host: Host) -> Finding:
    """Verdicts are dated; the monotonic clock must be a good one, the wall clock disciplined."""
    source = host.read("/sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source in {"acpi_pm", "jiffies", "refined-jiffies"}:
        return problem(
            "clock",
            f"the kernel's clock is {source}: slow to read and coarse",
            Cure(text="boot without clocksource=, or with tsc=reliable; see dmesg for the reason"),
        )
    daemons = {"systemd-timesyn", "systemd-timesyncd", "chronyd", "ntpd", "ntpd-rs"}
    if daemons & set(host.processes().values()):
        return fine("clock", f"clock source {source}, a time daemon runs")
    return hint(
        "clock",
        f"clock source {source}; no time daemon runs here: times of two benches may not agree",
        Cure(text="apt-get install chrony (a container has its host's clock)"),
    )


def check_hubs(host: Host) -> Finding:
    """Switching a port's power needs uhubctl and a hub that can."""
    hubs = [
        path.rpartition("/")[0]
        for path in host.matching("/sys/bus/usb/devices/*/bDeviceClass")
        if host.read(path) == "09" and not path.split("/")[-2].startswith("usb")
    ]
    if not hubs:
        return fine("hubs", "there is no hub; routers are at the host's own ports")
    if host.program("uhubctl") is None:
        return hint(
            "hubs",
            f"{len(hubs)} hubs, and uhubctl is not installed: ports cannot be switched",
            Cure(text="apt-get install uhubctl"),
        )
    return fine("hubs", f"{len(hubs)} hubs; uhubctl lists those whose ports switch")


def check_disk(runs: str) -> Check:
    """Make the check that there is room for records in a directory."""

    def check(host: Host) -> Finding:
        free_bytes = host.free_bytes(runs)
        text = f"{free_bytes / 1e9:.1f} GB free for {runs}"
        if free_bytes >= _FREE_BYTES:
            return fine("disk", text)
        return problem(
            "disk",
            f"{text}, less than {_FREE_BYTES / 1e9:.0f} GB",
            Cure(text="remove old runs, or let runs in lab.toml name a larger disk"),
        )

    return check


def check_serial_package(host: Host) -> Finding:
    """The Python packages `serial` and `pyserial` both answer to `import serial`."""
    owner = host.distribution_of("serial")
    if owner == "pyserial":
        return fine("python serial", "import serial is pyserial")
    if owner is None:
        return problem(
            "python serial",
            "there is no package serial, or a file serial.py of yours hides it",
            Cure(text="rename your serial.py; pip install pyserial"),
        )
    return problem(
        "python serial",
        f"import serial is the distribution {owner!r}, not pyserial",
        Cure(text=f"pip uninstall -y {owner} && pip install --force-reinstall pyserial"),
    )


def all_checks(*, rules: str, runs: str) -> tuple[Check, ...]:
    """Return every check, in the order in which they are shown.

    Args:
        rules: What the rules file should say (`rules.rules_text`).
        runs: Directory of the runs.
    """
    return (
        check_udevd,
        check_rules(rules),
        check_rivals,
        check_autosuspend,
        check_permissions,
        check_carrier,
        check_modules("usb drivers", _USB_DRIVERS, frozenset(_USB_DRIVERS) - {"cdc_ncm"}),
        check_modules("qdiscs", _QDISCS, _NEEDED_QDISCS),
        check_virtual_usb,
        check_clock,
        check_hubs,
        check_disk(runs),
        check_serial_package,
    )
