"""`roar register REF…`: lineage sent to the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from roarctl.client import Client
    from roarctl.references import Target
    from roarctl.registry.commits import Tag
    from roarctl.registry.registering import Choices, Plan, Sent
    from roarctl.registry.where import Place
    from roarctl.settings import Settings

HELP = """Send the lineage of files, jobs or sessions to the registry, where anyone who may can find it by hash.

What goes is how things were made: jobs with all that led to them, and what people said of them; never the contents of
files. Only you see it, unless you say otherwise. Typed again it goes on where it stopped, and sends nothing twice."""
EPILOG = """Examples:

\b
  roar register model.pt --dry-run      exactly what would leave this machine
  roar register model.pt                for you alone
  roar register model.pt --public       for everyone
  roar register @3 --scope org:vision   for an organisation
  roar register model.pt --sign ~/.ssh/id_ed25519

Where the registry is: `roar login`, or GLAAS_URL and GLAAS_TOKEN. The commits that jobs ran at are tagged in your repository
(roar/1a2b3c4), so that no clean-up takes them away; pushing the tags is asked first."""


def command(
    references: Annotated[list[str], typer.Argument(metavar="REF…", help="Files, jobs or sessions.")],
    scope: Annotated[str, typer.Option("--scope", metavar="SCOPE", help="private, public or org:NAME.")] = "",
    public: Annotated[bool, typer.Option("--public", help="As --scope public.")] = False,
    show_hashes: Annotated[bool, typer.Option(
        "--show-hashes", help="Others may see the hash of what is private where something visible came from it.")] = False,
    direct: Annotated[bool, typer.Option("--direct", help="Only the job that made it, not what came before.")] = False,
    sign: Annotated[Path | None, typer.Option(
        metavar="KEY", help="An ed25519 key (PEM, OpenSSH), or the .pub of one in the ssh-agent.")] = None,
    no_redact: Annotated[list[str] | None, typer.Option(
        "--no-redact", metavar="JOB", help="What looks like a secret in this job is none (can be repeated).")] = None,
    no_tag: Annotated[bool, typer.Option("--no-tag", help="Tag no commits.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the tags without asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; show what would be sent.")] = False,
    as_json: AsJson = False,
) -> None:
    from lineage.errors import InvalidError
    from roarctl import references as naming
    from roarctl.client import connect
    from roarctl.registry import where
    from roarctl.registry.registering import Choices
    from roarctl.render.register import registered_document
    from roarctl.settings import load

    settings = load(current_project())
    if public and scope not in {"", "public"}:
        raise InvalidError("--public and --scope say different things", "give one of them")
    with connect() as client:
        targets = [_checked(naming.resolve(client, reference, current_project()), reference) for reference in references]
        place = where.find(settings) if dry_run else where.needed(settings)
        excused = frozenset(naming.resolve(client, one, current_project()).id for one in no_redact or ())
        chosen = _scope(settings, "public" if public else scope, place, yes=yes, no_input=no_input, dry_run=dry_run)
        signer = None if dry_run else _signer(sign, settings)
        choices = Choices(chosen, bool(scope or public), show_hashes, direct, excused, signer)
        documents = [_one(client, place, target, choices, reference, dry_run=dry_run, quiet=as_json,
                          tagging=_Tagging(not no_tag, push or yes, no_input or as_json))
                     for target, reference in zip(targets, references, strict=True)]
    if as_json:
        emit_json(registered_document(place.address.url if place else None, choices, documents, dry_run=dry_run))


class _Tagging:
    """``push``: without asking; ``silent``: nobody can be asked."""

    def __init__(self, wanted: bool, push: bool, silent: bool) -> None:
        self.wanted = wanted
        self.push = push
        self.silent = silent


def _checked(target: Target, reference: str) -> Target:
    from lineage.errors import InvalidError

    if target.changed:
        raise InvalidError(f"the present content of {reference} is recorded nowhere",
                           f"the newest that is recorded there: roar register artifact:{target.id.hex()[:16]}")
    return target


def _scope(settings: Settings, given: str, place: Place | None, *, yes: bool, no_input: bool, dry_run: bool) -> str:
    """A project's file comes with what one clones: that it wants all public is not for it alone to say."""
    from lineage.errors import InvalidError
    from roarctl.confirm import confirm
    from roarctl.registry.scopes import checked

    scope = checked(given or settings.word("registry.scope"))
    if scope == "public" and not given and not dry_run:
        where = place.address.url if place is not None else "the registry"
        confirm(f"the project's {settings.where('registry.scope')} makes it public at {where}; go on?", yes=yes,
                no_input=no_input)
    if place is None and not dry_run:
        raise InvalidError("no registry is known here", "`roar login URL`")
    return scope


def _signer(given: Path | None, settings: Settings) -> Any:  # noqa: ANN401 - a Signer
    from roarctl import signing

    named = settings.word("registry.sign")
    key = given or (Path(named).expanduser() if named else None)
    return signing.signer(key) if key is not None else None


