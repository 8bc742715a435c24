"""`roar reproduce REF`: a plan to make something again, the same as a script, or the doing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from roarctl.commands.options import AsJson, Local, Reference, current_project, emit, emit_json

if TYPE_CHECKING:
    from pathlib import Path

    from lineage.reproduce.plan import Plan
    from roarctl.client import Client
    from roarctl.references import Target

HELP = """Make a file, a job or a session again, and compare what comes out with what was recorded.

Without --run it shows the plan: sources, Python and packages, inputs and where they can be found, steps in order. --run
does it in a fresh directory: clones the repository at the recorded commit, applies the uncommitted changes, installs the
packages into a virtual environment, puts the inputs there (each verified by its hash), runs the steps as new jobs, and
compares their outputs byte for byte. Typed again with the same --dir it goes on where it stopped."""
EPILOG = """Examples:

\b
  roar reproduce model.pkl                        the plan
  roar reproduce model.pkl --run --yes            do it, beside the project
  roar reproduce model.pkl --run --dir /scratch/again
  roar reproduce @3 --run --only @3               that job alone, with its inputs as they are now
  roar reproduce model.pkl --from 2 --to 3 --run  some of the plan's steps
  roar reproduce model.pkl --script > again.sh    or --dockerfile, --snakefile, --makefile, --requirements

REF is a file or an artifact (what made it, from the roots on), a job (with what it needs) or a session (all of its jobs
that went well). A STEP is a number of the plan, @3, or job:…. What lies outside of the project is used where it is; steps
that would write there run only with --outside.

Exit status of --run: 0 all outputs are identical, 1 some differ, 2 some were not made or a step failed, 3 it could not be
tried: no repository, package, Python or input. Without --run: 0."""




def command(
    reference: Reference,
    run: Annotated[bool, typer.Option("--run", help="Do it.")] = False,
    directory: Annotated[str, typer.Option("--dir", metavar="DIR", help="Where; empty, or that of an earlier try.")] = "",
    first: Annotated[str, typer.Option("--from", metavar="STEP", help="Only this step and those after it.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="STEP", help="Only the steps up to this.")] = "",
    only: Annotated[list[str] | None, typer.Option("--only", metavar="STEP", help="Only this step (can be repeated).")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the steps are run.")] = False,
    outside: Annotated[bool, typer.Option("--outside", help="Steps may write outside of the projects.")] = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Without inputs that are gone, and after failures.")] = False,
    packages: Annotated[Literal["exact", "near", "none"], typer.Option(
        help="The recorded versions; the next best where one cannot be had; or none.")] = "exact",
    python: Annotated[str, typer.Option(metavar="PATH", help="The Python to take, whatever was recorded.")] = "",
    repository: Annotated[list[str] | None, typer.Option(
        metavar="[NAME=]WHERE", help="Where the repository is now: a path or an address.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Link inputs instead of copying them.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    script: Annotated[bool, typer.Option("--script", help="Print a shell script.")] = False,
    dockerfile: Annotated[bool, typer.Option("--dockerfile", help="Print a Dockerfile.")] = False,
    snakefile: Annotated[bool, typer.Option("--snakefile", help="Print a Snakefile.")] = False,
    makefile: Annotated[bool, typer.Option("--makefile", help="Print a Makefile.")] = False,
    requirements: Annotated[bool, typer.Option("--requirements", help="Print the packages, for pip.")] = False,
    local: Local = False,
    as_json: AsJson = False,
) -> int:
    import sys
    from pathlib import Path

    from lineage.errors import InvalidError
    from lineage.reproduce.plan import make_plan, select
    from roarctl import references
    from roarctl.registry.lookups import look
    from roarctl.render.reproduce import plan_lines, reproduce_document, result_document, result_lines
    from roarctl.render.text import Palette, printable
    from roarctl.reproducing.choices import Choices
    from roarctl.reproducing.errors import ConsentError
    from roarctl.reproducing.execute import Reproduction
    from roarctl.reproducing.gather import gather
    from roarctl.reproducing.locate import Finder
    from roarctl.reproducing.results import exit_code
    from roarctl.reproducing.state import plan_key

    forms = [name for name, chosen in (("shell", script), ("docker", dockerfile), ("snake", snakefile), ("make", makefile),
                                       ("requirements", requirements)) if chosen]
    if len(forms) + run > 1 or (forms and as_json):
        raise InvalidError("--run, --json and the forms of text exclude each other", "choose one of them")
    palette = Palette.of(sys.stdout)
    with look(local=local) as client:
        target = references.resolve(client, reference, current_project())
        gathered = gather(client, target)
        whole = make_plan(gathered.jobs, gathered.warnings)
        numbers = _numbers(client, whole, first, last, only or [])
        plan = whole if numbers is None else select(whole, numbers)
        given = _repositories(whole, repository or [])
        where = Path(directory).absolute() if directory else _beside(whole, target)
        found = Finder(client, plan, {project.root: (given.get(project.name) or given.get("") or "").encode() or project.root
                                      for project in plan.projects}).all()
        if forms:
            from roarctl.reproducing.texts import write

            emit(write(forms[0], plan, found, reference).rstrip("\n"))
            return 0
        if not run:
            if as_json:
                emit_json(reproduce_document(reference, plan, found, None))
            else:
                emit("\n".join(plan_lines(plan, found, reference, palette)))
                emit(f"next: roar reproduce {printable(reference)} --run --dir {printable(str(where))}")
            return 0
        if not as_json:
            emit("\n".join(plan_lines(plan, found, reference, palette)))
        _confirm(f"run these {len(plan.steps)} steps in {where}?" if len(plan.steps) > 1 else f"run this step in {where}?",
                 yes=yes, no_input=no_input, error=ConsentError)
        choices = Choices(where, given, python, packages, outside, keep_going, link, no_input)
        work = Reproduction(client, plan, plan_key(whole), choices, _say)
        results = work.run()
    if as_json:
        emit_json(reproduce_document(reference, plan, found, result_document(results, work.notes, where)))
    else:
        emit("\n".join(result_lines(plan, results, work.notes, where, palette)))
    return exit_code(results)


def _say(words: str) -> None:
    import sys

    from roarctl.render.text import printable

    print(f"roar: {printable(words)}", file=sys.stderr, flush=True)


def _repositories(plan: Plan, given: list[str]) -> dict[str, str]:
    """By a project's name, or "" for all. An address can have an = in it too."""
    names = {project.name for project in plan.projects}
    found = {}
    for one in given:
        name, _, where = one.partition("=")
        found.update({name: where} if where and name in names else {"": one})
    return found


