"""Long answers on a terminal, through the person's pager, as git does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from roarctl.commands.options import emit

_DEFAULT = "less"
#: Ends by itself where all fits on the screen, keeps colours, leaves the text on the screen; as git sets it.
_SETTINGS = {"LESS": "FRX", "LV": "-c"}


def page(text: str, *, wanted: bool = True) -> None:
    """Prints ``text``: through $ROAR_PAGER, $PAGER or less where stdout is a terminal and this is ``wanted``; an empty
    one, or cat, is none."""
    command = _command()
    if not wanted or not command or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        emit(text)
        return
    sys.stdout.flush()
    try:
        process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE,
                                   env={**_SETTINGS, **os.environ})
    except OSError:
        emit(text)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pager
    try:
        process.communicate((text + "\n").encode("utf-8", "backslashreplace"))  # one that was left early wants no more
    finally:
        signal.signal(signal.SIGINT, before)
    if process.returncode in {126, 127}:  # the shell found no such pager
        emit(text)


def _command() -> str:
    command = next((value for value in (os.environ.get(name) for name in ("ROAR_PAGER", "PAGER")) if value is not None),
                   _DEFAULT)
    return "" if command.strip() == "cat" else command.strip()