def _one(client: Client, place: Place | None, target: Target, choices: Choices, reference: str, *, dry_run: bool, quiet: bool,
         tagging: _Tagging) -> dict[str, Any]:
    import sys

    from lineage.errors import RoarError
    from roarctl.context.project import working_directory
    from roarctl.registry import registering
    from roarctl.render.register import dry_lines, pack_document, page_url, registration_document, sent_lines
    from roarctl.render.text import Palette

    progress = _progress(quiet=quiet)
    registry = place.client() if place is not None else None
    name = place.address.url if place is not None else "a registry"
    try:
        try:
            plan = registering.prepare(client, registry, target, choices, progress)
        except RoarError as error:
            if not dry_run or registry is None or error.code not in {"unavailable", "denied"}:
                raise
            progress("")
            print(f"roar: ! the registry was not asked: {error.message}", file=sys.stderr)
            registry = None
            plan = registering.prepare(client, None, target, choices, progress)
        progress("")
        if dry_run:
            registering.look_at_said(client, plan)
            if not quiet:
                emit("\n".join(dry_lines(plan, working_directory(), name, choices.scope, Palette.of(sys.stdout))))
            packs = [pack_document(pack, raw.id, len(raw.header) + sum(map(len, raw.parts.values())))
                     for pack, raw in registering.bundles(client, plan, choices)] if quiet else []
            return registration_document(plan, packs, target, place.address.url if place else "", None, [])
        registering.check(plan)
        assert registry is not None
        sent = registering.Sent()
        try:
            registering.send(client, registry, plan, choices, sent, progress)
        except (KeyboardInterrupt, RoarError) as stopped:
            progress("")
            _stopped(plan, sent, stopped)
            raise
        page = page_url(registry.url, target)
        tags = _tags(plan, registry.url) if tagging.wanted else []
        if not quiet:
            signed_by = choices.signer.key if choices.signer is not None else ""
            palette = Palette.of(sys.stderr)
            print("\n".join(sent_lines(plan, sent, tags, page, choices.scope, signed_by, palette)), file=sys.stderr)
        _push(tags, tagging, quiet=quiet)
        if not quiet:
            print(Palette.of(sys.stderr).dim(f"  next: {_next(choices, reference)}"), file=sys.stderr)
        packs = [pack_document(pack, identity, pack.size) for pack, identity in zip(plan.packs, sent.bundles, strict=True)]
        return registration_document(plan, packs, target, registry.url, sent, tags)
    finally:
        if registry is not None:
            registry.close()


def _next(choices: Choices, reference: str) -> str:
    import shlex

    kind, _, digits = reference.rpartition(":")
    name = shlex.quote(f"{kind}:{digits[:12]}" if kind in {"artifact", "job", "session"} else reference)
    if choices.scope == "public":
        return f"roar lineage {name}   (on any machine)"
    return f"roar scope {name} public --closure   (for everyone)"


def _stopped(plan: Plan, sent: Sent, error: BaseException) -> None:
    """How far it came; the same command goes on."""
    import sys

    from lineage.errors import RoarError

    words = f"{sent.new} of {plan.new} jobs are registered; the same command goes on with the rest"
    if isinstance(error, RoarError):
        error.hint = f"{error.hint}; {words}" if error.hint else words
    else:
        print(f"roar: stopped: {words}", file=sys.stderr, flush=True)


def _tags(plan: Plan, url: str) -> list[Tag]:
    from roarctl.registry import commits

    return [commits.tag(one.root, one.commit, url, job) for one, job in plan.commits.items()]


def _push(tags: list[Tag], tagging: _Tagging, *, quiet: bool) -> None:
    """Only what was tagged now; said how, where nobody said yes. What goes wrong is said: everything else is done."""
    import sys

    from lineage.errors import RoarError
    from roarctl.confirm import NotConfirmedError, confirm
    from roarctl.registry import commits
    from roarctl.render.text import printable

    groups: dict[tuple[bytes, str], list[Tag]] = {}
    for tag in tags:
        if tag.remote and (tag.state == "made" or (tag.state == "there" and tagging.push)):
            groups.setdefault((tag.root, tag.remote), []).append(tag)
    for (root, remote), mine in groups.items():
        names = [tag.name for tag in mine]
        shown = names[0] if len(names) == 1 else f"{len(names)} tags"
        try:
            confirm(f"push {shown} to {printable(remote)}?", yes=tagging.push, no_input=tagging.silent)
            commits.push(root, remote, names)
            words = f"pushed {shown} to {printable(remote)}"
        except NotConfirmedError:
            command = mine[0].push_command + "".join(f" {name}" for name in names[1:])
            words = f"not pushed: {printable(command)}"
        except RoarError as error:
            words = f"! {printable(error.message)}"
        if not quiet:
            print(f"  {words}", file=sys.stderr)


def _progress(*, quiet: bool) -> Callable[[str], None]:
    """On a terminal one line that is overwritten; else nothing."""
    import sys

    if quiet or sys.stderr is None or not sys.stderr.isatty():
        return lambda _: None

    def show(text: str) -> None:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return show
