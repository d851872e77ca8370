"""``tests.vm``: the archive that the guest boots into, and how its end is told."""

from __future__ import annotations

import pytest

from tests.vm.initramfs import module_order, newc
from tests.vm.machine import sayable

DEP = """\
kernel/fs/9p/9p.ko: kernel/net/9p/9pnet.ko kernel/fs/netfs/netfs.ko
kernel/net/9p/9pnet.ko:
kernel/fs/netfs/netfs.ko: kernel/fs/fscache/fscache.ko
kernel/fs/fscache/fscache.ko:
kernel/drivers/virtio/virtio_pci.ko.xz:
kernel/net/9p/9pnet-virtio.ko: kernel/net/9p/9pnet.ko
"""


def test_modules_are_loaded_after_what_they_need() -> None:
    """Each once, dependencies of dependencies first."""
    order = module_order(DEP, ("9pnet_virtio", "9p", "virtio_pci"))

    assert order == [
        "kernel/net/9p/9pnet.ko",
        "kernel/net/9p/9pnet-virtio.ko",
        "kernel/fs/fscache/fscache.ko",
        "kernel/fs/netfs/netfs.ko",
        "kernel/fs/9p/9p.ko",
        "kernel/drivers/virtio/virtio_pci.ko.xz",
    ]


def test_a_module_that_is_not_there_is_an_error() -> None:
    """Not a guest that hangs at its root file system."""
    with pytest.raises(KeyError):
        module_order(DEP, ("virtio_console",))


def test_the_archive_is_newc() -> None:
    """Headers of 110 bytes, names and data padded to four bytes."""
    data = newc({"init": b"#!/bin/sh\n"})
    at = data.index(b"init\0") - 110

    assert data[at : at + 6] == b"070701"
    assert int(data[at + 14 : at + 22], 16) == 0o100755
    assert int(data[at + 54 : at + 62], 16) == 10
    assert at % 4 == 0
    assert len(data) % 4 == 0
    assert b"TRAILER!!!\0" in data


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (b"one\ntwo", b"one\ntwo"),
        (b"bash# ", b"bash# "),
        (b"one\nGUEST-EXIT 1", b"one\n"),
        (b"one\nGUE", b"one\n"),
        (b"one\n", b"one\n"),
    ],
)
def test_a_prompt_is_shown_at_once_and_the_mark_of_the_end_is_not(
    held: bytes, shown: bytes
) -> None:
    """Only what may become the mark is held back."""
    assert held[: sayable(held)] == shown
