"""``devices.virtual.milenage`` and ``aka`` against the conformance data of 3GPP TS 35.208."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from devices.virtual.aka import Accepted, Card, Keys, MacFailure, Resync, challenge, sqn_from_auts
from devices.virtual.milenage import derive_opc, f1, f2345


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformanceSet:
    """One test set of TS 35.208 clause 4.3, hex as printed there."""

    k: str
    rand: str
    sqn: str
    amf: str
    op: str
    opc: str
    f1: str
    f1_star: str
    f2: str
    f5: str
    f3: str
    f4: str
    f5_star: str


SET_1 = ConformanceSet(
    k="465b5ce8b199b49faa5f0a2ee238a6bc",
    rand="23553cbe9637a89d218ae64dae47bf35",
    sqn="ff9bb4d0b607",
    amf="b9b9",
    op="cdc202d5123e20f62b6d676ac72cb318",
    opc="cd63cb71954a9f4e48a5994e37a02baf",
    f1="4a9ffac354dfafb3",
    f1_star="01cfaf9ec4e871e9",
    f2="a54211d5e3ba50bf",
    f5="aa689c648370",
    f3="b40ba9a3c58b2a05bbf0d987b21bf8cb",
    f4="f769bcd751044604127672711c6d3441",
    f5_star="451e8beca43b",
)
SET_3 = ConformanceSet(
    k="fec86ba6eb707ed08905757b1bb44b8f",
    rand="9f7c8d021accf4db213ccff0c7f71a6a",
    sqn="9d0277595ffc",
    amf="725c",
    op="dbc59adcb6f9a0ef735477b7fadf8374",
    opc="1006020f0a478bf6b699f15c062e42b3",
    f1="9cabc3e99baf7281",
    f1_star="95814ba2b3044324",
    f2="8011c48c0c214ed2",
    f5="33484dc2136b",
    f3="5dbdbb2954e8f3cde665b046179a5098",
    f4="59a92d3b476a0443487055cf88b2307b",
    f5_star="deacdd848cc6",
)
SET_4 = ConformanceSet(
    k="9e5944aea94b81165c82fbf9f32db751",
    rand="ce83dbc54ac0274a157c17f80d017bd6",
    sqn="0b604a81eca8",
    amf="9e09",
    op="223014c5806694c007ca1eeef57f004f",
    opc="a64a507ae1a2a98bb88eb4210135dc87",
    f1="74a58220cba84c49",
    f1_star="ac2cc74a96871837",
    f2="f365cd683cd92e96",
    f5="f0b9c08ad02e",
    f3="e203edb3971574f5a94b0d61b816345d",
    f4="0c4524adeac041c4dd830d20854fc46b",
    f5_star="6085a86c6f63",
)
SETS = [pytest.param(SET_1, id="1"), pytest.param(SET_3, id="3"), pytest.param(SET_4, id="4")]
KEYS = Keys(k=bytes.fromhex(SET_1.k), opc=bytes.fromhex(SET_1.opc))
RAND = bytes.fromhex(SET_1.rand)


@pytest.mark.parametrize("data", SETS)
def test_opc_is_the_standards(data: ConformanceSet) -> None:
    """OPc of each test set is what TS 35.208 prints."""
    assert derive_opc(bytes.fromhex(data.k), bytes.fromhex(data.op)).hex() == data.opc


@pytest.mark.parametrize("data", SETS)
def test_f1_and_f1_star_are_the_standards(data: ConformanceSet) -> None:
    """MAC-A and MAC-S of each test set are what TS 35.208 prints."""
    k, opc, rand = (bytes.fromhex(text) for text in (data.k, data.opc, data.rand))

    mac_a, mac_s = f1(k, opc, rand, bytes.fromhex(data.sqn), bytes.fromhex(data.amf))

    assert (mac_a.hex(), mac_s.hex()) == (data.f1, data.f1_star)


@pytest.mark.parametrize("data", SETS)
def test_f2_to_f5_are_the_standards(data: ConformanceSet) -> None:
    """RES, CK, IK, AK and AK* of each test set are what TS 35.208 prints."""
    answers = f2345(*(bytes.fromhex(text) for text in (data.k, data.opc, data.rand)))

    assert answers.res.hex() == data.f2
    assert answers.ck.hex() == data.f3
    assert answers.ik.hex() == data.f4
    assert answers.ak.hex() == data.f5
    assert answers.ak_star.hex() == data.f5_star


def test_card_accepts_a_newer_challenge() -> None:
    """A card answers a newer SQN with the response that the network expects."""
    vector = challenge(KEYS, RAND, 33)
    card = Card(KEYS, sqn_seen=32)

    outcome = card.authenticate(vector.rand, vector.autn)

    assert isinstance(outcome, Accepted)
    assert outcome.res == vector.xres
    assert card.sqn_seen == 33


def test_card_answers_an_old_challenge_with_its_own_sqn() -> None:
    """A replayed challenge gives AUTS, and the network reads the card's SQN from it."""
    vector = challenge(KEYS, RAND, 32)
    card = Card(KEYS, sqn_seen=32)

    outcome = card.authenticate(vector.rand, vector.autn)

    assert isinstance(outcome, Resync)
    assert sqn_from_auts(KEYS, RAND, outcome.auts) == 32
    assert card.sqn_seen == 32


def test_card_refuses_a_foreign_network() -> None:
    """One wrong bit in the code is a MAC failure, and the card's counter stays."""
    vector = challenge(KEYS, RAND, 40)
    broken = vector.autn[:-1] + bytes([vector.autn[-1] ^ 1])
    card = Card(KEYS, sqn_seen=32)

    assert isinstance(card.authenticate(RAND, broken), MacFailure)
    assert card.sqn_seen == 32


def test_network_refuses_a_foreign_auts() -> None:
    """AUTS with a wrong code tells the network nothing."""
    assert sqn_from_auts(KEYS, RAND, bytes(14)) is None
