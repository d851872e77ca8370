"""Throws inputs at framing, dialogue and every parser of ``harness.at`` and counts them.

An input is one line given to one parser, or one stream given to a dialogue twice, cut in two
ways. Anything but a value or the parser's own error, any difference between the two cuts, and any
memory that grows ends the run with the seed that shows it. Exit code 1 then.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import pkgutil
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import harness.at
from harness.at.charset import decode_text
from harness.at.cmee import command_error
from harness.at.dialogue import Dialogue, Event, Habits
from harness.at.errors import AtFramingError
from harness.at.framing import LINE_BYTES_MAX

NOT_OF_ROUTERS: Final = {"parse_command", "parse_address", "parse_interface"}
OF_LINES: Final = {"parse_ati", "parse_ceer", "parse_cops_scan"}
COMMANDS: Final = (
    "AT", "ATI", "AT+CSQ", "AT+CREG?", "AT+CREG=2", "AT+COPS=?", "AT+CMGS=1", "ATD*99#", "ATV0",
    "AT+CGMI;+CGMM", "AT+CSCON?", 'AT+CCHO="A0"',
)  # fmt: skip
LINES: Final = (
    "+CSQ: 20,99", "+CESQ: 99,99,255,255,20,46,255,255,255", '+CREG: 2,1,"00C3","0001A2B3",7',
    "+CEREG: 3,3,,,,0,15", '+C5GREG: 2,1,"00000C","000000123",11,4,"01.000001"',
    '+COPS: 0,2,"44010",7', '+COPS: (2,"a","b","44010",7),(1,"c, d","e","44020"),,(0-4),(0-2)',
    '+CGDCONT: 1,"IPV4V6","spmode.ne.jp","0.0.0.0",0,0', '+CGDCONT: (1-16),"IP",,,(0-2)',
    "+CGACT: 1,1", "+CGATT: 1", '+CGPADDR: 1,"10.1.2.3","2001:db8::1"',
    '+CGCONTRDP: 1,5,"a.gprs","10.0.0.2.255.255.255.0","10.0.0.1","8.8.8.8","8.8.4.4"',
    "+CGEV: NW PDN DEACT 5", '+CGEV: NW DEACT "IP","10.0.0.1",1', '+CCLK: "26/11/24,12:00:05+36"',
    '+CTZE: "+36",0,"2026/11/24,12:00:05"', "+CFUN: (0,1,4-6),(1-0)", "+CSCON: 1,1,7",
    '+CRSM: 144,0,"98101430121181157002"', '+CSIM: 8,"AABB9000"', "+CCHO: 1", "3",
    '+CNUM: "me","+819012345678",145', '+CIND: ("battchg",(0-5)),("signal",(0-5))', "+CIEV: 2,4",
    "+CPIN: READY", '+QNWINFO: "FDD LTE","44010","LTE BAND 3",1850',
    '+QENG: "servingcell","NOCONN","LTE","FDD",440,10,1A2B3C4,123,1850,3,5,5,12AB,-95,-10,-65,12,-',
    '+QENG:"NR5G-NSA",440,20,501,-85,20,-11,643334,77,12,1', "+QGDCNT: 3832,4618",
    "+CPSI: LTE,Online,440-10,0x12AB,27440068,257,EUTRAN-BAND3,1850,5,5,-94,-850,-545,15",
    '^HCSQ: "LTE",50,46,151,20', '^SYSINFOEX:2,3,0,1,,6,"LTE",101,"LTE"',
    "^DSFLOWQRY:0000000A,0000000000000100,0000000000000200,000000FF,0000000000001000,00002000",
    "+UGCNTRD: 31,2704,1819,2724,1839", '^CLOUDSIM: 1,7,"8981100022152967705"',
    "+CGEQOSRDP: 1,9,0,0,0,0,128,128", "+CGAPNRC: 1,1,2,40", "+CMEE: 1", '+CSCS: "IRA"',
    "+CCID: 8981100022152967705F", "490154203237518", "440101234567890", "+CME ERROR: 10",
    "Manufacturer: ACME", "+CEER: EMM cause 15", "OK", "ERROR", "CONNECT", "NO CARRIER", "RING",
    "0", "> ", '+CUSD: 1,"line\r\nline",15',
)  # fmt: skip
SPECIAL: Final = '",:()-+.;=?\r\n\x00> 0123456789AFafx\x1a\x1b\xff\u00b2'
BATCH: Final = 2000
GRACE_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that must not happen.

    Attributes:
        what: What it was.
        shown: The input.
    """

    what: str
    shown: str


def parsers() -> list[Callable[..., Any]]:
    """Return every function `parse_…` of the package that reads what a router says."""
    found: list[Callable[..., Any]] = []
    for module_info in pkgutil.iter_modules(harness.at.__path__):
        module = importlib.import_module(f"harness.at.{module_info.name}")
        for name, value in sorted(vars(module).items()):
            if (
                name.startswith("parse_")
                and name not in NOT_OF_ROUTERS
                and value.__module__ == module.__name__
            ):
                found.append(value)
    return [*found, lambda line: command_error("AT", line), *map(_decoder, ("UCS2", "GSM", "HEX"))]


