"""``harness.at.model`` and the model files: every fact has its source."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import harness.at.model as model_module
from harness.at.command import parse_command
from harness.at.deadlines import deadline_s
from harness.at.model import GROUP, load_models, read_model
from harness.core.errors import BenchError, UsageError

MODELS = load_models()


def test_the_shipped_models_are_those_that_were_promised() -> None:
    """Twelve files; none was verified on hardware, and each says so."""
    assert sorted(MODELS) == [
        "fibocom-l850",
        "generic-3gpp",
        "huawei-me909s",
        "mediatek-pocket",
        "quectel-ec25",
        "sierra-em74xx",
        "simcom-sim7600",
        "ublox-toby-l2",
        "unisoc-pocket",
        "virtual-mediatek",
        "virtual-unisoc",
        "zte-mf",
    ]
    assert not any(model.verified_on_hardware for model in MODELS.values())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_command_of_a_model_can_be_sent(name: str) -> None:
    """Each is one command line, and has a deadline."""
    for command in MODELS[name].commands.values():
        parse_command(command.send)
        assert deadline_s(command.send) > 0


def test_port_roles_are_found_by_usb_ids() -> None:
    """EC25: AT on interface 2; ids that are not the model's give nothing."""
    mode = MODELS["quectel-ec25"].usb_mode("2c7c", "0125")

    assert mode is not None
    assert mode.roles == {0: "diag", 1: "gnss", 2: "at", 3: "at2", 4: "qmi"}
    assert MODELS["quectel-ec25"].usb_mode("2c7c", "0121") is None


def test_deviations_become_habits_of_a_session() -> None:
    """Final result codes, missing OK, URCs."""
    assert "COMMAND NOT SUPPORT" in MODELS["huawei-me909s"].habits.extra_finals
    assert "AT+CGACT=?" in MODELS["simcom-sim7600"].habits.missing_ok
    assert "%RSIMREQ" in MODELS["unisoc-pocket"].habits.extra_urcs


def test_the_virtual_models_have_all_cloud_sim_commands() -> None:
    """The same on both platforms, under their own USB ids."""
    for name, ids in (("virtual-unisoc", ("1782", "4d11")), ("virtual-mediatek", ("0e8d", "2028"))):
        model = MODELS[name]
        mode = model.usb_mode(*ids)
        assert mode is not None
        assert mode.roles == {0: "net", 2: "at", 3: "at2"}
        assert model.command("cloudsim_state").send == "AT^CLOUDSIM?"
        assert model.command("cloudsim_reassign").send == "AT^CLOUDSIM=2"
        assert model.command("cloudsim_use_cloud").send == "AT^CLOUDSIM=3,1"


def test_a_purpose_that_a_model_does_not_serve_is_named() -> None:
    """With the file that lacks it."""
    with pytest.raises(UsageError) as caught:
        MODELS["generic-3gpp"].command("byte_counter")

    assert str(caught.value) == (
        "model generic-3gpp has no command for byte_counter; add it to generic-3gpp.toml"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "x.toml: not TOML"),
        ("title = 'T'", "x.toml: verified_on_hardware: Field required"),
        ("title = 'T'\nverified_on_hardware = false\ncolour = 1", "x.toml: colour: Extra inputs"),
        (
            "title = 'T'\nverified_on_hardware = false\n[commands.iccid]\nsend = 'AT+CCID'",
            "x.toml: commands.iccid.source: Field required",
        ),
        (
            (
                "title = 'T'\nverified_on_hardware = false\n"
                "[[usb]]\nvid = '2C7C'\npid = '0125'\nroles = {}\nsource = 'somewhere'"
            ),
            "x.toml: usb.0.vid: String should match pattern",
        ),
        ("name = 'y'", "x.toml: name: the name is that of the file; take the key out"),
    ],
)
def test_a_model_file_that_is_not_understood_is_named_with_its_key(
    tmp_path: Path, text: str, message: str
) -> None:
    """File, key, what is wrong."""
    path = tmp_path / "x.toml"
    path.write_text(text)

    with pytest.raises(BenchError) as caught:
        read_model(path)
    assert str(caught.value).startswith(message)


TEXT = "title = 'T'\nverified_on_hardware = false\n"


def package(directory: Path, name: str, *files: str) -> None:
    """Write a package with model files."""
    (directory / name).mkdir()
    (directory / name / "__init__.py").write_text("")
    for file in files:
        (directory / name / file).write_text(TEXT)


def offered(monkeypatch: pytest.MonkeyPatch, directory: Path, *packages: str) -> None:
    """Let `packages` be what is installed under the entry point of models."""
    monkeypatch.syspath_prepend(directory)
    found = {GROUP: [EntryPoint(name=name, value=name, group=GROUP) for name in packages]}
    monkeypatch.setattr(model_module, "entry_points", lambda *, group: found[group])


def test_the_files_of_all_packages_are_read_in_the_order_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file's name is the model's; what does not end in .toml is left alone."""
    letters = [f"{letter}x" for letter in "qwertyuiopasdfghjklzxcvbnm"]
    package(tmp_path, "first_models", *(f"{name}.toml" for name in letters), "README.md", "toml")
    package(tmp_path, "second_models", "a-model.toml")
    offered(monkeypatch, tmp_path, "first_models", "second_models")

    models = load_models()

    assert list(models) == [*sorted(letters), "a-model"]
    assert all(model.name == name for name, model in models.items())


def test_two_models_of_one_name_are_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is named."""
    package(tmp_path, "third_models", "same.toml")
    package(tmp_path, "fourth_models", "same.toml")
    offered(monkeypatch, tmp_path, "third_models", "fourth_models")

    with pytest.raises(BenchError) as caught:
        load_models()
    assert str(caught.value) == "same.toml: there are two models of this name; rename one"
