"""`roar init`: begin a session for this project. Makes no files: the daemon keeps everything."""

from __future__ import annotations

from roarctl.commands.options import AsJson, current_project, emit, emit_json

HELP = """Begin a session for this project, and say whether this machine can record.

Not needed before `roar run`, which begins one by itself. Makes no files in the project."""
EPILOG = """Examples:

\b
  roar init"""


def command(as_json: AsJson = False) -> None:
    from lineage import wire
    from lineage.document import session_document
    from lineage.v1 import admin_pb2, observe_pb2, records_pb2
    from roarctl.client import connect
    from roarctl.render.text import printable

    with connect() as client:
        health = client.call("Admin/Health", admin_pb2.HealthRequest(), admin_pb2.HealthResponse)
        request = observe_pb2.BeginRequest(project=current_project())
        session = wire.session_from(client.call("Observe/Begin", request, records_pb2.Session))
    if as_json:
        emit_json({**session_document(session), "capturing": health.capturing, "problems": list(health.problems)})
        return
    emit(f"session {session.id.hex()[:7]} of {printable(session.project)}, "
          + (f"{session.jobs} jobs so far" if session.jobs else "no jobs yet"))
    for problem in health.problems:
        emit(f"! {printable(problem)}")
    emit("next: roar run CMD…" if health.capturing else "next: roard check (this daemon cannot record now)")
