"""The guest's kernel: Debian's generic one, unpacked from its package and never installed.

The package's name carries the kernel's ABI and changes with each security update, so it is asked
for (`linux-image-amd64` depends on it) and never pinned.
"""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_META_PACKAGE = "linux-image-amd64"
_DEPENDS = re.compile(r"Depends: (?P<package>linux-image-(?P<release>[0-9][\w.+-]*))", re.ASCII)
_XZ_MAGIC = b"\xfd7zXZ\x00"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# What a USB bench needs of 4,000 modules: 129 MB instead of 400.
_WANTED = (
    "modules.*", "kernel/drivers/usb", "kernel/drivers/net/usb", "kernel/drivers/net/*.ko*",
    "kernel/drivers/virtio", "kernel/drivers/char", "kernel/drivers/block", "kernel/fs/9p",
    "kernel/fs/netfs", "kernel/fs/fscache", "kernel/fs/overlayfs", "kernel/fs/configfs",
    "kernel/net/9p", "kernel/net/sched", "kernel/net/core", "kernel/net/netfilter",
    "kernel/net/ipv4", "kernel/net/ipv6", "kernel/net/bridge", "kernel/net/802", "kernel/net/llc",
    "kernel/lib", "kernel/crypto", "kernel/arch/x86/crypto", "kernel/net/packet",
    "kernel/drivers/media/cec", "kernel/drivers/scsi", "kernel/drivers/cdrom",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """An unpacked kernel.

    Attributes:
        release: As `uname -r` says in the guest.
        image: What qemu boots: the unpacked vmlinux (PVH), or the packed one.
        modules: Directory with modules.dep.
    """

    release: str
    image: Path
    modules: Path


class KernelUnavailableError(Exception):
    """The kernel package cannot be had on this host."""


def unpacked_kernel(cache: Path) -> Kernel:
    """Return the newest generic kernel, fetched and unpacked below `cache` when it is not there.

    Raises:
        KernelUnavailableError: apt does not know the package, or cannot bring it.
    """
    ready = sorted(cache.glob("kernel-*/ready"))
    package, release = _newest()
    if not package:
        if not ready:
            msg = f"apt knows no {_META_PACKAGE}; run apt-get update, on a Debian amd64 host"
            raise KernelUnavailableError(msg)
        release = ready[-1].parent.name.removeprefix("kernel-")
    root = cache / f"kernel-{release}"
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        _unpack(_download(package, root), root)
        modules = _modules(root, release)
        base = modules.parents[2]
        subprocess.run(["/sbin/depmod", "-b", str(base), release], check=True)
        _unpack_image(root / "boot" / f"vmlinuz-{release}", root / "vmlinux")
        (root / "ready").touch()
    image = root / "vmlinux"
    packed = root / "boot" / f"vmlinuz-{release}"
    return Kernel(
        release=release,
        image=image if image.exists() else packed,
        modules=_modules(root, release),
    )


def _newest() -> tuple[str, str]:
    listed = subprocess.run(
        ["apt-cache", "depends", _META_PACKAGE], capture_output=True, text=True, check=False
    )
    match = _DEPENDS.search(listed.stdout)
    return (match["package"], match["release"]) if match else ("", "")


def _download(package: str, root: Path) -> Path:
    # apt warns that it reads our directory as root; its errors come as exit status.
    subprocess.run(
        ["apt-get", "-qq", "download", package], cwd=root, check=False, stderr=subprocess.DEVNULL
    )
    for deb in root.glob("*.deb"):
        return deb
    msg = f"apt-get download {package} brought nothing; run apt-get update, and try again"
    raise KernelUnavailableError(msg)


def _unpack(deb: Path, root: Path) -> None:
    """Unpack what a USB bench needs, from either place that Debian has had modules in."""
    patterns = ["./boot/vmlinuz*"]
    for prefix in ("./lib/modules/*", "./usr/lib/modules/*"):
        patterns += [f"{prefix}/{path}" for path in _WANTED]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as tar:
        # tar says 2 because half the patterns match nothing; depmod and the boot tell the truth.
        subprocess.run(
            ["tar", "-C", str(root), "-x", "--wildcards", *patterns],
            stdin=tar.stdout,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    deb.unlink()


def _modules(root: Path, release: str) -> Path:
    merged = root / "usr/lib/modules" / release
    return merged if merged.exists() else root / "lib/modules" / release


def _unpack_image(packed: Path, image: Path) -> None:
    """Unpack an XZ image (Debian 12): emulation saves 4 s a boot. Zstandard boots fast enough."""
    data = packed.read_bytes()
    start = data.find(_XZ_MAGIC)
    if start < 0 or 0 <= data.find(_ZSTD_MAGIC) < start:
        return
    image.write_bytes(lzma.LZMADecompressor().decompress(data[start:]))
