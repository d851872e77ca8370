"""Faults that can be planted in the SIM bank."""

from __future__ import annotations

from devices.virtual.defects import Defect, Party

_PARTY: Party = "sim_bank"

DEFECTS = (
    Defect(
        name="bank_duplicate_iccid",
        title="two cards of one ICCID",
        party=_PARTY,
        symptom="the second slot lists the ICCID of the first",
        case="CS-BANK-001",
    ),
    Defect(
        name="bank_slow",
        title="cards answer 7 s late",
        party=_PARTY,
        symptom="every authentication takes 7 s in the bank; carriers give up",
        case="CS-ATT-001",
    ),
    Defect(
        name="bank_card_pulled",
        title="no card where one is listed",
        party=_PARTY,
        symptom="authentication ends with an error of the bank although the slot is listed healthy",
        case="CS-BANK-001",
    ),
    Defect(
        name="bank_wrong_card",
        title="another card in the slot",
        party=_PARTY,
        symptom="the card answers every challenge of its carrier with a MAC failure",
        case="CS-ATT-001",
    ),
    Defect(
        name="bank_bad_contact",
        title="a bit of the response is wrong",
        party=_PARTY,
        symptom="the carrier rejects the response of the card with cause 3",
        case="CS-ATT-001",
    ),
    Defect(
        name="bank_other_files",
        title="files of another card",
        party=_PARTY,
        symptom="IMSI and ICCID in the profile are those of another slot",
        case="CS-ATT-001",
    ),
)
