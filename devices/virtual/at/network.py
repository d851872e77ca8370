"""Registration, operators and signal: TS 27.007 clauses 7.2, 7.3, 8.5, 8.69, 10.1.20 to 10.1.22."""

from __future__ import annotations

from collections.abc import Awaitable
from types import MappingProxyType

from devices.virtual.at.answer import (
    INCORRECT_PARAMETERS,
    NO_NETWORK_SERVICE,
    OK,
    OPERATION_NOT_ALLOWED,
    Answer,
    CmeError,
    line,
)
from devices.virtual.at.grammar import Form
from devices.virtual.at.handler import Call, Handler, Table, number_setting
from devices.virtual.at.modem import Cell, Modem, Registration, Stat

OPERATORS = MappingProxyType(
    {
        "44010": ("NTT DOCOMO", "DOCOMO"),
        "44011": ("Rakuten", "Rakuten"),
        "44020": ("SoftBank", "SoftBank"),
        "44051": ("KDDI", "KDDI"),
        "99942": ("Seed network", "Seed"),
    }
)
"""Long and short names by numeric code; 999 is the ITU's code for tests."""

_REGISTERED = frozenset({Stat.HOME, Stat.ROAMING})
_LONG, _SHORT, _NUMERIC = range(3)
_MANUAL_THEN_AUTOMATIC, _ONLY_FORMAT = 4, 3
_HIGHEST_REPORT = MappingProxyType({"+CREG": 3, "+CGREG": 3, "+CEREG": 5, "+C5GREG": 3})
_LOCATION_FROM = 2
_CAUSE_FROM = 3


def shown_stat(modem: Modem, domain: str) -> Stat:
    """Return ``<stat>`` of a domain: this modem is LTE only, data only."""
    return Stat.IDLE if domain == "+C5GREG" else modem.registration.stat


def location(registration: Registration) -> str:
    """Return ``,"<tac>","<ci>",<AcT>`` in the form of TS 27.007 clause 10.1.22."""
    return f',"{registration.tac:04X}","{registration.ci:08X}",{registration.act}'


def registration_text(modem: Modem, domain: str, report: int) -> str:
    """Return ``<stat>[,<tac>,<ci>,<AcT>[,<cause_type>,<reject_cause>]]``."""
    stat = shown_stat(modem, domain)
    text = str(int(stat))
    registration = modem.registration
    has_cause = registration.reject_cause is not None and stat is Stat.DENIED
    if report >= _LOCATION_FROM and stat in _REGISTERED:
        text += location(registration)
    elif report >= _CAUSE_FROM and has_cause and domain != "+C5GREG":
        text += f",,,,0,{registration.reject_cause}"
    return text


def _report(domain: str) -> Handler:
    highest = _HIGHEST_REPORT[domain]

    def handle(call: Call) -> Answer:
        settings = call.settings
        if call.form is Form.TEST:
            return line(f"{domain}: (0-{highest})")
        report = settings.reports.get(domain, 0)
        if call.form is Form.READ:
            return line(f"{domain}: {report},{registration_text(call.modem, domain, report)}")
        settings.reports[domain] = call.command.number(0, 0, highest, 0)
        return OK

    return handle


def registration_lines(modem: Modem, reports: dict[str, int]) -> list[str]:
    """Return the unsolicited lines a port has asked for."""
    return [
        f"{domain}: {registration_text(modem, domain, report)}"
        for domain, report in reports.items()
        if report
    ]


def operator_name(plmn: str, kind: int) -> str:
    """Return a network's name in ``<format>`` 0 long, 1 short or 2 numeric."""
    if kind == _NUMERIC or plmn not in OPERATORS:
        return plmn
    return OPERATORS[plmn][kind]


def shown_name(call: Call, plmn: str, kind: int) -> str:
    """Return a network's name in the character set of ``+CSCS``: UCS2 is hex digits."""
    name = operator_name(plmn, kind)
    if call.settings.texts.get("+CSCS") != "UCS2":
        return name
    return name.encode("utf-16-be").hex().upper()


def _scan_line(call: Call, cells: tuple[Cell, ...], current: str) -> str:
    best: dict[str, int] = {}
    for cell in sorted(cells, key=lambda cell: -cell.rsrp_dbm):
        best.setdefault(cell.plmn, cell.act)
    found = [
        f'({2 if plmn == current else 1},"{shown_name(call, plmn, 0)}",'
        f'"{shown_name(call, plmn, 1)}","{shown_name(call, plmn, 2)}",{act})'
        for plmn, act in best.items()
    ]
    return "+COPS: " + ",".join([*found, "", "(0-4)", "(0-2)"])


def _operator(call: Call) -> Answer | Awaitable[Answer]:
    if call.form is Form.TEST:
        if call.modem.fun != 1:
            raise CmeError(OPERATION_NOT_ALLOWED)
        return _scan(call)
    if call.form is Form.READ:
        return line(_current_operator(call))
    return _select_operator(call)


async def _scan(call: Call) -> Answer:
    modem = call.modem
    cells = await modem.actions.scan()
    is_on = modem.registration.stat in _REGISTERED
    return line(_scan_line(call, cells, modem.registration.plmn if is_on else ""))


