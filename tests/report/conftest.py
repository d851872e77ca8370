"""Records for the tests of reports: one run with all that can be in it, and one with many results.

Written by hand from what a bench would say; no router took part.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.core.clock import FakeClock
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.record.journal import RunJournal
from harness.record.result_writer import ResultWriter
from harness.record.rows import CaseInfo, RunInfo, UnitInfo
from harness.verdict.judge import judge
from harness.verdict.limits import Limit
from harness.verdict.verdict import Verdict

S = 1_000_000_000
IMEI = "490154203237518"
ICCID = "8981100005819480000"
IMSI = "440101234567890"
EVIL = "<script>alert('x')</script>&\"'\u2028</textarea>"


def run_info(name: str = "r1") -> RunInfo:
    """Return what is known before the run."""
    return RunInfo(
        id=name,
        title="canonical test, then a throttle",
        plan="canonical",
        bench="desk",
        is_virtual=True,
        harness_version="0.1.0",
        lab_text='[router.r1]\nimei = "490154203237518"\n',
        environment={"kernel": "6.1", "python": "3.11"},
    )


def canonical(result: ResultWriter, start_ns: int) -> None:
    """Write P0 to P7: P6 fails, the carrier rejects."""
    lengths_s = {"P0": 6.2, "P1": 3.1, "P2": 0.8, "P3": 0.2, "P4": 1.4, "P5": 0.3}
    t_ns = start_ns
    for name, length_s in lengths_s.items():
        end_ns = t_ns + round(length_s * S)
        result.phase(name, t_ns, end_ns, limit_s=20.0, verdict=Verdict.PASS)
        result.event("at", "AT+CEREG?", t_ns=t_ns + S // 10, data={"direction": "tx"})
        result.event("at", "+CEREG: 2,0", t_ns=t_ns + S // 9, data={"direction": "rx"})
        t_ns = end_ns
    result.event("registration", "seed 99999", t_ns=start_ns + 7 * S)
    result.event("registration", "searching", t_ns=t_ns)
    result.event("urc", '+CEREG: 0,,,,0,11 cause #11 "REJECT"', t_ns=t_ns + S)
    result.event("server", f"assigned {ICCID} to {IMEI}", t_ns=t_ns - S, party=Party.ACCESS_SERVER)
    result.event("udev", "<img src=x onerror=alert(1)>", t_ns=start_ns + 2 * S)
    result.event("at", IMSI, t_ns=t_ns + S // 2, data={"direction": "rx", EVIL: EVIL})
    result.event("power", "slot vb0 on", t_ns=start_ns)
    result.phase(
        "P6",
        t_ns,
        t_ns + 20 * S,
        limit_s=15.0,
        verdict=Verdict.FAIL,
        owner=Party.CARRIER,
        note="rejected with cause #11, PLMN not allowed",
    )
    result.sim_use(ICCID, IMSI, "docomo", "44010", start_ns=t_ns - 2 * S, end_ns=None)


def throttled(result: ResultWriter, start_ns: int) -> None:
    """Write a throttle case: 10 Mbit/s, then 384 kbit/s, then free again."""
    noise = random.Random(7)
    points = [
        (start_ns + i * S // 20, (384e3 if 60 <= i < 220 else 1e7) * noise.uniform(0.96, 1.02))
        for i in range(300)
    ]
    result.series("goodput", "bit/s", points)
    result.event(
        "injection",
        "tbf 384 kbit/s on lan0, read back",
        t_ns=start_ns + 3 * S,
        data={"rate_bps": 384_000, "direction": "down"},
    )
    result.event(
        "injection",
        "taken away, read back",
        t_ns=start_ns + 11 * S,
        data={"rate_bps": None, "direction": "down"},
    )
    result.sim_use(ICCID, IMSI, "docomo", "44010", start_ns=start_ns, end_ns=start_ns + 14 * S)
    limit = Limit(
        name="throttle.ceiling", unit="bit/s", high=400e3, requirements=("R12",), title="ceiling"
    )
    result.measurement(
        Measurement(
            name="throttle.goodput",
            value=383_600.0,
            unit="bit/s",
            low=382_900.0,
            high=384_300.0,
            n=160,
            bytes_burnt=49_000,
        ),
        judge(limit, 383_600.0, low=382_900.0, high=384_300.0),
    )
    result.phase(
        "throttle", start_ns + 3 * S, start_ns + 11 * S, limit_s=12.0, verdict=Verdict.PASS
    )


@pytest.fixture
def small_run(tmp_path: Path) -> Path:
    """Return the directory of a run with everything in it."""
    return write_small(tmp_path / "runs")


def write_small(runs_dir: Path) -> Path:
    """Write the run with everything in it; return its directory."""
    clock = FakeClock(monotonic_ns=1000 * S, utc_us=1_795_660_800_000_000)
    journal = RunJournal.create(runs_dir, run_info(), clock)
    journal.limit_set("[phase]\n", "1d" * 32)
    unit = journal.unit(
        UnitInfo(imei=IMEI, model="VR-1", firmware="1.2.7", hardware="A", slot="vb0", serial=EVIL)
    )
    for number, (case, title_en, title_ja) in enumerate(
        [
            ("CS-CANON-001", "from power on to data", "電源投入からデータ通信まで"),
            ("CS-THR-001", "throttled to 384 kbit/s", "384 kbit/sへの速度制限"),
            ("CS-NETEM-001", "loss and delay", "損失と遅延"),
        ]
    ):
        info = CaseInfo(
            id=case, version="1", title_en=title_en, title_ja=title_ja, requirements=("R06",)
        )
        if number == 2:
            journal.not_run(info, unit, "no netem on this kernel")
            continue
        result = journal.begin_result(info, unit)
        (canonical if number == 0 else throttled)(result, clock.monotonic_ns())
        transcript = journal.directory / f"at-{number}.txt"
        transcript.write_text(f"> AT+CGSN\n< {IMEI}\n")
        result.artifact(transcript, "at-transcript")
        clock.sleep(35.0 if number == 0 else 15.0)
        if number == 0:
            cause = f"the carrier rejects {IMSI} with cause #11"
            result.finish(Verdict.FAIL, owner=Party.CARRIER, cause=cause)
        else:
            result.finish(Verdict.PASS)
    journal.finish(Verdict.FAIL)
    return journal.directory
