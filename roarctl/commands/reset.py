"""`roar reset`: end the project's session."""

from __future__ import annotations

from roarctl.commands.options import AsJson, current_project, emit, emit_json

HELP = """End this project's session: the next job is @1 of a new one.

Nothing is deleted: the jobs of the old session stay, and are found by their ids and in `roar log --session`."""
EPILOG = """Examples:

\b
  roar reset"""


def command(as_json: AsJson = False) -> None:
    from lineage import wire
    from lineage.v1 import observe_pb2
    from roarctl.client import connect
    from roarctl.render.documents import reset_document

    with connect() as client:
        request = observe_pb2.ResetRequest(project=current_project())
        answer = client.call("Observe/Reset", request, observe_pb2.ResetResponse)
    session = wire.session_from(answer.session) if answer.ended else None
    if as_json:
        emit_json(reset_document(answer))
    elif session is None:
        emit("this project has no session: nothing to end")
    else:
        emit(f"session {session.id.hex()[:7]} ended after {session.jobs} jobs; all of them stay")
        emit(f"next: roar log --session {session.id.hex()[:7]}")
