"""What devices mean: which are GPUs, of whom, and which of them the machine's owner would point at.

A GPU is used by ioctl(2) and mmap(2) on its device file, so that it was opened is what there is to know. What the kernel
says of it stands in /sys and /proc, where everybody may read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lineage.records import Entry

#: Nodes of NVIDIA's driver; those without a number serve all of its GPUs.
_NVIDIA = re.compile(r"/dev/nvidia(?:(\d{1,4})|ctl|-uvm|-uvm-tools|-modeset|-caps/nvidia-cap\d{1,5})")
#: Documentation/gpu/drm-uapi.rst, Documentation/accel/introduction.rst: one node of each sort for a device.
_DRM = re.compile(r"/dev/dri/((?:card|renderD)\d{1,4})")
_ACCEL = re.compile(r"/dev/accel/(accel\d{1,4})")
_KFD = "/dev/kfd"  # ROCm's computing on all of AMD's GPUs
#: null(4), random(4), tty(4), pts(4)
_BYTES = re.compile(r"/dev/(?:null|zero|full|u?random|console|ptmx|tty\w*|pts/\w+)")
#: GPUDirect Storage: nvidia-fs moves data between files and a GPU's memory by ioctl(2) on these.
_GPUDIRECT = re.compile(r"/dev/nvidia-fs\d{0,4}")
#: https://pci-ids.ucw.cz
_VENDORS: Mapping[str, str] = {
    "0x10de": "nvidia", "0x1002": "amd", "0x1022": "amd", "0x8086": "intel", "0x1da3": "habana", "0x1af4": "virtio",
    "0x15ad": "vmware", "0x1234": "qemu", "0x1a03": "aspeed", "0x102b": "matrox", "0x1414": "microsoft",
}


def gpus(entries: Iterable[Entry], root: Path = Path("/")) -> list[dict[str, Any]]:
    """{path, vendor, index, pci, model, steps} of each GPU's device that a job opened; None is what nobody says."""
    found = []
    for entry in entries:
        if entry.kind == "device":
            known = describe(entry.path.decode("utf-8", "replace"), root)
            if known is not None:
                found.append({**known, "steps": list(entry.steps)})
    return sorted(found, key=lambda gpu: (len(gpu["path"]), gpu["path"]))


def is_used_by_opening(path: bytes) -> bool:
    """Not so what only gives and takes bytes: of those, reading and writing tell."""
    return _BYTES.fullmatch(path.decode("utf-8", "replace")) is None


def is_gpudirect(path: bytes) -> bool:
    return _GPUDIRECT.fullmatch(path.decode("utf-8", "replace")) is not None


def describe(path: str, root: Path = Path("/")) -> dict[str, Any] | None:
    """What there is to say about a device by its path; None: it is no GPU's."""
    nvidia = _NVIDIA.fullmatch(path)
    if nvidia:
        index = int(nvidia[1]) if nvidia[1] else None
        pci, model = _nvidia_card(index, root) if index is not None else (None, None)
        return {"path": path, "vendor": "nvidia", "index": index, "pci": pci, "model": model}
    if path == _KFD:
        return {"path": path, "vendor": "amd", "index": None, "pci": None, "model": None}
    for pattern, kind in ((_DRM, "drm"), (_ACCEL, "accel")):
        named = pattern.fullmatch(path)
        if named:
            vendor, pci = _from_sysfs(root / "sys/class" / kind / named[1])
            return {"path": path, "vendor": vendor, "index": _number(named[1]), "pci": pci, "model": None}
    return None


def _number(name: str) -> int:
    """renderD128 is the first: drm's minors of that sort begin there (include/drm/drm_file.h)."""
    number = int(re.sub(r"\D", "", name))
    return number - 128 if name.startswith("renderD") and number >= 128 else number


def _from_sysfs(node: Path) -> tuple[str | None, str | None]:
    """(vendor, PCI address)"""
    device = node / "device"
    try:
        identity = (device / "vendor").read_text().strip()
        pci = device.resolve().name
    except OSError:
        return None, None
    return _VENDORS.get(identity, identity), pci if re.fullmatch(r"[\da-f:.]+", pci) else None


def _nvidia_card(index: int, root: Path) -> tuple[str | None, str | None]:
    """(PCI address, model) by the driver's own table: the number in a device's name is its minor, not its place there."""
    try:
        for card in sorted((root / "proc/driver/nvidia/gpus").iterdir()):
            rows = (line.partition(":") for line in (card / "information").read_text(errors="replace").splitlines())
            said = {key.strip(): value.strip() for key, _, value in rows}
            if said.get("Device Minor") == str(index):
                return card.name, said.get("Model")
    except OSError:
        return None, None
    return None, None
