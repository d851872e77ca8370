"""Which parts of traffic control the kernel has: asked in a namespace made for it.

Files do not tell: parts that are built in leave no trace where there is no /lib/modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from harness.core.errors import BenchError
from harness.userplane import links, qdiscs
from harness.userplane.broker import Broker
from harness.userplane.namespace import Namespace

_NAME: Final = "kernel-probe"
_RATE_BPS: Final = 1_000_000
_BYTES: Final = 10_000
_QDISCS: Final[Mapping[str, Callable[[int], bytes]]] = MappingProxyType(
    {
        "sch_tbf": lambda index: qdiscs.set_tbf(
            index, rate_bps=_RATE_BPS, burst_bytes=_BYTES, limit_bytes=_BYTES
        ),
        "sch_htb": qdiscs.set_htb,
        "sch_netem": qdiscs.probe_netem,
    }
)


def kernel_parts() -> Mapping[str, bool]:
    """Return whether the kernel has each part, by the name of its module; empty: not to be asked.

    A part that is a module on disk is loaded by the question, where the kernel may do so.
    """
    try:
        with Broker.start(private=True) as broker:
            found = {"ifb": _takes(broker.first, links.new_link(_NAME, "ifb"))}
            if not found["ifb"]:
                broker.first.perform(links.new_veth(_NAME, f"{_NAME}-2"))
            index = broker.first.interface(_NAME).index
            for module, question in _QDISCS.items():
                found[module] = _takes(broker.first, question(index))
                if found[module]:
                    broker.first.perform(qdiscs.delete(index))
            return found
    except BenchError:
        return {}  # neither root nor a user namespace: the files are all there is


def _takes(namespace: Namespace, request: bytes) -> bool:
    try:
        namespace.perform(request)
    except BenchError:
        return False
    return True
