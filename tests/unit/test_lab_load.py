"""`harness.lab.load`: lab.toml is read strictly, and each problem says where and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.errors import BenchError
from harness.lab.load import load_lab, parse_lab

GOOD = """
[bench]
name = "desk"

[routers.r1]
model = "acme-p5"
usb_path = "1-1"
imei = "490154203237518"

[access_server]
url = "https://access.example:8443"

[carriers.docomo]
plmn = "44010"
apn = "a"
rate = "40 Mbit/s"

[[sim_bank.slots]]
slot = 0
iccid = "8981100000000000017"
imsi = "440101000000001"
carrier = "docomo"
quota = "50 GB"
"""


def test_units_are_read_and_defaults_are_safe() -> None:
    """Rates and sizes come out as numbers; what is not stated of a contract is not known."""
    lab = parse_lab(GOOD)

    assert lab.carriers["docomo"].rate == 40_000_000
    slot = lab.sim_bank.slots[0]
    assert (slot.quota, slot.throttle, slot.disclosed) == (50_000_000_000, None, False)
    assert lab.bench.virtual is False


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'quota = "50 GB"',
            'quota = "50 GX"',
            (
                "lab.toml: sim_bank.slots.0.quota: '50 GX' is not a size; write it like '25 GB' or "
                "'64 KiB'"
            ),
        ),
        (
            'rate = "40 Mbit/s"',
            "rate = 40",
            "lab.toml: carriers.docomo.rate: 40 has no unit; write a rate as text with its unit",
        ),
        (
            'rate = "40 Mbit/s"',
            "rate = true",
            "lab.toml: carriers.docomo.rate: True has no unit; write a rate as text with its unit",
        ),
        (
            'usb_path = "1-1"',
            'usb_path = "1-1"\nusb_pth = "1-2"',
            "lab.toml: routers.r1.usb_pth: there is no such key; did you mean 'usb_path'?",
        ),
        (
            "[bench]",
            "[zzzzqqq]\n[bench]",
            "lab.toml: zzzzqqq: there is no such key; remove it",
        ),
        (
            'usb_path = "1-1"\n',
            "",
            "lab.toml: routers.r1.usb_path: it is missing; add it",
        ),
        (
            'imei = "490154203237518"',
            'imei = "490154203237517"',
            (
                "lab.toml: routers.r1.imei: '490154203237517' is not an IMEI; its last digit is "
                "not the check digit of the others"
            ),
        ),
        (
            'carrier = "docomo"',
            'carrier = "docmo"',
            "lab.toml: sim_bank.slots.0.carrier: there is no carrier 'docmo'; name one of docomo",
        ),
        (
            'plmn = "44010"',
            'plmn = "4401"',
            (
                "lab.toml: carriers.docomo.plmn: '4401' is not a PLMN code; it has 5 to 6 decimal "
                "digits"
            ),
        ),
    ],
)
def test_each_problem_is_said_with_its_key_and_its_remedy(old: str, new: str, message: str) -> None:
    """`lab.toml: dotted.key: problem; remedy`."""
    assert old in GOOD
    with pytest.raises(BenchError) as caught:
        parse_lab(GOOD.replace(old, new, 1))

    assert message in str(caught.value).splitlines()


def test_a_router_stands_in_the_file_once() -> None:
    """Two routers in one place, or with one IMEI, cannot be told apart."""
    twice = GOOD + '\n[routers.r2]\nmodel = "acme-p5"\nusb_path = "1-1"\nimei = "860000000000017"\n'

    with pytest.raises(BenchError) as caught:
        parse_lab(twice)

    assert str(caught.value) == (
        "lab.toml: routers.r2.usb_path: '1-1' is router 'r1' already; each router is named once"
    )


def test_a_card_is_in_one_slot() -> None:
    """A card that stands in two slots is a mistake of the file."""
    slot = GOOD[GOOD.index("[[sim_bank") :]

    with pytest.raises(BenchError) as caught:
        parse_lab(GOOD + slot.replace("slot = 0", "slot = 1"))

    assert str(caught.value) == (
        "lab.toml: sim_bank.slots.1.iccid: '8981100000000000017' stands in slot entry 0 already; "
        "a card is in one slot"
    )


def test_several_problems_are_several_lines() -> None:
    """One reading shows all that is wrong."""
    text = GOOD.replace('plmn = "44010"', 'plmn = "4"').replace('apn = "a"\n', "")

    with pytest.raises(BenchError) as caught:
        parse_lab(text)

    assert len(str(caught.value).splitlines()) == 2


def test_what_is_no_toml_is_said_so() -> None:
    """With the place, as the TOML reader tells it."""
    with pytest.raises(BenchError, match=r"lab\.toml: it is not TOML: .*line 2"):
        parse_lab("[bench]\nname = desk\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the option that names another."""
    with pytest.raises(BenchError, match="there is no such file; name the bench's own with --lab"):
        load_lab(tmp_path / "lab.toml")
    with pytest.raises(BenchError, match="it cannot be read: "):
        load_lab(tmp_path)


def test_a_file_that_lab_toml_names_must_be_there(tmp_path: Path) -> None:
    """A token or certificate that is missing is found before anything starts."""
    path = tmp_path / "lab.toml"
    wrong = GOOD.replace("[access_server]", '[access_server]\ntoken_file = "token"')
    path.write_text(wrong, encoding="utf-8")

    with pytest.raises(BenchError) as caught:
        load_lab(path)

    assert str(caught.value) == (
        "lab.toml: access_server.token_file: there is no file 'token' beside lab.toml; "
        "put it there or correct the name"
    )
    (tmp_path / "token").write_text("x", encoding="utf-8")
    assert load_lab(path).access_server.token_file == Path("token")
