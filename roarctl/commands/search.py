"""`roar search`: files and jobs by what is remembered of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import (
    AsJson,
    Host,
    Labels,
    NoPager,
    Since,
    Until,
    User,
    current_project,
    emit_json,
)

if TYPE_CHECKING:
    from lineage.v1.lineage_pb2 import SearchRequest

HELP = """Find files and jobs, in all projects, by path, hash or words.

A TERM is a path or glob (it has a slash or * ? [ ]; without a slash in front it may be in any directory, ** crosses
directories), the first digits of a hash, or a word of paths and commands. Newest first; all that is asked for must hold."""
EPILOG = """Examples:

\b
  roar search 'data/*.parquet'            in any directory data
  roar search '/srv/runs/**/model.pt'
  roar search 9e41c07d                    a hash, of a file or a job
  roar search train lr=0.1                words of commands, or of paths
  roar search '*.pt' --command 'train.py' --host gpu1 --since 30d
  roar search --label stage=production   files and jobs that are labelled so
  roar search --path model.pt --json"""


def command(
    terms: Annotated[list[str] | None, typer.Argument(metavar="TERM", help="Paths, a hash, or words.")] = None,
    paths: Annotated[list[str] | None, typer.Option("--path", metavar="GLOB", help="Files at such a path.")] = None,
    digits: Annotated[str, typer.Option("--hash", metavar="PREFIX", help="The first digits of a hash.")] = "",
    words: Annotated[list[str] | None, typer.Option(
        "--command", metavar="WORDS", help="Jobs, or files of jobs, whose command has them.")] = None,
    since: Since = "",
    until: Until = "",
    host: Host = "",
    user: User = "",
    labels: Labels = None,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1000, help="How many of each at most.")] = 20,
    registry: Annotated[bool, typer.Option("--registry", help="Search the registry instead of this machine.")] = False,
    no_pager: NoPager = False,
    as_json: AsJson = False,
) -> None:
    import sys
    import time

    from lineage.jobfilter import JobFilter, to_message
    from lineage.times import moment
    from lineage.v1 import lineage_pb2
    from lineage.whole import search_document
    from roarctl.client import GRAPH_SECONDS, connect
    from roarctl.context.project import working_directory
    from roarctl.pager import page
    from roarctl.registry import lookups
    from roarctl.render.search import search_lines
    from roarctl.render.text import Palette

    now = time.time()
    wanted = JobFilter(
        since=moment(since, now) if since else 0, until=moment(until, now, end_of_day=True) if until else 0,
        words=tuple(word for one in words or () for word in one.split()), host=host, user=user, labels=tuple(labels or ()))
    request = lineage_pb2.SearchRequest(filter=to_message(wanted), project=current_project(), limit=limit,
                                        hash=digits.lower(), globs=[_glob(path) for path in paths or ()])
    for term in terms or ():
        _add(request, term)
    with lookups.registry() if registry else connect() as client:
        answer = client.call("Lineage/Search", request, lineage_pb2.SearchResponse, GRAPH_SECONDS)
    if as_json:
        emit_json(search_document(answer))
    else:
        page("\n".join(search_lines(answer, working_directory(), now, Palette.of(sys.stdout))), wanted=not no_pager)


def _add(request: SearchRequest, term: str) -> None:
    """Says what a term is by its form; hex digits with no number among them (``added``) are a word."""
    import os
    import re

    from lineage.errors import InvalidError
    from lineage.globs import is_glob

    if "/" in term or is_glob(os.fsencode(term)):
        request.globs.append(_glob(term))
    elif re.fullmatch(r"(?=.*\d)[0-9a-fA-F]{4,64}", term):
        if request.hash:
            raise InvalidError("two hashes at once name nothing", "search for one after the other")
        request.hash = term.lower()
    else:
        request.words.append(term)


def _glob(text: str) -> bytes:
    """From the root where the term says where it begins (/ . ..  ~), without symbolic links in what has no wildcard."""
    import os

    from lineage.globs import escaped, is_glob

    name = os.path.expanduser(os.fsencode(text))  # noqa: PTH111 - bytes
    if not name.startswith((b"/", b"./", b"../")) and name not in {b".", b".."}:
        return name
    parts = name.split(b"/")
    plain = next((at for at, part in enumerate(parts) if is_glob(part)), len(parts))
    fixed = os.path.realpath(b"/".join(parts[:plain]) or b"/")
    rest = b"/".join(parts[plain:])
    if not rest and os.path.isdir(fixed):  # noqa: PTH112 - bytes
        return escaped(fixed).rstrip(b"/") + b"/"
    return escaped(fixed).rstrip(b"/") + b"/" + rest if rest else escaped(fixed)
