"""`roar run @3 --epochs=10`: a recorded command, with changes, in the directory where it ran.

The record is asked for in a forked child: the connection's threads and modules stay out of the process that holds the new
command (roarctl/launch.py).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from lineage.errors import ConflictError, InvalidError, RoarError, of_document
from roarctl import launch

_REFERENCE = re.compile(r"@(?:\d+|~\d+)?|job:[0-9a-fA-F]{4,64}")
CONTEXT_KEY = "again_of"  # in the new job's context: the id of the job whose command it runs (the run, if that goes on)


class Again:
    """What to run, where, and what the new job's context says."""

    def __init__(self, number: int, argv: list[bytes], cwd: bytes, context: dict[str, str]) -> None:
        self.number = number
        self.argv = argv
        self.cwd = cwd
        self.context = context


def find(words: Sequence[bytes], environment: dict[bytes, bytes]) -> Again | None:
    """None where the first word names no job, or a program of that name is on PATH: then that is meant."""
    reference = os.fsdecode(words[0])
    if not _REFERENCE.fullmatch(reference):
        return None
    try:
        launch.resolve([words[0]], environment)
    except launch.CannotRunError:
        pass
    else:
        return None
    return _changed(reference, _asked(reference), words[1:])


def enter(again: Again, environment: dict[bytes, bytes]) -> None:
    """Go to the directory where it ran. InvalidError where that is gone."""
    try:
        os.chdir(again.cwd)
    except OSError as error:
        raise InvalidError(f"@{again.number} ran in {os.fsdecode(again.cwd)}: {(error.strerror or str(error)).lower()}",
                           f"make that directory again, or `roar reproduce @{again.number}`") from error
    if b"PWD" in environment:
        environment[b"PWD"] = again.cwd


def _changed(reference: str, told: dict[str, Any], changes: Sequence[bytes]) -> Again:
    from lineage.reproduce.arguments import changed, parameter_name, redacted_words

    argv = changed([os.fsencode(word) for word in told["argv"]], changes)
    secret = redacted_words(argv)
    if secret:
        name = parameter_name(argv, secret[0])
        hint = f"give it anew: roar run {reference} {name}=…" if name.startswith("-") else "type the command again"
        raise InvalidError(f"{name} was not recorded, because it is a secret", hint)
    if not argv:
        raise ConflictError(f"{reference} has no command", "it was attached to")
    context = {CONTEXT_KEY: told["id"], **({"kind": told["kind"]} if told["kind"] else {})}
    return Again(told["number"], list(argv), os.fsencode(told["cwd"]), context)


def _asked(reference: str) -> dict[str, Any]:
    """The job's head, by way of a child."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _answer(reference, write)
    os.close(write)
    with open(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    try:
        document: dict[str, Any] = json.loads(answer)
    except ValueError as error:
        raise RoarError(f"{reference} could not be looked up") from error
    if "error" in document:
        raise of_document(document["error"])
    return document


def _answer(reference: str, pipe: int) -> NoReturn:
    try:
        try:
            document = _head(reference)
        except RoarError as error:
            document = {"error": error.document()}
        except Exception as error:
            document = {"error": {"code": "error", "message": f"internal error: {type(error).__name__}: {error}"}}
        with open(pipe, "wb", buffering=0) as file:
            file.write(json.dumps(document).encode())
    finally:
        os._exit(0)


def _head(reference: str) -> dict[str, Any]:
    from lineage import wire
    from lineage.v1 import lineage_pb2, records_pb2
    from roarctl import references
    from roarctl.client import connect
    from roarctl.context.project import project_root, working_directory

    with connect() as client:
        target = references.resolve(client, reference, project_root(working_directory()))
        message = client.call("Lineage/GetJob", lineage_pb2.GetJobRequest(id=target.id), records_pb2.Job)
    head = wire.head_from(message.head)
    return {"argv": [os.fsdecode(word) for word in head.argv], "cwd": os.fsdecode(head.cwd), "number": head.number,
            "kind": head.kind, "id": (head.id or head.run).hex()}
