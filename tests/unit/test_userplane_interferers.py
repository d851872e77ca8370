"""``harness.userplane.interferers``: who else would touch a router."""

from __future__ import annotations

from pathlib import Path

from harness.userplane.interferers import interferers


def test_programs_that_touch_routers_are_named_with_their_cure(tmp_path: Path) -> None:
    """Two of them run, in the order of their ids; a shell is none; one has just ended."""
    for pid, name in ((900, "NetworkManager"), (77, "ModemManager"), (5, "bash")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "comm").write_text(f"{name}\n", encoding="ascii")
    (tmp_path / "12").mkdir()
    (tmp_path / "self").mkdir()

    found = interferers(tmp_path)

    assert [(one.pid, one.name) for one in found] == [(77, "ModemManager"), (900, "NetworkManager")]
    assert found[1].cure == 'udev rule for the router: ENV{NM_UNMANAGED}="1"'
