"""`harness.report.html`: one file, offline, and nothing of a device becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.core.clock import FakeClock
from harness.core.errors import UsageError
from harness.record.journal import RunJournal
from harness.record.reader import RunRecord
from harness.record.rows import CaseInfo, ResultRow, UnitInfo
from harness.report import html, page_data
from harness.report.messages import messages
from harness.report.page_data import thinned
from harness.report.privacy import Screen
from harness.verdict.verdict import Verdict
from tests.report.conftest import run_info

IMEI = "490154203237518"
ICCID = "8981100005819480000"
IMSI = "440101234567890"


class Elements(HTMLParser):
    """Collects what elements a page has, and the text of each script."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.tags.append((tag, dict(attrs)))
        self._open = (dict(attrs).get("id") or "code") if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        """Notice the end of a script."""
        if tag == "script":
            self._open = ""

    def handle_data(self, data: str) -> None:
        """Keep the text of a script."""
        if self._open:
            self.scripts[self._open] = self.scripts.get(self._open, "") + data


def parsed(page: Path) -> Elements:
    """Read a page as a browser does."""
    elements = Elements()
    elements.feed(page.read_text(encoding="utf-8"))
    return elements


def unpacked(text: str) -> Any:
    """Undo `pack`."""
    return json.loads(zlib.decompress(base64.b64decode(text), -15))


def test_a_page_asks_no_network_for_anything(small_run: Path) -> None:
    """No element names another file, and the policy forbids what is not in the file."""
    page = parsed(html.write(small_run))

    for tag, attributes in page.tags:
        assert "src" not in attributes, tag
        assert attributes.get("href") in {None, "data:,"}, tag
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    digest = hashlib.sha256(page.scripts["code"].encode()).digest()
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(https?:)?//(?!www\.w3\.org/2000/svg)\w", page.scripts["code"])


def test_what_a_device_says_never_becomes_markup(small_run: Path) -> None:
    """The router's serial number and a udev property are full of HTML; the page has no trace."""
    text = html.write(small_run).read_text(encoding="utf-8")

    assert "<script>alert" not in text
    assert text.count("</script>") == len(re.findall(r"<script[ >]", text))
    assert "</textarea>" not in text


def test_the_data_of_a_page_is_complete(small_run: Path) -> None:
    """Rows, phases, measurements, cards, events and curves are there, with masked identities."""
    page = parsed(html.write(small_run))

    table = unpacked(page.scripts["table-data"])
    assert [case[0] for case in table["cases"]] == ["CS-CANON-001", "CS-THR-001", "CS-NETEM-001"]
    assert table["columns"]["verdict"] == [3, 1, 0]
    assert table["columns"]["state"] == [1, 1, 2]
    assert table["columns"]["ms"] == [35_000, 15_000, None]
    assert table["texts"] == [
        "carrier",
        "the carrier rejects ***********7890 with cause #11",
        "",
        "no netem on this kernel",
    ]
    failed = unpacked(page.scripts["d0"])
    assert [p[0] for p in failed["phases"]] == ["P0", "P1", "P2", "P3", "P4", "P5", "P6"]
    assert failed["phases"][6][1:6] == [12000.0, 32000.0, 15.0, 3, "carrier"]
    assert failed["sims"][0][:3] == ["***************0000", "***********7890", "docomo"]
    throttled = unpacked(page.scripts["d1"])
    (measurement,) = throttled["measurements"]
    assert (measurement["value"], measurement["limit_high"], measurement["verdict"]) == (
        383_600.0,
        400_000.0,
        1,
    )
    assert len(throttled["series"][0]["t"]) == 300
    assert throttled["events"][0][4] == {"rate_bps": 384_000, "direction": "down"}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_whole_identity_is_in_a_page(small_run: Path, language: Any) -> None:
    """Also not inside of the packed data."""
    page = html.write(small_run, language=language)
    scripts = parsed(page).scripts
    texts = [page.read_text(encoding="utf-8")]
    texts += [str(unpacked(v)) for k, v in scripts.items() if k == "table-data" or k[0] == "d"]

    for text in texts:
        for identity in (IMEI, ICCID, IMSI):
            assert identity not in text


def test_results_that_failed_keep_their_details_first(small_run: Path) -> None:
    """A budget that holds one detail keeps the failure's."""
    page = parsed(html.write(small_run, detail_budget_bytes=1))

    assert [name for name in page.scripts if re.fullmatch(r"d\d+", name)] == ["d0"]


def test_results_without_room_are_not_read_for_their_details(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred equal results and room for ten: about ten are read, not two hundred."""
    journal = RunJournal.create(tmp_path, run_info(), FakeClock())
    case = CaseInfo(id="CS-X-001", version="1", title_en="case", title_ja="項目")
    unit = journal.unit(UnitInfo(imei=IMEI, model="VR-1", firmware="1"))
    for _ in range(200):
        journal.begin_result(case, unit).finish(Verdict.PASS)
    journal.finish(Verdict.PASS)
    sizes: list[int] = []
    real = page_data.packed_detail

    def counted(record: RunRecord, row: ResultRow, screen: Screen) -> str:
        packed = real(record, row, screen)
        sizes.append(len(packed))
        return packed

    monkeypatch.setattr(page_data, "packed_detail", counted)
    html.write(journal.directory)
    size = sizes[0]
    sizes.clear()
    page = parsed(html.write(journal.directory, detail_budget_bytes=10 * size + size // 2))

    kept = [name for name in page.scripts if re.fullmatch(r"d\d+", name)]
    assert len(kept) >= 8
    assert len(kept) <= len(sizes) < 20


def test_a_thinned_curve_keeps_its_extremes() -> None:
    """Least and greatest of each bucket stay, in order of time."""
    points = [(t, 1.0) for t in range(1000)]
    points[501] = (501, 9.0)
    points[502] = (502, -9.0)

    kept = thinned(points, 10)

    assert len(kept) <= 10
    assert (501, 9.0) in kept
    assert (502, -9.0) in kept
    assert kept == sorted(kept)


def test_the_languages_say_the_same_things() -> None:
    """Both catalogues have the same keys, none is empty, and there is no third language."""
    english, japanese = messages("en"), messages("ja")

    assert english.keys() == japanese.keys()
    assert all(english.values())
    assert all(japanese.values())
    with pytest.raises(UsageError, match="'fr' is not a language of the reports; there are en, ja"):
        messages("fr")
