"""What a job's files and arguments say of it: seeds, experiment trackers, the CUDA libraries that it used. Pure.

Nothing is guessed: a seed is a flag that is called so, a run of a tracker a directory that the job wrote in, a library's
version the one in its file's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from lineage.records import Entry, Json, Step

_SEED_NAME = r"[\w.-]*(?:seed|random[_-]?state)"
_SEED = re.compile(rf"-{{0,2}}({_SEED_NAME})", re.IGNORECASE)
_SEED_EQUALS = re.compile(rf"[-+]{{0,2}}({_SEED_NAME})[=:](-?\d{{1,20}}|0x[0-9a-fA-F]{{1,16}})", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,20}|0x[0-9a-fA-F]{1,16}")
#: https://docs.wandb.ai: wandb/run-DATE_TIME-ID, offline-run-… where it was not sent.
_WANDB = re.compile(r"(.*/wandb/(offline-)?run-\d{8}_\d{6}-([A-Za-z0-9_-]{1,64}))/")
#: MLflow's file store: mlruns/EXPERIMENT/RUN, with the run's id of 32 hexadecimal digits.
_MLFLOW = re.compile(r"(.*/mlruns/([^/]{1,64})/([0-9a-f]{32}))/")
_TENSORBOARD = re.compile(r"(.*)/events\.out\.tfevents\.[^/]+")
_WRITTEN = frozenset({"output", "scratch", "removed"})
#: Libraries whose version changes results: libcudart.so.12.1.105 and their like.
_CUDA = re.compile(r".*/lib(cuda|cudart|cudnn|cublas|cublasLt|cufft|cusolver|cusparse|curand|nccl|nvinfer|amdhip64|rocblas"
                   r"|MIOpen)\.so\.(\d[\d.]*)")


def seeds(steps: Iterable[Step], argv: Sequence[bytes], environment: Mapping[str, str]) -> list[dict[str, Json]]:
    """``name, value, step``: of flags (``--seed 1``, ``seed=1``) of the job's command and its steps, and of PYTHONHASHSEED
    (then step is None), each said once, by the first."""
    found: dict[tuple[str, str], int | None] = {}
    commands: list[tuple[int | None, Sequence[bytes]]] = [(step.index, step.argv) for step in steps]
    for index, words in commands or [(None, argv)]:
        texts = [word.decode("utf-8", "replace") for word in words[1:]]
        for at, text in enumerate(texts):
            equals = _SEED_EQUALS.fullmatch(text)
            flag = _SEED.fullmatch(text) if text.startswith("-") else None
            if equals:
                found.setdefault((equals[1], equals[2]), index)
            elif flag and at + 1 < len(texts) and _NUMBER.fullmatch(texts[at + 1]):
                found.setdefault((flag[1], texts[at + 1]), index)
    value = environment.get("PYTHONHASHSEED")
    if value:
        found.setdefault(("PYTHONHASHSEED", value), None)
    return [{"name": name, "value": value, "step": step} for (name, value), step in found.items()]


def trackers(entries: Iterable[Entry]) -> list[dict[str, Json]]:
    """``tracker`` (wandb, mlflow, tensorboard), ``run`` (its id; None where there is none), ``directory``, and what else its
    path says: runs that the job wrote to."""
    found: dict[tuple[str, str], dict[str, Json]] = {}
    for entry in entries:
        if entry.kind not in _WRITTEN:
            continue
        path = entry.path.decode("utf-8", "replace")
        if wandb := _WANDB.match(path):
            row: dict[str, Json] = {"run": wandb[3], "directory": wandb[1], "offline": wandb[2] is not None}
            found.setdefault(("wandb", wandb[1]), row)
        elif mlflow := _MLFLOW.match(path):
            found.setdefault(("mlflow", mlflow[1]), {"run": mlflow[3], "directory": mlflow[1], "experiment": mlflow[2]})
        elif board := _TENSORBOARD.fullmatch(path):
            found.setdefault(("tensorboard", board[1]), {"run": None, "directory": board[1]})
    return [{"tracker": name, **row} for (name, _), row in sorted(found.items(), key=lambda item: item[0])]


def accelerator_libraries(entries: Iterable[Entry]) -> dict[str, Json]:
    """Versions by library (cudart, cudnn, …) of those that a process read or mapped, by their files' names."""
    found: dict[str, Json] = {}
    for entry in entries:
        library = _CUDA.fullmatch(entry.path.decode("utf-8", "replace")) if b".so." in entry.path else None
        if library and entry.kind == "input":
            known = found.get(library[1])
            found[library[1]] = max(known, library[2], key=len) if isinstance(known, str) else library[2]
    return dict(sorted(found.items()))
