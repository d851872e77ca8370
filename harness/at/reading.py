"""Which parser reads the answer to a command: what `harness at` shows beside the raw lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Final

from harness.at.card import parse_ccho, parse_crsm, parse_csim
from harness.at.cesq import parse_cesq
from harness.at.cfun import parse_cfun, parse_cscon, parse_cscs
from harness.at.cimi import parse_cimi
from harness.at.cloudsim import parse_cloudsim
from harness.at.cmee import parse_cmee
from harness.at.command import Form, parse_command
from harness.at.cops import parse_cops, parse_cops_scan
from harness.at.cpin import parse_cpin
from harness.at.csq import parse_csq
from harness.at.huawei import parse_hcsq, parse_sysinfoex
from harness.at.iccid import parse_iccid
from harness.at.identification import parse_ati, parse_cgsn, parse_identity
from harness.at.lane import Reply
from harness.at.network_time import parse_cclk
from harness.at.pdp import parse_cgact, parse_cgatt, parse_cgcontrdp, parse_cgdcont, parse_cgpaddr
from harness.at.qos import parse_cgapnrc, parse_cgeqosrdp
from harness.at.quectel import parse_qeng, parse_qgdcnt, parse_qnwinfo
from harness.at.registration import parse_registration
from harness.at.simcom import parse_cpsi
from harness.at.subscriber import parse_cind, parse_cnum
from harness.at.ublox import parse_ugcntrd
from harness.core.errors import RouterError

Read = Callable[[str], object]

_ANY_FORM: Final = MappingProxyType[str, Read](
    {
        "+CGMI": parse_identity,
        "+CGMM": parse_identity,
        "+CGMR": parse_identity,
        "+CGSN": parse_cgsn,
        "+CIMI": parse_cimi,
        "+CCID": parse_iccid,
        "+ICCID": parse_iccid,
        "+QCCID": parse_iccid,
        "^ICCID": parse_iccid,
        "+CSQ": parse_csq,
        "+CESQ": parse_cesq,
        "+CGPADDR": parse_cgpaddr,
        "+CGCONTRDP": parse_cgcontrdp,
        "+CGEQOSRDP": parse_cgeqosrdp,
        "+CGAPNRC": parse_cgapnrc,
        "+CRSM": parse_crsm,
        "+CSIM": parse_csim,
        "+CCHO": parse_ccho,
        "+CNUM": parse_cnum,
        "+QNWINFO": parse_qnwinfo,
        "+QENG": parse_qeng,
        "+UGCNTRD": parse_ugcntrd,
    }
)
_READ_FORM: Final = MappingProxyType[str, Read](
    {
        "+CPIN": parse_cpin,
        "+CREG": parse_registration,
        "+CGREG": parse_registration,
        "+CEREG": parse_registration,
        "+C5GREG": parse_registration,
        "+COPS": parse_cops,
        "+CGATT": parse_cgatt,
        "+CGACT": parse_cgact,
        "+CGDCONT": parse_cgdcont,
        "+CFUN": parse_cfun,
        "+CSCON": parse_cscon,
        "+CSCS": parse_cscs,
        "+CMEE": parse_cmee,
        "+CCLK": parse_cclk,
        "+CIND": parse_cind,
        "+QGDCNT": parse_qgdcnt,
        "+CPSI": parse_cpsi,
        "^HCSQ": parse_hcsq,
        "^SYSINFOEX": parse_sysinfoex,
        "^CLOUDSIM": parse_cloudsim,
    }
)


def read_reply(command: str, reply: Reply) -> list[str]:
    """Return what an answer means, a line each; nothing when no parser reads this command.

    Raises:
        UsageError: The command is not one command line.
    """
    asked = parse_command(command)
    name = asked.name.upper()
    try:
        if name == "+COPS" and asked.form is Form.TEST:
            return [_shown(found) for found in parse_cops_scan(reply.lines).operators]
        if name == "I":
            return [_shown(parse_ati(reply.lines))]
        read = _ANY_FORM.get(name) if asked.form is not Form.TEST else None
        if read is None and asked.form is Form.READ:
            read = _READ_FORM.get(name)
        return [_shown(read(line)) for line in reply.lines] if read else []
    except RouterError as exc:
        return [f"not understood: {exc}"]


def _shown(value: object) -> str:
    """Write a value as `name=value` pairs; unknown is `-`."""
    if value is None:
        return "-"
    if not is_dataclass(value):
        return str(value)
    pairs = [(field.name, getattr(value, field.name)) for field in fields(value)]
    return ", ".join(f"{name}={'-' if it is None else it}" for name, it in pairs if name != "raw")