def _decoder(charset: Any) -> Callable[[str], str]:
    return lambda line: decode_text(line, charset)


def mutated(rng: random.Random, line: str) -> str:
    """Return `line` with a few characters changed, lost, doubled or mixed with another line."""
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        place = rng.randrange(len(line) + 1)
        match rng.randrange(6):
            case 0:
                line = line[:place] + rng.choice(SPECIAL) + line[place:]
            case 1:
                line = line[:place] + line[place + rng.randrange(1, 4) :]
            case 2:
                line = line[:place] + chr(rng.randrange(256)) + line[place + 1 :]
            case 3:
                other = rng.choice(LINES)
                line = line[:place] + other[rng.randrange(len(other)) :]
            case 4:
                line = line[:place] + line[max(0, place - 6) : place] + line[place:]
            case _:
                line = (
                    line[:place] + str(rng.choice((-1, 99, 255, 256, 2**31, 2**64))) + line[place:]
                )
    return line


def said(command: str, chunks: list[bytes]) -> tuple[list[Event], bytes]:
    """Return all events of `chunks`, silence at the end included, and what is left over."""
    dialogue = Dialogue(Habits(missing_ok=frozenset({"AT+CSQ"})))
    dialogue.begin(command)
    events: list[Event] = []
    for chunk in chunks:
        events += dialogue.receive(chunk, 0)
        if len(dialogue.pending) > LINE_BYTES_MAX:
            events.append(Event(t_ns=0, text="memory grows", raw=b""))
    for t_ns in (GRACE_NS, 2 * GRACE_NS):
        events += dialogue.tick(t_ns)
    return events, dialogue.pending


def stream(rng: random.Random) -> bytes:
    """Return what a router in trouble may send."""
    pieces = []
    for _ in range(rng.randrange(1, 12)):
        pieces.append(mutated(rng, rng.choice(LINES)).encode("latin-1", "replace"))
        pieces.append(rng.choice((b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\r\r\n", b"", b'"')))
    if rng.randrange(50) == 0:
        pieces.insert(0, rng.randbytes(rng.randrange(3000)))
    if rng.randrange(200) == 0:
        pieces.insert(0, b"x" * rng.randrange(LINE_BYTES_MAX + 3000))
    return b"".join(pieces)


def cut(rng: random.Random, wire: bytes) -> list[bytes]:
    """Cut `wire` at some places."""
    places = sorted(rng.randrange(len(wire) + 1) for _ in range(rng.choice((1, 2, 5, 40))))
    edges = [0, *places, len(wire)]
    return [wire[start:end] for start, end in pairwise(edges)]


def batch(seed: int) -> tuple[int, Finding | None]:
    """Try `BATCH` inputs; return how many were tried and what was found."""
    rng = random.Random(seed)
    readers = parsers()
    for number in range(BATCH):
        if number % 20 == 0:
            command, wire = rng.choice(COMMANDS), stream(rng)
            try:
                whole, pieces = said(command, [wire]), said(command, cut(rng, wire))
            except BaseException as exc:  # noqa: BLE001 - whatever it is, it must not happen
                return number, Finding(what=repr(exc), shown=f"{command!r} {wire!r}")
            grows = any(event.text == "memory grows" for event in whole[0])
            if whole != pieces or grows:
                return number, Finding(what="cuts matter", shown=f"{command!r} {wire!r}")
            continue
        line = mutated(rng, rng.choice(LINES))
        reader = rng.choice(readers)
        try:
            reader((line,) if reader.__name__ in OF_LINES else line)
        except AtFramingError:
            continue
        except BaseException as exc:  # noqa: BLE001 - the same
            return number, Finding(what=f"{reader.__name__}: {exc!r}", shown=repr(line))
    return BATCH, None


def seeds(first: int, inputs: int) -> Iterator[int]:
    """Give the seeds of as many batches as `inputs` need."""
    yield from range(first, first + -(-inputs // BATCH))


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run, print a line every million inputs, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first batch")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    done, start = 0, time.monotonic()
    with multiprocessing.Pool(options.processes) as pool:
        work = pool.imap(batch, seeds(options.seed, options.inputs), chunksize=4)
        for seed, (tried, finding) in enumerate(work, start=options.seed):
            done += tried
            if finding is not None:
                say(f"seed {seed} after {done} inputs: {finding.what}\n{finding.shown}")
                return 1
            if done % 1_000_000 < BATCH:
                say(f"{done} inputs, {time.monotonic() - start:.0f} s")
    say(f"{done} inputs, {time.monotonic() - start:.0f} s: nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
