"""The machine a job runs on, read from the kernel's files alone: nvidia-smi takes a second, this a millisecond."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from lineage.records import Json
from roarctl.context.kernel import read_text

_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
_LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/nvidia/lib64", "usr/lib/aarch64-linux-gnu")
_CARD = re.compile(r"card\d+")
_MODEL = re.compile(r"^(?:model name|Model|cpu model|Hardware)\s*:\s*(\S.*?)\s*$", re.MULTILINE)
_NVIDIA_VERSION = re.compile(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s")


def hardware(root: str = "/") -> dict[str, Json]:
    """``cpu`` (model), ``cores`` (this process may use), ``cores_total, memory`` (bytes), ``gpus``, ``nvidia_driver``,
    ``libcuda`` (the versions of the kernel's part and of the library).

    A GPU is ``{vendor, name, address, memory}``: its PCI address, and its memory in bytes where the kernel says so
    (AMD). ``root`` is where /proc and /sys are.
    """
    gpus = [*_nvidia(root), *_other(root)]
    found = _NVIDIA_VERSION.search(read_text(f"{root}/proc/driver/nvidia/version"))
    return {
        "cpu": _cpu(root),
        "cores": len(os.sched_getaffinity(0)),
        "cores_total": os.cpu_count(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "gpus": list(gpus),
        "nvidia_driver": found[1] if found else None,
        "libcuda": _libcuda(root),
    }


def _libcuda(root: str) -> str | None:
    """The version of the driver's library, which its file's name ends with; a container may have another than the kernel."""
    for directory in _LIBRARIES:
        target = os.path.basename(os.path.realpath(f"{root}/{directory}/libcuda.so.1"))
        if re.fullmatch(r"libcuda\.so\.\d+\.\d[\d.]*", target):
            return target.removeprefix("libcuda.so.")
    return None


def _cpu(root: str) -> str | None:
    # The first processor's paragraph: the kernel makes the text as it is read, and 256 of them take milliseconds.
    found = _MODEL.search(read_text(f"{root}/proc/cpuinfo", 4096))
    if found:
        return found[1]
    return read_text(f"{root}/proc/device-tree/model").strip("\0\n ") or None  # ARM boards


def _nvidia(root: str) -> Iterator[dict[str, Json]]:
    """NVIDIA's own driver, with names."""
    directory = f"{root}/proc/driver/nvidia/gpus"
    for address in _names(directory):
        fields = _fields(read_text(f"{directory}/{address}/information"))
        yield {"vendor": "NVIDIA", "name": fields.get("Model"), "address": address, "memory": None}


def _other(root: str) -> Iterator[dict[str, Json]]:
    """The kernel's own drivers: cards of the big vendors that NVIDIA's driver does not serve."""
    names = {address: name for address, name in _kfd_names(root) if name}
    directory = f"{root}/sys/class/drm"
    served = set(_names(f"{root}/proc/driver/nvidia/gpus"))
    for card in _names(directory):
        device = f"{directory}/{card}/device"
        vendor = _VENDORS.get(read_text(f"{device}/vendor").strip()) if _CARD.fullmatch(card) else None
        if vendor is None:
            continue
        address = os.path.basename(os.path.realpath(device))
        if address in served:
            continue
        name = read_text(f"{device}/product_name").strip() or names.get(address) or f"{read_text(f'{device}/device').strip()}"
        memory = read_text(f"{device}/mem_info_vram_total").strip()
        yield {"vendor": vendor, "name": name, "address": address, "memory": int(memory) if memory.isdigit() else None}


def _kfd_names(root: str) -> Iterator[tuple[str, str]]:
    """AMD's compute driver: (PCI address, name such as gfx90a) of each node that has compute units."""
    directory = f"{root}/sys/class/kfd/kfd/topology/nodes"
    for node in _names(directory):
        fields = _fields(read_text(f"{directory}/{node}/properties"))
        location, domain = fields.get("location_id", ""), fields.get("domain", "0")
        if fields.get("simd_count", "0") != "0" and location.isdigit() and domain.isdigit():
            number = int(location)  # bus << 8 | device << 3 | function
            address = f"{int(domain):04x}:{number >> 8 & 0xff:02x}:{number >> 3 & 0x1f:02x}.{number & 7}"
            yield address, read_text(f"{directory}/{node}/name").strip()


def _fields(text: str) -> dict[str, str]:
    """``Model:   NVIDIA A100`` or ``simd_count 440``, a line each."""
    fields = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if not separator:
            key, _, value = line.partition(" ")
        fields[key.strip()] = value.strip()
    return fields


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []
