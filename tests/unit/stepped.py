"""Jobs whose steps used each other's files, for the tests of the graph of steps and of its drawing."""

from __future__ import annotations

from recorder import ADA, HOST, PROJECT, digest

from lineage.ids import counts_of
from lineage.records import Entry, EntryKind, Job, JobHead, Role, Step


def used(kind: EntryKind, path: str | bytes, uses: str, role: Role | None = None, *, access: str = "", inode: int | None = None,
         content: str | None = None) -> Entry:
    """``uses`` in the order of time: "1w 2r" is written by step 1, then read by step 2; of an input "1 2", its readers.
    Inputs and outputs have a hash, of their path unless ``content`` is given."""
    name = path if isinstance(path, bytes) else path.encode()
    history = () if kind == "input" else tuple(2 * int(use[:-1]) + (use[-1] == "w") for use in uses.split())
    steps = {int(use.rstrip("rw")) for use in uses.split()}
    if len({use & 1 for use in history} | {1}) == 1:
        history = ()  # all wrote: the record does not say that again
    hashed = kind in {"input", "output"}
    return Entry(
        kind, name, digest(content or name.decode(errors="replace")) if hashed else None, "" if hashed else "gone",
        1 if hashed else None, role or ("system" if name.startswith(b"pipe:") else "data"),
        (access or ("read" if kind == "input" else "create write")).split(), tuple(sorted(steps)), device=1, inode=inode,
        history=history)


def stepped(commands: str | list[str], *entries: Entry, number: int = 3) -> Job:
    """``commands``: the argv of each step, one a line; all but the first were started by it."""
    lines = commands.strip().splitlines() if isinstance(commands, str) else commands
    steps = tuple(Step(at, 0 if at else None, 100 + at, tuple(line.strip().encode().split()), b"/bin/x", at, 1000, 0, None)
                  for at, line in enumerate(lines))
    head = JobHead(b"\x7f\x3a\x9c\x1d" * 8, b"r" * 16, b"s" * 32, number, ADA, HOST, steps[0].argv if steps else (b"true",),
                   PROJECT, PROJECT, 0, 1000, 0, None, False, True, (), counts_of(entries))
    return Job(head, steps, entries, {})


def piped() -> Job:
    """cut in.csv | sort | uniq -c > out.csv"""
    return stepped("""
        bash pipeline.sh
        cut -f2 in.csv
        sort
        uniq -c
        """, used("input", "/p/pipeline.sh", "0", "source"), used("input", "/p/in.csv", "1"),
        used("input", "/usr/lib/libc.so.6", "0 1 2 3", "system"), used("pipe", "pipe:[71]", "1w 2r"),
        used("pipe", "pipe:[72]", "2w 3r"), used("output", "/p/out.csv", "3w"))


def rewritten() -> Job:
    """A temporary file that is written twice, and read in between and at the end."""
    return stepped("""
        bash both.sh
        head in.csv
        sort x.tmp
        tail in.csv
        uniq x.tmp
        """, used("input", "/p/in.csv", "1 3"), used("scratch", "/p/x.tmp", "1w 2r 3w 4r", access="create write truncate"),
        used("output", "/p/first", "2w"), used("output", "/p/last", "4w"))


def made(objects: int) -> Job:
    """make -j: each source compiled and assembled through a temporary file, then put into an archive and linked."""
    commands, entries = ["make -j"], [used("input", "/p/Makefile", "0", "source")]
    for at in range(objects):
        commands += [f"cc1 {at}.c", f"as {at}.s"]
        compiler, assembler = 1 + 2 * at, 2 + 2 * at
        entries += [used("input", f"/p/{at}.c", f"{compiler}", "source"),
                    used("scratch", f"/tmp/cc{at:06}.s", f"{compiler}w {assembler}r", "temporary")]
    archiver, linker = 1 + 2 * objects, 2 + 2 * objects
    commands += ["ar rcs lib.a", "ld -o program"]
    entries.append(used("input", "/p/all.h", " ".join(str(1 + 2 * at) for at in range(objects)), "source"))
    entries += [used("output", f"/p/{at}.o", f"{2 + 2 * at}w {archiver}r") for at in range(objects)]
    entries += [used("output", "/p/lib.a", f"{archiver}w {linker}r"), used("output", "/p/program", f"{linker}w")]
    return stepped(commands, *entries)


def exchanging() -> Job:
    """Two servers that answer each other through files, and one who reads of both."""
    return stepped("""
        serve
        ask
        collect
        """, used("scratch", "/p/question", "1w 0r 2r"), used("output", "/p/answer", "0w 1r 2r"))