def _confirm(question: str, *, yes: bool, no_input: bool, error: type) -> None:
    from roarctl.confirm import NotConfirmedError, confirm

    try:
        confirm(question, yes=yes, no_input=no_input)
    except NotConfirmedError as refused:
        raise error(refused.message, refused.hint) from refused


def _numbers(client: Client, plan: Plan, first: str, last: str, only: list[str]) -> list[int] | None:
    """The numbers of the steps that were chosen; None: all."""
    from lineage.errors import InvalidError

    if only and (first or last):
        raise InvalidError("--only excludes --from and --to")
    if only:
        return [_number(client, plan, one) for one in only]
    if not first and not last:
        return None
    start = _number(client, plan, first) if first else 1
    end = _number(client, plan, last) if last else len(plan.steps)
    if start > end:
        raise InvalidError(f"step {start} comes after step {end}", "the plan has them in order: see it without --run")
    return list(range(start, end + 1))


def _number(client: Client, plan: Plan, text: str) -> int:
    from lineage.errors import InvalidError
    from roarctl import references

    if text.isdigit():
        return int(text)
    target = references.resolve(client, text, current_project())
    for step in plan.steps:
        if step.head.id == target.id:
            return step.number
    raise InvalidError(f"{text} is none of the plan's steps", "see the plan without --run")


def _beside(plan: Plan, target: Target) -> Path:
    """A directory beside the project of the last step: on the same file system, and outside of its work tree. Where there is no
    such place here, since it was recorded on another machine, below the working directory."""
    import os
    from pathlib import Path

    project = Path(os.fsdecode(plan.projects[plan.steps[-1].project].root))
    name = f"{project.name}-again-{target.id.hex()[:7]}"
    there = project.is_dir() or os.access(project.parent, os.W_OK)
    return project.parent / name if there else Path.cwd() / name
