"""An interface that is up and has no carrier, though the other end is there.

Seen with CDC-ECM: when the device's end is up first, the notification that the link is there may be
dropped while the host opens the interface (11 of 64 plugs); down and up again cured all of them.
"""

from __future__ import annotations

from typing import Final

from harness.core.clock import Deadline
from harness.userplane.namespace import Namespace

PATIENCE_S: Final = 1.0
_POLL_S: Final = 0.05


def bounced(namespace: Namespace, ifname: str, deadline: Deadline) -> bool:
    """Wait a moment for the carrier; switch the interface off and on when it does not come.

    Returns:
        Whether that was done; the carrier may still be missing, and DHCP will say so.

    Raises:
        InterfaceGoneError: There is no such interface.
    """
    if _has_carrier(namespace, ifname, deadline.within(PATIENCE_S)):
        return False
    namespace.down(ifname)
    namespace.up(ifname)
    _has_carrier(namespace, ifname, deadline.within(PATIENCE_S))
    return True


def _has_carrier(namespace: Namespace, ifname: str, deadline: Deadline) -> bool:
    while not namespace.interface(ifname).carrier:
        if deadline.passed:
            return False
        deadline.clock.sleep(min(_POLL_S, deadline.left_s))
    return True
