"""`harness.report.acceptance`: what a person signs, in two languages and two forms."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.core.clock import FakeClock
from harness.core.errors import UsageError
from harness.measure.measurement import Measurement
from harness.record.journal import RunJournal
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.record.seal import seal
from harness.report import acceptance
from harness.report.dossier import Claim, Dossier, Revision, Waiver, load_dossier
from harness.verdict.judge import judge
from harness.verdict.limits import Limit

TODAY = FakeClock(utc_us=1_795_660_800_000_000)  # 2026-11-26, 11:40 in Tokyo
WAIVER = Waiver(
    case="CS-CANON-001", reason="known, fixed in 1.3", approved_by="QA", expires=date(2026, 11, 26)
)
DOSSIER = Dossier(
    product="Pocket 5",
    waivers=(WAIVER,),
    claims=(
        Claim(words_en="works throttled", words_ja="制限時も使える", cases=("CS-THR-001",)),
        Claim(words_en="unlimited", words_ja="無制限", cases=("CS-THR-001", "CLM-001")),
    ),
    deviations=("two routers instead of four",),
    revisions=(Revision(number="1.0", day=date(2026, 11, 26), author="QA", change="first"),),
)


def report(run_dir: Path, **options: Any) -> str:
    """Write the HTML form and return its text without markup."""
    path = acceptance.write([run_dir], run_dir / "acceptance.html", clock=TODAY, **options)
    text = path.read_text(encoding="utf-8")
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL).split())


def test_a_failure_is_a_no_go(small_run: Path) -> None:
    """The decision, its owner and cause, deviations, and what is not proven stand in it."""
    text = report(small_run)

    assert "✗ NO-GO" in text
    assert "VIRTUAL BENCH" in text
    assert "The results apply to the units listed here, as tested, and to no others." in text
    assert "CS-NETEM-001: not run: no netem on this kernel" in text
    assert "no waiver" in text
    assert "carrier the carrier rejects ***********7890 with cause #11" in text
    assert "not sealed: nothing proves that this record is unchanged" in text
    assert "CS-THR-001 7518 throttle.goodput 383.6 kbit/s 382.9 kbit/s … 384.3 kbit/s 160" in text
    assert "≤ 400 kbit/s simple" in text
    assert "CS-THR-001 1 1 5.0 %" in text  # 0.05 ** (1 / 1)
    assert "R06 CS-THR-001 2026-11-26" in text
    assert "R06 CS-CANON-001 \N{EN DASH}" in text


def test_a_waiver_counts_until_its_day_has_passed(small_run: Path) -> None:
    """On its last day it turns the NO-GO into a GO that says so; a day later it is expired."""
    late = Dossier(waivers=(WAIVER.model_copy(update={"expires": date(2026, 11, 25)}),))

    waived = report(small_run, dossier=DOSSIER)
    expired = report(small_run, dossier=late)

    assert "✓ GO, with waivers" in waived
    assert "✗ fail (waived)" in waived
    assert "known, fixed in 1.3 QA 2026-11-26 waived" in waived
    assert "✗ NO-GO" in expired
    assert "2026-11-25 expired" in expired


def test_claims_are_only_carried_by_passed_cases(small_run: Path) -> None:
    """A claim with a case that nobody measured is not proven."""
    text = report(small_run, dossier=DOSSIER)

    assert "works throttled CS-THR-001 CS-THR-001: 1/1 ✓ pass" in text
    assert (
        "unlimited CS-THR-001 CLM-001 CS-THR-001: 1/1, CLM-001: not measured △ inconclusive" in text
    )
    assert "two routers instead of four" in text
    assert "1.0 2026-11-26 QA first" in text


def test_a_sealed_run_names_key_and_manifest(small_run: Path) -> None:
    """So that a reader can verify the record that the report was made from."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    seal(small_run, key, clock=TODAY)

    text = report(small_run)

    # RFC 8032 key derivation of the bytes 00 to 1f
    assert "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8" in text
    assert "not sealed" not in text


def test_the_report_is_japanese_too(small_run: Path) -> None:
    """Words, titles and claims; the same decision."""
    text = report(small_run, language="ja", dossier=DOSSIER)

    assert "✓ 条件付き合格(特別採用あり)" in text
    assert "電源投入からデータ通信まで" in text
    assert "無制限" in text
    assert "本結果は、ここに記載した試験品のみに適用されます。" in text


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_pdf_is_made_whatever_a_device_says(small_run: Path, language: Any) -> None:
    """The router's serial number is full of markup; it is a value to typst, not source."""
    path = acceptance.write(
        [small_run], small_run / "a.pdf", language=language, dossier=DOSSIER, clock=TODAY
    )

    assert path.read_bytes().startswith(b"%PDF-1.")


def test_an_open_or_empty_run_is_not_decided(tmp_path: Path) -> None:
    """A run still going on is refused; an interrupted one is undecided."""
    info = RunInfo(id="r", title="t", plan="", bench="b", is_virtual=False, harness_version="0")
    journal = RunJournal.create(tmp_path, info, FakeClock())
    unit = journal.unit(UnitInfo(imei="1" * 15, model="M", firmware="1"))
    result = journal.begin_result(
        CaseInfo(id="C", version="1", title_en="t", title_ja="t", requirements=("R01",)), unit
    )
    limit = Limit(name="l", unit="s", high=1.0, requirements=("R01",), title="l")
    result.measurement(Measurement(name="l", value=None, unit="s"), judge(limit, None))
    with pytest.raises(UsageError, match="the run is still going on; report it when it is"):
        report(journal.directory)
    journal.close()

    text = report(journal.directory)

    assert "△ UNDECIDED" in text
    assert "interrupted: never finished" in text
    assert "open, never finished" in text
    assert "\N{EN DASH} \N{EN DASH} 0 ≤ 1 s simple" in text


def test_runs_and_endings_are_checked(small_run: Path) -> None:
    """Each message says what to do."""
    with pytest.raises(UsageError, match="needs at least one run; name its directory"):
        acceptance.write([], small_run / "a.pdf")
    with pytest.raises(UsageError, match=r"a\.docx: an acceptance report is written as \.pdf or"):
        acceptance.write([small_run], small_run / "a.docx")


def test_a_dossier_is_read_strictly(tmp_path: Path) -> None:
    """Unknown keys, wrong forms and missing files are named."""
    path = tmp_path / "dossier.toml"
    path.write_text(
        'product = "P"\n[[waivers]]\ncase = "C"\nreason = "r"\napproved_by = "a"\n'
        "expires = 2026-12-31\n"
        '[[claims]]\nwords_en = "e"\nwords_ja = "j"\ncases = ["C"]\n',
        encoding="utf-8",
    )

    dossier = load_dossier(path)

    assert dossier.waivers[0].expires == date(2026, 12, 31)
    assert dossier.claims[0].cases == ("C",)
    for text, message in [
        ("x = 1", r"dossier\.toml: x: Extra inputs are not permitted"),
        ("product = 1", r"dossier\.toml: product: Input should be a valid string"),
        ("[", r"dossier\.toml: it is not TOML"),
    ]:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=message):
            load_dossier(path)
    path.unlink()
    with pytest.raises(UsageError, match="there is no such file"):
        load_dossier(path)
