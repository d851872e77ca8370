"""The guest's first file system: busybox, two scripts, and what reaches the host's root."""

from __future__ import annotations

import io
import lzma
from collections.abc import Mapping
from pathlib import Path

_DIRECTORIES = ("dev", "proc", "sys", "bin", "m", "lower", "rw", "new")
_BOOT_MODULES = ("virtio_pci", "virtio_console", "overlay", "9pnet_virtio", "9p")
_DIRECTORY_MODE, _FILE_MODE = 0o40755, 0o100755
_HERE = Path(__file__).parent


def module_order(modules_dep: str, wanted: tuple[str, ...]) -> list[str]:
    """Return the paths of `wanted` modules and what they depend on, in load order.

    Raises:
        KeyError: A module is not listed in modules.dep.
    """
    needs: dict[str, list[str]] = {}
    for line in modules_dep.splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    by_name = {Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}
    order: list[str] = []

    def add(path: str) -> None:
        for needed in reversed(needs[path]):
            add(needed)
        if path not in order:
            order.append(path)

    for name in wanted:
        add(by_name[name])
    return order


def newc(files: Mapping[str, bytes]) -> bytes:
    """Pack files, all executable, as a cpio archive in the `newc` format (initramfs)."""
    out = io.BytesIO()

    def put(inode: int, name: str, mode: int, data: bytes) -> None:
        path = name.encode() + b"\0"
        header = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out.write(b"070701" + b"".join(b"%08X" % field for field in header) + path)
        out.write(b"\0" * (-out.tell() % 4) + data)
        out.write(b"\0" * (-out.tell() % 4))

    entries = [(name, _DIRECTORY_MODE, b"") for name in _DIRECTORIES]
    entries += [(name, _FILE_MODE, data) for name, data in files.items()]
    for inode, (name, mode, data) in enumerate(entries, start=1):
        put(inode, name, mode, data)
    put(0, "TRAILER!!!", 0, b"")
    return out.getvalue()


def initramfs(modules: Path, *, environment: str, command: str) -> bytes:
    """Make the archive that the kernel boots into.

    Args:
        modules: The kernel's module directory.
        environment: Shell assignments for `guest_init.sh`.
        command: Shell command to run in the guest.
    """
    order = module_order((modules / "modules.dep").read_text(), _BOOT_MODULES)
    names = [Path(path).name.removesuffix(".xz") for path in order]
    files = {
        "init": (_HERE / "initramfs_init.sh").read_bytes(),
        "guest_init.sh": (_HERE / "guest_init.sh").read_bytes(),
        "guest.env": environment.encode(),
        "guest_command.sh": command.encode() + b"\n",
        "bin/busybox": Path("/bin/busybox").read_bytes(),
        "modules.order": "".join(f"{name}\n" for name in names).encode(),
    }
    for path, name in zip(order, names, strict=True):
        data = (modules / path).read_bytes()
        files[f"m/{name}"] = lzma.decompress(data) if path.endswith(".xz") else data
    return newc(files)