def _current_operator(call: Call) -> str:
    registration = call.modem.registration
    text = f"+COPS: {call.modem.selection}"
    if registration.stat not in _REGISTERED:
        return text
    kind = call.settings.oper_format
    return f'{text},{kind},"{shown_name(call, registration.plmn, kind)}",{registration.act}'


async def _select_operator(call: Call) -> Answer:
    command, modem = call.command, call.modem
    mode = command.number(0, 0, 4, 0)
    kind = command.number(1, 0, 2, call.settings.oper_format)
    if mode == _ONLY_FORMAT:
        call.settings.oper_format = kind
        return OK
    if modem.fun != 1:
        raise CmeError(OPERATION_NOT_ALLOWED)
    if mode in {1, _MANUAL_THEN_AUTOMATIC}:
        plmn = _plmn_of(command.text(2), kind)
        modem.selection = mode
        if not await modem.actions.select_network(plmn):
            raise CmeError(NO_NETWORK_SERVICE)
        return OK
    modem.selection = mode
    if mode == 0:
        await modem.actions.select_network(None)
    else:
        await modem.actions.set_attached(attached=False)
    return OK


def _plmn_of(text: str, kind: int) -> str:
    if kind == _NUMERIC:
        return text
    for plmn, names in OPERATORS.items():
        if text == names[kind]:
            return plmn
    raise CmeError(INCORRECT_PARAMETERS)


def rssi_index(rsrp_dbm: float) -> int:
    """Return ``<rssi>`` of ``+CSQ``: RSSI over 50 resource blocks is about RSRP + 28 dB."""
    return min(31, max(0, round((rsrp_dbm + 28 + 113) / 2)))


def _signal_quality(call: Call) -> Answer:
    if call.form is Form.TEST:
        return line("+CSQ: (0-31,99),(0-7,99)")
    cell = call.modem.serving()
    if cell is None or call.modem.fun != 1:
        return line("+CSQ: 99,99")
    return line(f"+CSQ: {rssi_index(cell.rsrp_dbm)},99")


def _extended_quality(call: Call) -> Answer:
    """``+CESQ`` (clause 8.69): rsrq in half dB from -20 dB, rsrp in dB from -141 dBm."""
    if call.form is Form.TEST:
        return line("+CESQ: (0-63,99),(0-7,99),(0-96,255),(0-49,255),(0-34,255),(0-97,255)")
    cell = call.modem.serving()
    if cell is None or call.modem.fun != 1:
        return line("+CESQ: 99,99,255,255,255,255")
    rsrq = min(34, max(0, round((cell.rsrq_db + 20) * 2)))
    rsrp = min(97, max(0, round(cell.rsrp_dbm + 141)))
    return line(f"+CESQ: 99,99,255,255,{rsrq},{rsrp}")


def _indicators(call: Call) -> Answer:
    """``+CIND`` (clause 8.9): battery, signal, service, roaming."""
    if call.form is Form.TEST:
        return line(
            '+CIND: ("battchg",(0-5)),("signal",(0-5)),("service",(0-1)),("message",(0-1)),'
            '("call",(0-1)),("roam",(0-1)),("smsfull",(0-1))'
        )
    if call.form is not Form.READ:
        return OK
    stat = call.modem.registration.stat
    cell = call.modem.serving()
    bars = 0 if cell is None else min(5, max(0, round((cell.rsrp_dbm + 120) / 8)))
    return line(f"+CIND: 5,{bars},{int(stat in _REGISTERED)},0,0,{int(stat is Stat.ROAMING)},0")


def _connection_status(call: Call) -> Answer:
    """``+CSCON`` (clause 10.1.30): whether there is a radio connection."""
    if call.form is Form.TEST:
        return line("+CSCON: (0-1)")
    if call.form is Form.READ:
        enabled = call.settings.numbers.get("+CSCON", 0)
        return line(f"+CSCON: {enabled},{int(call.modem.is_connected)}")
    call.settings.numbers["+CSCON"] = call.command.number(0, 0, 1, 0)
    return OK


def _preferred_list(call: Call) -> Answer:
    """``+CPOL`` (clause 7.19): the list of this card holds its own network."""
    if call.form is Form.TEST:
        return line("+CPOL: (1-1),(0-2)")
    if call.form is Form.READ:
        return line(f'+CPOL: 1,2,"{call.card().plmn}"')
    return OK


def _operator_names(call: Call) -> Answer:
    """``+COPN`` (clause 7.21)."""
    if call.form is Form.TEST:
        return OK
    names = [f'+COPN: "{plmn}","{names[_LONG]}"' for plmn, names in OPERATORS.items()]
    return Answer(lines=tuple(names))


TABLE: Table = MappingProxyType(
    {
        **{domain: _report(domain) for domain in _HIGHEST_REPORT},
        "+COPS": _operator,
        "+COPN": _operator_names,
        "+CPOL": _preferred_list,
        "+CPLS": number_setting("+CPLS", 0, 0, 0),
        "+CSQ": _signal_quality,
        "+CESQ": _extended_quality,
        "+CIND": _indicators,
        "+CSCON": _connection_status,
        "+WS46": number_setting("+WS46", 28, 28, 28),
        "+CEMODE": number_setting("+CEMODE", 0, 3, 2),
    }
)
