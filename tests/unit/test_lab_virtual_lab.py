"""`harness.lab.virtual_lab`: the bench file it writes is one that loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.lab.load import load_lab, parse_lab
from harness.lab.virtual_lab import VirtualLab

FOUR = Path(__file__).parents[1] / "acceptance/labs/four.toml"


def test_the_shipped_file_is_the_one_that_is_written() -> None:
    """Four routers, each with a card of its own, and sixteen SIMs of each carrier."""
    lab = load_lab(FOUR)

    assert FOUR.read_text("utf-8") == VirtualLab(runs="../../../runs").text + "\n"
    assert list(lab.routers) == ["r1", "r2", "r3", "r4"]
    assert [slot.carrier for slot in lab.sim_bank.slots].count("rakuten") == 16
    assert len({slot.imsi for slot in lab.sim_bank.slots}) == 64


def test_nobody_is_there_twice() -> None:
    """IMEIs, ICCIDs and IMSIs of the most that there can be are all different."""
    lab = parse_lab(VirtualLab(routers=99, sims=899, models=("virtual-unisoc",)).text)
    cards = [*lab.sim_bank.slots, *(r.physical_sim for r in lab.routers.values())]
    iccids = {card.iccid for card in cards if card is not None}
    imsis = {card.imsi for card in cards if card is not None}

    assert len({router.imei for router in lab.routers.values()}) == 99
    assert (len(iccids), len(imsis)) == (4 * 899 + 99, 4 * 899 + 99)


def test_models_take_turns_and_a_pin_is_every_cards() -> None:
    """r1 and r3 are of the first model."""
    lab = parse_lab(VirtualLab(routers=3, models=("a", "b"), pin="1234").text)

    assert [router.model for router in lab.routers.values()] == ["a", "b", "a"]
    assert {r.physical_sim.pin for r in lab.routers.values() if r.physical_sim} == {"1234"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (VirtualLab(routers=0, sims=1), "0 routers are not to be had; there can be 1 to 99"),
        (VirtualLab(routers=100, sims=1), "100 routers are not to be had; there can be 1 to 99"),
        (VirtualLab(sims=900), "900 SIMs of a carrier are not to be had; there can be 1 to 899"),
    ],
)
def test_more_than_can_be_numbered_is_refused(wanted: VirtualLab, message: str) -> None:
    """With what there can be."""
    with pytest.raises(UsageError) as found:
        _ = wanted.text

    assert str(found.value) == message
