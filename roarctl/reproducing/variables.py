"""The environment of a step: as it was recorded, but for what belongs to this machine, this person and this login."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lineage.redact import REDACTED
from lineage.reproduce.places import Places

_OURS = re.compile(
    r"(?:HOME|USER|LOGNAME|USERNAME|SHELL|PWD|OLDPWD|SHLVL|_|HOSTNAME|MAIL|TERM.*|COLUMNS|LINES|COLORTERM|DISPLAY|WAYLAND_.*"
    r"|XAUTHORITY|SSH_.*|XDG_.*|DBUS_.*|TMPDIR|TEMP|TMP|EDITOR|VISUAL|PAGER|LESS.*|LS_COLORS|NO_COLOR|FORCE_COLOR|PS\d|PROMPT.*"
    r"|SUDO_.*|GPG_.*|KRB5.*|ROAR.*|PIP_.*|UV_.*|VIRTUAL_ENV.*|CONDA_.*|MAMBA_.*|PYENV_.*|(?:https?|ftp|all|no)_proxy|INVOCATION_ID"
    r"|JOURNAL_STREAM|SYSTEMD_.*|LISTEN_.*|NOTIFY_SOCKET|SLURM_.*|PBS_.*|TMUX.*|STY|WINDOWID|VTE_.*|VSCODE_.*|BASH_FUNC.*)\Z",
    re.IGNORECASE)


#: What is known to change what a computation gives, or how it runs.
_MATTERS = re.compile(
    r"PYTHON(?:HASHSEED|PATH|UTF8|OPTIMIZE|WARNINGS|DONTWRITEBYTECODE|IOENCODING)|LANG|LANGUAGE|LC_.*|TZ|LD_LIBRARY_PATH|LD_PRELOAD"
    r"|(?:OMP|MKL|OPENBLAS|BLIS|NUMEXPR|GOTO|VECLIB|KMP|NUMBA|JAX|XLA|TF|TORCH|PYTORCH|CUDA|CUBLAS|CUDNN|NVIDIA|NCCL|HIP|ROCR|HSA"
    r"|HF|TRANSFORMERS|TOKENIZERS|DATASETS|DEEPSPEED|ACCELERATE|RAY|DASK|JOBLIB|LOKY|MLFLOW|WANDB)_.*"
    r"|.*SEED.*|SOURCE_DATE_EPOCH|RANK|LOCAL_RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT|R_LIBS.*|JULIA_.*|CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS")


class Variables(NamedTuple):
    """``missing``: names whose recorded value was a secret, and which are not set here."""

    values: dict[bytes, bytes]
    missing: list[str]


def is_ours(name: str) -> bool:
    """Taken from here and now, whatever was recorded."""
    return _OURS.match(name) is not None


def matters(name: str, recorded: Mapping[str, str], places: Places, argv: Sequence[bytes]) -> bool:
    """For a text that others read: is it known to matter, does it name a project, or does the command name it?"""
    if is_ours(name) or name == "PATH" or REDACTED in recorded[name]:
        return False
    value = recorded[name].encode()
    named = re.compile(rb"\$\{?" + re.escape(name.encode()) + rb"(?!\w)")
    return bool(_MATTERS.fullmatch(name)) or places.text(value) != value or any(named.search(word) for word in argv)


def variables(recorded: Mapping[str, str], places: Places, cwd: bytes, virtual: str | None) -> Variables:
    """``virtual``: the directory of the virtual environment."""
    here = dict(os.environb)
    missing: list[str] = []
    values = {name: value for name, value in here.items() if not recorded or is_ours(os.fsdecode(name))}
    if recorded:
        for name, value in recorded.items():
            key = name.encode()
            if is_ours(name):
                continue
            if REDACTED in value:
                if key in here:
                    values[key] = here[key]
                else:
                    missing.append(name)
            else:
                values[key] = places.text(value.encode())
    path = [places.text(recorded.get("PATH", "").encode()), here.get(b"PATH", b"/usr/bin:/bin")]
    if virtual:
        path.insert(0, os.fsencode(virtual) + b"/bin")
        values[b"VIRTUAL_ENV"] = os.fsencode(virtual)
        values.pop(b"PYTHONHOME", None)
    else:
        values.pop(b"VIRTUAL_ENV", None)
    values[b"PATH"] = b":".join(dict.fromkeys(part for part in b":".join(path).split(b":") if part))
    values[b"PWD"] = cwd
    return Variables(values, missing)
