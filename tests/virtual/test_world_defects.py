"""The catalogue of planted faults: every switch is real, and is read at one place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import devices.virtual
from devices.virtual.defects.catalogue import catalogue, check_names
from devices.virtual.defects.switches import Switches
from devices.virtual.errors import WorldError

HOME = Path(next(iter(devices.virtual.__path__)))
PREFIXES = ("server_", "bank_", "carrier_", "bench_")
OF_THE_WORLD = [defect.name for defect in catalogue() if defect.name.startswith(PREFIXES)]


def test_names_are_unique() -> None:
    """Two faults of one name could not be told apart."""
    names = [defect.name for defect in catalogue()]

    assert len(names) == len(set(names))


def test_every_party_can_be_at_fault() -> None:
    """Each of the five parties has planted faults, as many as issue 6 asks for."""
    count = {
        party: sum(defect.party == party for defect in catalogue())
        for party in ("router", "access_server", "sim_bank", "carrier", "bench")
    }

    assert count["router"] >= 30
    assert count["access_server"] >= 10
    assert count["sim_bank"] >= 6
    assert count["carrier"] >= 8
    assert count["bench"] >= 8


@pytest.mark.parametrize("name", OF_THE_WORLD)
def test_switch_is_read_at_one_place(name: str) -> None:
    """A switch that nobody reads proves nothing; one read in two modules cannot be found."""
    quoted = f'"{name}"'
    readers = [path.name for path in HOME.glob("*.py") if quoted in path.read_text("utf-8")]

    assert len(readers) == 1, readers


def test_switch_may_be_of_one_router() -> None:
    """``name@router`` is on for that router only."""
    switches = Switches(["bank_slow@r2", "server_down"])

    assert switches.on("server_down", "r1")
    assert switches.on("bank_slow", "r2")
    assert not switches.on("bank_slow", "r1")
    assert switches.for_router("r2") == ["bank_slow", "server_down"]
    assert switches.for_router("r1") == ["server_down"]


def test_unknown_name_is_refused() -> None:
    """A mistake in a name is an error that says how to find the right one."""
    with pytest.raises(WorldError, match=r"no defect 'bank_slwo@r1'; .*--list-defects"):
        check_names(["bank_slwo@r1"])


@pytest.mark.slow
def test_catalogue_is_printed_as_json() -> None:
    """``--list-defects`` names each with party, symptom and case."""
    command = [sys.executable, "-m", "devices.virtual", "--list-defects"]

    printed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    assert {"name", "title", "party", "symptom", "case"} == set(printed[0])
    assert len(printed) == len(catalogue())
