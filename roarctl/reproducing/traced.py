"""One step as a new job, in a process of its own: `roar run` with another environment and directory.

The order comes on standard input, for it may have secrets: they stand in no file and on no command line of roar's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_PROGRAM = "from roarctl.reproducing.traced import main; main()"


class Traced(NamedTuple):
    """``status`` as a shell has it. ``run`` is empty where the job could not be registered: then it did not run."""

    status: int
    run: bytes
    number: int


def traced(argv: Sequence[bytes], cwd: bytes, environment: Mapping[bytes, bytes], context: Mapping[str, str],
           log: Path) -> Traced:
    """Runs it, with its output in ``log``, and waits for it and its record."""
    read, write = os.pipe()
    order = {"argv": _texts(argv), "cwd": os.fsdecode(cwd), "context": dict(context), "began": write,
             "environment": {os.fsdecode(name): os.fsdecode(value) for name, value in environment.items()}}
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-P", "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=output, stderr=output,
                                   pass_fds=[write])
    os.close(write)
    with open(read, "rb") as pipe:
        try:
            process.communicate(json.dumps(order).encode())
        except KeyboardInterrupt:  # the step has it too
            process.wait()
            raise
        told = pipe.read().split()
    return Traced(process.returncode, bytes.fromhex(told[0].decode()) if told else b"", int(told[1]) if told else 0)


def main() -> None:
    """The other side."""
    from lineage.errors import RoarError
    from roarctl import running
    from roarctl.failure import print_error
    from roarctl.launch import Stopped

    order = json.load(sys.stdin.buffer)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    began = order["began"]

    def tell(run: bytes, number: int) -> None:
        os.write(began, f"{run.hex()} {number}".encode())
        os.close(began)

    os.set_inheritable(began, False)
    try:
        os.chdir(order["cwd"])
        options = running.Options(
            require_capture=True, literal=True, context=order["context"], began=tell,
            environment={os.fsencode(name): os.fsencode(value) for name, value in order["environment"].items()})
        code = running.execute(order["argv"], options)
    except (RoarError, OSError) as error:
        print_error(error if isinstance(error, RoarError) else RoarError(str(error)), as_json=False)
        code = error.exit_code if isinstance(error, RoarError) else running.FAILED
    except Stopped as stopped:
        code = stopped.exit_code
    sys.stdout.flush()
    os._exit(code)


def _texts(words: Sequence[bytes]) -> list[str]:
    return [os.fsdecode(word) for word in words]
