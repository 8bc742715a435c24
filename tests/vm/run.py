"""`make vm`: the real probes on other kernels, each booted by qemu with this checkout inside.

Prints what `roard check` says there, then a table of kernels, suites, and how many tests passed, failed and were skipped,
with the reasons. scripts/vm-image makes the machines. Software emulation is the default, since virtual machines inside of
virtual machines often hang: all takes some twenty times as long as on the machine itself, so the tests are given more time
(ROAR_TEST_PATIENCE). With KVM: ROAR_VM_ACCEL=kvm.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / ".vm"
ACCEL = os.environ.get("ROAR_VM_ACCEL", "tcg,thread=multi")
PATIENCE = 1 if ACCEL.startswith("kvm") else 20
SUITES = {
    "attach": "tests/integration/test_attach.py",
    "network": "tests/integration/test_network.py",
    "conformance": "tests/conformance",  # the longest
}
HOURS = 2
_SAID = re.compile(r"(tests/\S+?)::(\S+) +(PASSED|FAILED|SKIPPED|XFAIL|ERROR)")


@dataclass
class Outcome:
    """Of one suite on one kernel. ``words``: a line for each test that did not simply pass."""

    kernel: str
    suite: str
    counts: Counter[str] = field(default_factory=Counter)
    words: list[str] = field(default_factory=list)


def disk(directory: Path, suites: dict[str, str]) -> Path:
    """A file system with what git knows of this checkout, as it is now, and what is to be run."""
    tree, image = directory / "tree", directory / "checkout.img"
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                           capture_output=True).stdout.split(b"\0")
    for name in filter(None, names):
        source, target = ROOT / os.fsdecode(name), tree / os.fsdecode(name)
        if source.is_file() and not source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            target.chmod(source.stat().st_mode & 0o777)
    (tree / "results").mkdir()
    (tree / "results/patience").write_text(f"{PATIENCE}\n")
    (tree / "results/suites").write_text("".join(f"{name} {arguments}\n" for name, arguments in suites.items()))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", tree, image, "256M"], check=True)
    return image


def boot(kernel: Path, checkout: Path, console: Path) -> None:
    """Until it has switched itself off. What the root file system is written is thrown away."""
    with console.open("wb") as log:
        subprocess.run([
            "qemu-system-x86_64", "-accel", ACCEL, "-cpu", "max", "-m", "3G", "-smp", "2", "-nographic", "-no-reboot",
            "-kernel", kernel / "vmlinuz", "-initrd", kernel / "initrd", "-nic", "none",
            "-drive", f"file={IMAGES / 'root.img'},if=virtio,format=raw,snapshot=on",
            "-drive", f"file={checkout},if=virtio,format=raw,cache=unsafe",
            "-append", "console=ttyS0 root=/dev/vda rw quiet panic=-1 systemd.show_status=0",
        ], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, timeout=HOURS * 3600, check=True)


def read_results(checkout: Path, into: Path) -> Path:
    shutil.rmtree(into / "results", ignore_errors=True)  # of another time
    subprocess.run(["debugfs", "-R", f"rdump /results {into}", checkout], check=True, capture_output=True)
    return into / "results"


def cut_short(found: Outcome, arguments: str, console: Path) -> Outcome:
    """What the console had said until then."""
    found.words.append(f"failed   {found.suite}: it did not get to its end")
    for path, name, word in _SAID.findall(console.read_text(errors="replace")):
        if any(path.startswith(each) for each in arguments.split()):
            kind = {"XFAIL": "expected", "ERROR": "failed"}.get(word, word.lower())
            found.counts[kind] += 1
            if kind != "passed":
                found.words.append(f"{kind:8} {name}")
    found.counts["failed"] += 1
    return found


def outcome(kernel: str, suite: str, arguments: str, place: Path) -> Outcome:
    found = Outcome(kernel, suite)
    report = place / f"results/{suite}.xml"
    if not report.is_file():
        return cut_short(found, arguments, place / "console")
    for case in ET.parse(report).getroot().iter("testcase"):
        told = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        kind = "passed" if told is None else "skipped" if told.tag == "skipped" else "failed"
        if told is not None and told.get("type") == "pytest.xfail":
            kind = "expected"
        found.counts[kind] += 1
        if told is not None:
            message = (told.get("message") or "").strip().splitlines() or [""]
            found.words.append(f"{kind:8} {case.get('name')}: {message[0][:160]}")
    return found


def print_table(outcomes: list[Outcome]) -> None:
    kinds = ("passed", "failed", "skipped", "expected")
    print(f"\n{'kernel':32} {'suite':12}" + "".join(f"{kind:>9}" for kind in kinds))
    for each in outcomes:
        print(f"{each.kernel:32} {each.suite:12}" + "".join(f"{each.counts[kind]:9}" for kind in kinds))
    for each in outcomes:
        for line in each.words:
            print(f"{each.kernel}  {line}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", default="", help="only those whose release begins so, like 6.12")
    parser.add_argument("--keep", type=Path, help="a directory for the logs")
    parser.add_argument("pytest", nargs="*", default=[], help="instead of the suites: arguments for pytest")
    asked = parser.parse_args()
    suites = {"asked": " ".join(asked.pytest)} if asked.pytest else SUITES
    kernels = [path.parent for path in sorted(IMAGES.glob("*/vmlinuz"))
               if not asked.kernel or path.parent.name.startswith(f"{asked.kernel}.")]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="roar-vm-") as work:
        for kernel in kernels:
            place = (asked.keep or Path(work)) / kernel.name
            place.mkdir(parents=True, exist_ok=True)
            print(f"{kernel.name}: booting; console in {place / 'console'}", flush=True)
            began = time.monotonic()
            checkout = disk(Path(tempfile.mkdtemp(dir=work)), suites)
            try:
                boot(kernel, checkout, place / "console")
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
                print(f"{kernel.name}: {error}")
            results = read_results(checkout, place)
            check, code = results / "check", results / "check.code"
            checked = Outcome(kernel.name, "roard check")
            checked.counts["passed" if code.is_file() and code.read_text().strip() == "0" else "failed"] = 1
            print(check.read_text() if check.is_file() else "it did not come to `roard check`")
            print(f"{kernel.name}: {time.monotonic() - began:.0f} s", flush=True)
            outcomes += [checked, *(outcome(kernel.name, suite, arguments, place) for suite, arguments in suites.items())]
    print_table(outcomes)
    return int(not outcomes or any(each.counts["failed"] for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
