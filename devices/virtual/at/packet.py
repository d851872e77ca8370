"""The packet domain: TS 27.007 clause 10.1."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable
from types import MappingProxyType

from devices.virtual.at.answer import (
    INCORRECT_PARAMETERS,
    NO_NETWORK_SERVICE,
    OK,
    UNSPECIFIED_GPRS_ERROR,
    Answer,
    CmeError,
    line,
    lines,
)
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Table, list_setting, only_test
from devices.virtual.at.modem import PdnContext

_HIGHEST_CID = 16
_TYPES = ("IP", "IPV6", "IPV4V6")
_BITS_PER_KILOBIT = 1000
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the standard's text for "none", nothing is bound


def _contexts(call: Call) -> list[PdnContext]:
    return [context for _, context in sorted(call.modem.contexts.items())]


def _chosen(call: Call, *, only_active: bool) -> list[PdnContext]:
    """Return the contexts an optional ``<cid>`` list asks for."""
    contexts = [c for c in _contexts(call) if c.is_active or not only_active]
    if call.form is not Form.SET:
        return contexts
    cids = [call.command.number(i, 1, _HIGHEST_CID) for i in range(len(call.command.values))]
    known = {context.cid: context for context in _contexts(call)}
    if not all(cid in known for cid in cids):
        raise CmeError(INCORRECT_PARAMETERS)
    return [context for context in contexts if context.cid in cids]


def _cid_list(call: Call) -> str:
    return ",".join(str(context.cid) for context in _contexts(call))


def _attach(call: Call) -> Answer | Awaitable[Answer]:
    if call.form is Form.TEST:
        return line("+CGATT: (0,1)")
    if call.form is Form.READ:
        return line(f"+CGATT: {int(call.modem.attached)}")
    wanted = call.command.number(0, 0, 1)
    work = call.modem.actions.set_attached(attached=wanted == 1)
    return _unless_failed(work, NO_NETWORK_SERVICE)


async def _unless_failed(work: Awaitable[bool], code: int) -> Answer:
    if not await work:
        raise CmeError(code)
    return OK


def _activate(call: Call) -> Answer | Awaitable[Answer]:
    if call.form is Form.TEST:
        return line("+CGACT: (0,1)")
    if call.form is Form.READ:
        return lines(*(f"+CGACT: {c.cid},{int(c.is_active)}" for c in _contexts(call)))
    active = call.command.number(0, 0, 1) == 1
    cids = [call.command.number(i, 1, _HIGHEST_CID) for i in range(1, len(call.command.values))]
    if not set(cids) <= set(call.modem.contexts):
        raise CmeError(INCORRECT_PARAMETERS)
    return _activate_all(call, cids or list(call.modem.contexts), active=active)


async def _activate_all(call: Call, cids: list[int], *, active: bool) -> Answer:
    for cid in cids:
        await _unless_failed(call.modem.actions.set_pdn(cid, active=active), UNSPECIFIED_GPRS_ERROR)
    return OK


def _define(call: Call) -> Answer:
    if call.form is Form.TEST:
        tail = "(0-2),(0-4),(0,1),(0,1)"
        return lines(*(f'+CGDCONT: (1-{_HIGHEST_CID}),"{kind}",,,{tail}' for kind in _TYPES))
    if call.form is not Form.SET:
        return lines(
            *(
                f'+CGDCONT: {c.cid},"{c.kind}","{c.apn}","{c.address or _NO_ADDRESS}",0,0'
                for c in _contexts(call)
            )
        )
    cid = call.command.number(0, 1, _HIGHEST_CID)
    if len(call.command.values) == 1:
        call.modem.contexts.pop(cid, None)
        return OK
    kind = call.command.text(1, "IP").upper()
    if kind not in _TYPES:
        raise CmeError(INCORRECT_PARAMETERS)
    context = call.modem.contexts.setdefault(cid, PdnContext(cid=cid))
    context.kind, context.apn = kind, call.command.text(2, "")
    return OK


def _dynamic(call: Call) -> Answer:
    """``+CGCONTRDP`` (clause 10.1.23): bearer 5 is the default bearer of the first PDN."""
    if call.form is Form.TEST:
        return line(f"+CGCONTRDP: ({_cid_list(call)})")
    return lines(*(_dynamic_line(context) for context in _chosen(call, only_active=True)))


def _dynamic_line(context: PdnContext) -> str:
    mask = ipaddress.ip_network(f"0.0.0.0/{context.prefix}").netmask
    dns = [*context.dns, "", ""][:2]
    rest = ",".join(f'"{server}"' for server in dns if server)
    head = f'+CGCONTRDP: {context.cid},{4 + context.cid},"{context.apn}"'
    return f'{head},"{context.address}.{mask}","{context.gateway}",{rest}'.rstrip(",")


def _address(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line(f"+CGPADDR: ({_cid_list(call)})")
    contexts = _chosen(call, only_active=False)
    return lines(
        *(
            f'+CGPADDR: {c.cid},"{_shown_address(call, c)}"' if c.address else f"+CGPADDR: {c.cid}"
            for c in contexts
        )
    )


def _shown_address(call: Call, context: PdnContext) -> str:
    if "cgpaddr_differs" in call.modem.defects:
        return str(ipaddress.ip_address(context.address) + 1)
    return context.address


def _quality(call: Call) -> Answer:
    """``+CGEQOSRDP`` (clause 10.1.28); rates in kbit/s."""
    if call.form is Form.TEST:
        return line(f"+CGEQOSRDP: ({_cid_list(call)})")
    return lines(*(_quality_line(context) for context in _chosen(call, only_active=True)))


def _quality_line(context: PdnContext) -> str:
    text = f"+CGEQOSRDP: {context.cid},{context.qci}"
    if not context.ambr_dl_bps:
        return text
    dl, ul = (rate // _BITS_PER_KILOBIT for rate in (context.ambr_dl_bps, context.ambr_ul_bps))
    return f"{text},0,0,0,0,{dl},{ul}"


def _event_reporting(call: Call) -> Answer:
    """``+CGEREP`` (clause 10.1.19)."""
    numbers = call.settings.numbers
    if call.form is Form.TEST:
        return line("+CGEREP: (0-2),(0,1)")
    if call.form is Form.READ:
        return line(f"+CGEREP: {numbers.get('+CGEREP', 0)},{numbers.get('+CGEREP.bfr', 0)}")
    numbers["+CGEREP"] = call.command.number(0, 0, 2, 0)
    numbers["+CGEREP.bfr"] = call.command.number(1, 0, 1, 0)
    return OK


def _rate_control(call: Call) -> Answer:
    """``+CGAPNRC`` (clause 10.1.50): this network applies none."""
    if call.form is Form.TEST:
        return line(f"+CGAPNRC: ({_cid_list(call)})")
    return lines(*(f"+CGAPNRC: {c.cid},0,0,0" for c in _chosen(call, only_active=True)))


def _end_reason(call: Call) -> Answer:
    """``+CEER`` (clause 6.10)."""
    if call.form is Form.TEST:
        return OK
    return line(f"+CEER: {call.modem.end_reason}")


TABLE: Table = MappingProxyType(
    {
        "+CGATT": _attach,
        "+CGACT": _activate,
        "+CGDCONT": _define,
        "+CGCONTRDP": _dynamic,
        "+CGPADDR": _address,
        "+CGEQOSRDP": _quality,
        "+CGEREP": _event_reporting,
        "+CGAPNRC": _rate_control,
        "+CEER": _end_reason,
        "+CGSMS": list_setting("+CGSMS", "(0-3)", "1", 1),
        "+CGAUTH": only_test("+CGAUTH: (1-16),(0-2),127,127"),
    }
)
