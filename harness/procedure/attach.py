"""ATT: the router attaches on each carrier, and all parties name the same card and address."""

from __future__ import annotations

from typing import Final

from harness.cloud.adapter import LOG
from harness.core.clock import Deadline
from harness.core.party import Party
from harness.measure.measurement import Measurement
from harness.procedure.canonical import boot
from harness.procedure.case import Case, CaseRun
from harness.procedure.line_rate import RATE_LIMIT, judge_lines, look_at_line
from harness.procedure.names import NAME_LIMIT, judge_names
from harness.procedure.phases import Phase
from harness.procedure.serving import in_service
from harness.procedure.steering import carriers_of, require_core, standing_at
from harness.procedure.watch import Watch
from harness.record.rows import CaseInfo
from harness.verdict.blame import Facts, blame
from harness.verdict.line_blame import FreeLine
from harness.verdict.verdict import Verdict

AGREEMENT_LIMIT: Final = "attach.disagreements"
_STEP_S: Final = 5.0


def run_each_carrier(run: CaseRun) -> None:
    """Boot to data where each carrier is the strongest, and compare what the parties say.

    Raises:
        CaseFailedError: A phase did not end in time; its owner is noted.
        BenchError: The bench cannot switch or steer.
    """
    carriers = carriers_of(list(run.dut.cloud.sims(Deadline.after(_STEP_S, run.clock))))
    count = 0
    lines: list[FreeLine] = []
    for plmn, carrier in carriers.items():
        with standing_at(run, plmn):
            watch = boot(run, label=f"{carrier} ")
            watch.write_card()
            judge_names(run, carrier)
            found = _disagreements(run, watch)
            lines.append(look_at_line(in_service(run, watch.selected_iccid), carrier))
        count += len(found)
        facts = Facts(
            phase="P7",
            bench_problem=run.dut.bench_problem(),
            pdn_address=watch.pdn_address or "",
            disagree=found,
        )
        if found:
            run.fail(f"{carrier} agreement", blame(facts))
        else:
            text = "AT, access server and carrier name one ICCID, IMSI, PLMN and address"
            run.step(f"{carrier} agreement", Verdict.PASS, text)
    total = Measurement(name=AGREEMENT_LIMIT, value=float(count), unit="1", n=4 * len(carriers))
    run.measured(AGREEMENT_LIMIT, total, owner=Party.ROUTER)
    judge_lines(run, lines)


def _disagreements(run: CaseRun, watch: Watch) -> tuple[str, ...]:
    """Return in what AT differs from what the access server chose and the carrier serves."""
    deadline = Deadline.after(_STEP_S, run.clock)
    driver, dut = run.dut.driver, run.dut
    chosen = [sim for sim in dut.cloud.sims(deadline) if sim.iccid == watch.selected_iccid]
    imsi = chosen[0].imsi if chosen else None
    line = require_core(run).subscriber(imsi, deadline) if imsi else None
    served_at = line.address if line and line.attached_imei == dut.router.imei else None
    pairs = {
        "iccid": (driver.iccid(deadline), watch.selected_iccid),
        "imsi": (driver.imsi(deadline), imsi),
        "plmn": (driver.registration(deadline).plmn, watch.selected_plmn),
        "address": (driver.pdn_address(deadline), served_at),
    }
    return tuple(name for name, (by_at, by_others) in pairs.items() if by_at != by_others)


CASES: Final[tuple[Case, ...]] = (
    Case(
        info=CaseInfo(
            id="CS-ATT-001",
            version="1",
            title_en="On each carrier: attached, data, names, and all parties tell the same card",
            title_ja="各キャリアで接続・通信・名前解決ができ、SIM と IP アドレスの認識が全者で一致",
            requirements=("R06",),
        ),
        needs=frozenset({"power", "core", "far_end", LOG}),
        injected="place of the router: the strongest cell of each carrier in turn",
        owner_rule="who is alone with what it says or with its rate; whose name server is silent",
        limits=frozenset(phase.limit_name for phase in Phase)
        | {AGREEMENT_LIMIT, NAME_LIMIT, RATE_LIMIT},
        estimated_s=14.0,
        estimated_bytes=3_000_000,
        run=run_each_carrier,
    ),
)
