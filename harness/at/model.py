"""What a router model is like, as data: USB ids, port roles, commands, deviations.

A model is a TOML file in a package that is named by an entry point of the group
`cloudsim_harness.models`; its file name is the model's name. Each fact carries its source.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.metadata import entry_points
from importlib.resources.abc import Traversable
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from harness.at.dialogue import Habits
from harness.core.errors import BenchError, UsageError

GROUP: Final = "cloudsim_harness.models"

UsbId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4}$")]
Source = Annotated[str, StringConstraints(min_length=8)]
Role = Literal["at", "at2", "ppp", "diag", "gnss", "audio", "net", "qmi", "mbim", "adb", "ignore"]
Purpose = Literal[
    "iccid",
    "serving_cell",
    "byte_counter",
    "cloudsim_state",
    "cloudsim_report",
    "cloudsim_reassign",
    "cloudsim_erase",
    "cloudsim_held",
    "cloudsim_use_physical",
    "cloudsim_use_cloud",
    "init",
]
Reader = Literal[
    "iccid",
    "quectel.qeng",
    "quectel.qgdcnt",
    "simcom.cpsi",
    "huawei.hcsq",
    "huawei.dsflowqry",
    "ublox.ugcntrd",
    "cloudsim",
    "cloudsim_held",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UsbMode(_Strict):
    """One set of USB ids that the model shows, and what its interfaces are.

    Attributes:
        vid: Vendor id, four lower case hexadecimal digits.
        pid: Product id, four lower case hexadecimal digits.
        roles: What each interface is, by bInterfaceNumber.
        source: Where this is known from.
    """

    vid: UsbId
    pid: UsbId
    roles: dict[int, Role]
    source: Source


class ModeSwitch(_Strict):
    """USB ids that the model shows as a disk, before it is switched to be a router.

    Attributes:
        vid: Vendor id.
        pid: Product id.
        target_vid: Vendor id afterwards.
        target_pid: Product id afterwards; None when there are several.
        source: Where this is known from.
    """

    vid: UsbId
    pid: UsbId
    target_vid: UsbId
    target_pid: UsbId | None = None
    source: Source


class CommandFor(_Strict):
    """A command that serves a purpose on this model.

    Attributes:
        send: The command line.
        reader: Which parser of `harness.at` reads its answer; None when nothing needs reading.
        source: Where this is known from.
    """

    send: Annotated[str, StringConstraints(pattern=r"^AT")]
    reader: Reader | None = None
    source: Source


class Deviation(_Strict):
    """A deviation from V.250.

    Attributes:
        text: The line, the command, or the name that it is about.
        source: Where this is known from.
    """

    text: Annotated[str, StringConstraints(min_length=1)]
    source: Source


class Hint(_Strict):
    """A fact about the model that nothing here uses yet.

    Attributes:
        text: The fact.
        source: Where it is known from.
    """

    text: Annotated[str, StringConstraints(min_length=8)]
    source: Source


class Model(_Strict):
    """One router model.

    Attributes:
        name: Name of its file.
        title: What people call it.
        verified_on_hardware: Whether somebody has tried this file with a real one.
        usb: Its USB ids and port roles.
        mode_switch: Its USB ids before it is switched.
        commands: Commands by purpose.
        extra_finals: Lines that end a command although no standard says so.
        missing_ok: Commands after whose information response no OK comes.
        extra_urcs: Names that are never an answer.
        hints: What else is known.
    """

    name: str
    title: str
    verified_on_hardware: bool
    usb: tuple[UsbMode, ...] = ()
    mode_switch: tuple[ModeSwitch, ...] = ()
    commands: dict[Purpose, CommandFor] = Field(default_factory=dict)
    extra_finals: tuple[Deviation, ...] = ()
    missing_ok: tuple[Deviation, ...] = ()
    extra_urcs: tuple[Deviation, ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def habits(self) -> Habits:
        """How the model deviates from V.250, for a session."""
        return Habits(
            extra_finals=frozenset(item.text for item in self.extra_finals),
            missing_ok=frozenset(item.text for item in self.missing_ok),
            extra_urcs=frozenset(item.text for item in self.extra_urcs),
        )

    def usb_mode(self, vid: str, pid: str) -> UsbMode | None:
        """Return what the interfaces are under these USB ids; None when they are not its."""
        return next((mode for mode in self.usb if (mode.vid, mode.pid) == (vid, pid)), None)

    def command(self, purpose: Purpose) -> CommandFor:
        """Return the command for `purpose`.

        Raises:
            UsageError: The model has none.
        """
        found = self.commands.get(purpose)
        if found is None:
            msg = f"model {self.name} has no command for {purpose}; add it to {self.name}.toml"
            raise UsageError(msg)
        return found


def load_models() -> dict[str, Model]:
    """Read all model files of all installed packages, by name.

    Raises:
        BenchError: A file is not understood, or two have one name.
    """
    models: dict[str, Model] = {}
    for entry in entry_points(group=GROUP):
        for file in sorted(resources.files(entry.value).iterdir(), key=lambda item: item.name):
            if not file.name.endswith(".toml"):
                continue
            model = read_model(file)
            if model.name in models:
                msg = f"{file.name}: there are two models of this name; rename one"
                raise BenchError(msg)
            models[model.name] = model
    return models


def read_model(file: Traversable) -> Model:
    """Read one model file.

    Raises:
        BenchError: It is not TOML, or not a model; names the file and the key.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as exc:
        msg = f"{file.name}: not TOML: {exc}"
        raise BenchError(msg) from exc
    try:
        return Model(name=file.name.removesuffix(".toml"), **table)
    except ValidationError as exc:
        first = exc.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        msg = f"{file.name}: {key}: {first['msg']}"
        raise BenchError(msg) from exc
    except TypeError as exc:
        msg = f"{file.name}: name: the name is that of the file; take the key out"
        raise BenchError(msg) from exc
