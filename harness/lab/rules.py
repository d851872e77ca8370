"""udev rules for a bench: no ModemManager, no NetworkManager, no autosuspend, names that stay.

The number in the file's name matters: after 60-serial.rules, which asks for ID_PATH and the
interface number, and before 77-mm-*.rules, where ModemManager decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from harness.core.errors import UsageError

RULES_FILE: Final = Path("/etc/udev/rules.d/70-cloudsim.rules")
DEFAULT_GROUP: Final = "dialout"
_ID: Final = re.compile(r"[0-9a-f]{4}", re.ASCII)
_GROUP: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)

_HEAD: Final = """\
# Routers of a cloud-SIM bench. Written by: harness udev-rules > {file}
# Then: udevadm control --reload && udevadm trigger --subsystem-match=usb --subsystem-match=tty
ACTION=="remove", GOTO="cloudsim_end"
SUBSYSTEM!="usb|tty|net|usbmisc", GOTO="cloudsim_end"
"""
_ROUTER: Final = """\
ATTRS{{idVendor}}=="{vid}", ATTRS{{idProduct}}=="{pid}", ENV{{CLOUDSIM_ROUTER}}="1"
"""
_TAIL: Final = """\
ENV{{CLOUDSIM_ROUTER}}!="1", GOTO="cloudsim_end"
# ModemManager would send AT commands of its own between ours.
ENV{{ID_MM_DEVICE_IGNORE}}="1"
# A suspended router answers late, and some do not wake up.
SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", TEST=="power/control", ATTR{{power/control}}="on"
SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", GROUP="{group}", MODE="0660"
SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", RUN+="/bin/chgrp {group} /sys$devpath/authorized", \
RUN+="/bin/chmod g+w /sys$devpath/authorized"
SUBSYSTEM=="tty|usbmisc", GROUP="{group}", MODE="0660", ENV{{ID_MM_PORT_IGNORE}}="1"
SUBSYSTEM=="tty", ENV{{ID_PATH}}=="?*", ENV{{ID_USB_INTERFACE_NUM}}=="?*", \
SYMLINK+="cloudsim/$env{{ID_PATH}}-if$env{{ID_USB_INTERFACE_NUM}}"
# NetworkManager would ask for an address and may send the host's traffic through the router.
SUBSYSTEM=="net", ENV{{NM_UNMANAGED}}="1"
LABEL="cloudsim_end"
"""


def rules_text(ids: Iterable[tuple[str, str]], *, group: str = DEFAULT_GROUP) -> str:
    """Write the rules file.

    Args:
        ids: Vendor and product ids of the routers, four lower case hex digits each; also of their
            boot loaders and CD-ROM modes, so that nobody else grabs them there.
        group: Group that may use the routers.

    Raises:
        UsageError: An id or the group cannot be written to a rule.
    """
    if _GROUP.fullmatch(group) is None:
        msg = f"{group!r} is not the name of a group"
        raise UsageError(msg)
    lines = [_HEAD.format(file=RULES_FILE)]
    for vid, pid in sorted(set(ids)):
        if _ID.fullmatch(vid) is None or _ID.fullmatch(pid) is None:
            msg = f"{vid}:{pid} is not a USB id; write it like 1782:4d11"
            raise UsageError(msg)
        lines.append(_ROUTER.format(vid=vid, pid=pid))
    lines.append(_TAIL.format(group=group))
    return "".join(lines)
