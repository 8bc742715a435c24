"""Which devices are GPUs, and what the kernel says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineage.records import Entry
from roard.observe.devices import describe, gpus, is_gpudirect


def machine(root: Path) -> Path:
    """An AMD and an NVIDIA GPU, as /sys and /proc show them."""
    for minor, node, vendor, pci in ((128, "card0", "0x1002", "0000:03:00.0"), (129, "card1", "0x10de", "0000:3b:00.0")):
        device = root / "sys/devices/pci0000:00" / pci
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        for name in (node, f"renderD{minor}"):
            (root / "sys/class/drm" / name).mkdir(parents=True)
            (root / "sys/class/drm" / name / "device").symlink_to(device)
    for minor, pci in ((1, "0000:3b:00.0"), (0, "0000:86:00.0")):
        card = root / "proc/driver/nvidia/gpus" / pci
        card.mkdir(parents=True)
        (card / "information").write_text(f"Model: \t\t NVIDIA A100-SXM4-40GB\nIRQ:   \t\t 90\nDevice Minor: \t {minor}\n")
    return root


def entry(path: bytes, kind: str = "device") -> Entry:
    return Entry(kind, path, None, "", None, "device", (), (2,))


@pytest.mark.parametrize(("path", "expected"), [
    ("/dev/nvidia1", ("nvidia", 1, "0000:3b:00.0", "NVIDIA A100-SXM4-40GB")),
    ("/dev/nvidia7", ("nvidia", 7, None, None)),
    ("/dev/nvidiactl", ("nvidia", None, None, None)),
    ("/dev/nvidia-uvm", ("nvidia", None, None, None)),
    ("/dev/nvidia-caps/nvidia-cap12", ("nvidia", None, None, None)),
    ("/dev/dri/renderD128", ("amd", 0, "0000:03:00.0", None)),
    ("/dev/dri/card1", ("nvidia", 1, "0000:3b:00.0", None)),
    ("/dev/dri/renderD140", (None, 12, None, None)),
    ("/dev/kfd", ("amd", None, None, None)),
])
def test_gpus(tmp_path: Path, path: str, expected: tuple[object, ...]) -> None:
    vendor, index, pci, model = expected
    assert describe(path, machine(tmp_path)) == {"path": path, "vendor": vendor, "index": index, "pci": pci, "model": model}


@pytest.mark.parametrize("path", ["/dev/null", "/dev/nvidia-fs0", "/dev/dri/by-path/x", "/dev/dri/../../etc/card0",
                                  "/p/dev/nvidia0", "/dev/nvidia0x", "/dev/dri/card99999", "/dev/nvram"])
def test_other_devices(tmp_path: Path, path: str) -> None:
    assert describe(path, machine(tmp_path)) is None


def test_gpus_of_a_job(tmp_path: Path) -> None:
    """Its devices only, in the order of their numbers, with the steps that opened them."""
    entries = [entry(b"/dev/nvidia10"), entry(b"/dev/nvidia9"), entry(b"/dev/null"), entry(b"/dev/nvidia0", "input"),
               entry(b"/dev/nvidia\xff")]
    assert [(gpu["path"], gpu["steps"]) for gpu in gpus(entries, machine(tmp_path))] == [
        ("/dev/nvidia9", [2]), ("/dev/nvidia10", [2])]


def test_gpudirect_storage() -> None:
    assert [is_gpudirect(path) for path in (b"/dev/nvidia-fs", b"/dev/nvidia-fs15", b"/dev/nvidia0", b"/p/nvidia-fs")] == [
        True, True, False, False]
