"""``harness.lab.kernel_log``: records of /dev/kmsg as lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.core.errors import BenchError
from harness.lab.kernel_log import KernelLog, line_of


@pytest.mark.parametrize(
    ("record", "line"),
    [
        # Documentation/ABI/testing/dev-kmsg: the second example, with its dictionary.
        (
            b"6,339,5140900,-;NET: Registered protocol family 10\n",
            "[     5.140900] <6> NET: Registered protocol family 10",
        ),
        (
            b"7,160,424069,-;pci_root PNP0A03:00: host bridge window\n SUBSYSTEM=acpi\n",
            "[     0.424069] <7> pci_root PNP0A03:00: host bridge window",
        ),
        # Facility 3 (daemon), priority 6: only the priority is shown.
        (b"30,340,5690716,-;udevd[80]: starting", "[     5.690716] <6> udevd[80]: starting"),
        (b"4,1,123456000007,c,caller=T1;", "[123456.000007] <4> "),
        (b"6,339;no time\n", "6,339;no time"),
        (b"6,1,2,-;\xff", "[     0.000002] <6> \\xff"),
    ],
)
def test_a_record_is_one_line(record: bytes, line: str) -> None:
    """Time, priority, text; what is no record is shown as it is."""
    assert line_of(record) == line


def test_lines_come_until_there_are_no_more(tmp_path: Path) -> None:
    """A read that would wait ends them; the next call goes on from there."""
    device = tmp_path / "kmsg"
    os.mkfifo(device)
    with KernelLog(device) as log:
        writer = os.open(device, os.O_WRONLY)
        try:
            assert list(log.lines()) == []
            os.write(writer, b"6,1,1000000,-;usb 1-1: new high-speed USB device\n")
            assert list(log.lines()) == ["[     1.000000] <6> usb 1-1: new high-speed USB device"]
        finally:
            os.close(writer)
        assert list(log.lines()) == []
    log.close()
    assert list(log.lines()) == []


def test_a_log_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    """A container has no /dev/kmsg."""
    with pytest.raises(BenchError, match="kmsg: the kernel's log cannot be read: No such file"):
        KernelLog(tmp_path / "kmsg")
