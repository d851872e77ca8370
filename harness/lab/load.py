"""Reads lab.toml; every problem as ``lab.toml: dotted.key: problem; remedy``."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from harness.core.errors import BenchError
from harness.core.files import read_text
from harness.lab.schema import Lab

_DOTTED: Final = re.compile(r"(?P<key>[a-z_][\w.-]*\.[\w.-]+): (?P<rest>.*)", re.DOTALL)
_REMEDIES: Final = {
    "missing": ("it is missing", "add it"),
    "extra_forbidden": ("there is no such key", "remove it"),
}


def load_lab(path: Path) -> Lab:
    """Read and check a bench file.

    Raises:
        BenchError: It is not there, is no TOML, or says something that cannot be.
    """
    lab = parse_lab(lab_text(path), source=path.name)
    _require_files(lab, path)
    return lab


def lab_text(path: Path) -> str:
    """Return the text of a bench file, unread.

    Raises:
        BenchError: It is not there, or no text.
    """
    return read_text(path, remedy="name the bench's own with --lab", error=BenchError)


def parse_lab(text: str, *, source: str = "lab.toml") -> Lab:
    """Read the text of a bench file.

    Raises:
        BenchError: It is no TOML, or says something that cannot be; each problem is one line.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        msg = f"{source}: it is not TOML: {exc}; a table is [routers.r1], text is in quotes"
        raise BenchError(msg) from None
    try:
        return Lab.model_validate(tables)
    except ValidationError as exc:
        lines = [f"{source}: {_line(problem)}" for problem in exc.errors()]
        raise BenchError("\n".join(lines)) from None


def _line(problem: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    """Write one of pydantic's problems as `dotted.key: problem; remedy`."""
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "(the whole file)"
    kind = problem["type"]
    if kind == "extra_forbidden":
        return f"{key}: there is no such key{_nearest(str(problem['loc'][-1]))}"
    if kind in _REMEDIES:
        what, remedy = _REMEDIES[kind]
        return f"{key}: {what}; {remedy}"
    text = str(problem["msg"]).removeprefix("Value error, ")
    dotted = _DOTTED.fullmatch(text)
    if kind == "value_error" and dotted is not None:
        return f"{dotted['key']}: {dotted['rest']}"
    if kind != "value_error":
        text = f"{text[0].lower()}{text[1:]}; it is {problem.get('input')!r} now"
    return f"{key}: {text}"


def _nearest(key: str) -> str:
    """Return a hint at the key that was probably meant, or nothing."""
    tables = Lab.model_json_schema()["$defs"].values()
    known = {name for table in tables for name in table.get("properties", {})}
    close = difflib.get_close_matches(key, known | set(Lab.model_fields), n=1)
    return f"; did you mean {close[0]!r}?" if close else "; remove it"


def _require_files(lab: Lab, path: Path) -> None:
    """Check that each file that lab.toml names is there."""
    services = {
        "access_server": lab.access_server,
        "core_network": lab.core_network,
        "power": lab.power,
        "uplink": lab.uplink,
    }
    for table, service in services.items():
        if service is None:
            continue
        for key in ("ca_file", "token_file"):
            name = getattr(service, key, None)
            if name is not None and not (path.parent / name).is_file():
                msg = (
                    f"{path.name}: {table}.{key}: there is no file {str(name)!r} beside "
                    f"{path.name}; put it there or correct the name"
                )
                raise BenchError(msg)
