"""`roar verify`: does a statement, a bundle or a receipt hold? Is this in a registry's log, and has that log been rewritten?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, emit, emit_json

if TYPE_CHECKING:
    from roarctl.client import Client
    from roarctl.verifying import Check, Verdict

HELP = """Check what `roar export` made as slsa or bundle (signature, digests, ids, and the record here), and what a registry
said about what was registered: that it is in the registry's log, and that the log was not rewritten.

Says of each what was checked and what was not. Exit code 0: what was checked held; 1: something is false; 3: there was
nothing to check it against."""
EPILOG = """Examples:

\b
  roar verify model.intoto.jsonl --key ada.pub model.pkl
  roar verify model.intoto.jsonl --allowed-signers ~/.ssh/allowed_signers model.pkl
  roar verify model.roar                  every id in a bundle is recomputed
  roar verify model.pt                    was what made it registered? by the receipts that are kept here
  roar verify receipt.json --log-key KEY  somebody else's receipt
  roar verify --log                       does the registry's log begin with all that it showed before?"""

KeyOption = Annotated[Path | None, typer.Option("--key", metavar="PUB", help="A public key that you trust (PEM or OpenSSH).")]
SignersOption = Annotated[Path | None, typer.Option(
    "--allowed-signers", metavar="FILE", help="Keys that you trust, as ssh-keygen(1) lists them.")]


_MOST_ALIKE = 5
_LAST = {"log": "nothing of this log was seen before", **dict.fromkeys(
    ("receipt", "consistency", "evidence"), "nothing was checked that says anything: give --log-key")}


def command(
    target: Annotated[str, typer.Argument(
        metavar="[TARGET]", help="What was exported, a receipt, or a reference (@3, a file). With --log: a registry's "
                                 "address; default: the one you use.")] = "",
    artifacts: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files that it should be about.")] = None,
    key: KeyOption = None,
    signers: SignersOption = None,
    log_key: Annotated[str, typer.Option(
        "--log-key", metavar="KEY", help="Of the registry's log, or a file with it. Default: the one seen first.")] = "",
    log: Annotated[bool, typer.Option("--log", help="Ask a registry whether its log has all that it showed before.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no registry, even if no receipt is here.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.errors import InvalidError, UnavailableError
    from roarctl import verifying
    from roarctl.client import connect
    from roarctl.render.text import Palette, printable

    if not target and not log:
        raise InvalidError("what is to be verified?", "roar verify FILE, roar verify @3, or roar verify --log")
    with ExitStack() as stack:
        if log:
            verdict = _log(target, log_key)
        else:
            client: Client | None
            try:
                client = stack.enter_context(connect())
            except UnavailableError:
                client = None
            kind = verifying.kind_of(Path(target))
            if kind in {"bundle", "statement"}:
                verdict = verifying.verify(Path(target), verifying.trusted(key, signers), artifacts or [], client)
            elif kind == "receipt":
                verdict = _receipt(Path(target), artifacts or [], log_key, client)
            elif kind is not None:
                verdict = _about_log(Path(target), kind, log_key)
            else:
                verdict = _reference(target, log_key, client, offline)
    if as_json:
        emit_json(verdict.document())
    else:
        palette = Palette.of(sys.stdout)
        words = {"held": palette.green("held   "), "failed": palette.red("FAILED "), "unknown": palette.dim("not checked")}
        lines = [f"  {words[check.outcome]:<11} {check.of:<10}{printable(check.text)}" for check in _shortened(verdict.checks)]
        unknown = _LAST.get(verdict.kind, "nothing was checked that says anything: give --key, or the files that it is about")
        last = {0: palette.green("it holds, as far as it was checked"), 1: palette.red("it does not hold"),
                3: palette.yellow(unknown)}
        emit("\n".join([*lines, f"roar: {last[verdict.exit_code]}"]))
    raise typer.Exit(verdict.exit_code)


def _receipt(path: Path, artifacts: Sequence[Path], log_key: str, client: Client | None) -> Verdict:
    from roarctl import proving
    from roarctl.known_logs import KnownLogs
    from roarctl.verifying import Verdict

    found = proving.read(path)
    checks = proving.receipt_checks(found, KnownLogs(), proving.log_key(log_key) if log_key else None)
    return Verdict("receipt", (*checks, *proving.file_checks(found, artifacts, client)))


def _about_log(path: Path, kind: str, log_key: str) -> Verdict:
    from roarctl import log_files, proving
    from roarctl.known_logs import KnownLogs

    return log_files.verify(path, kind, KnownLogs(), proving.log_key(log_key) if log_key else None)


def _reference(reference: str, log_key: str, client: Client | None, offline: bool) -> Verdict:
    """What was recorded here; behind that, what the registry knows."""
    from roarctl import proving
    from roarctl.commands.options import current_project
    from roarctl.known_logs import KnownLogs
    from roarctl.registry import where
    from roarctl.registry.lookups import look
    from roarctl.settings import load

    trusted = proving.log_key(log_key) if log_key else None
    place = None if offline else where.find(load(current_project()))
    if place is None:
        return proving.reference_verdict(reference, KnownLogs(), trusted, client)
    with look() as both, place.client() as registry:
        return proving.reference_verdict(reference, KnownLogs(), trusted, both, registry)


def _log(url: str, log_key: str) -> Verdict:
    from roarctl import log_history, proving
    from roarctl.commands.options import current_project
    from roarctl.known_logs import KnownLogs
    from roarctl.registry import where
    from roarctl.registry.address import Address
    from roarctl.settings import load
    from roarctl.verifying import Verdict

    # A log is for everyone to see: whoever is asked by address is told nothing of who asks.
    place = where.Place(Address.parse(url), "", "", False, "argument") if url else where.needed(load(current_project()))
    trusted = proving.log_key(log_key) if log_key else None
    with place.client() as client:
        return Verdict("log", tuple(log_history.log_checks(client, place.address.url, KnownLogs(), trusted)))


def _shortened(checks: Sequence[Check]) -> list[Check]:
    """A lineage of many jobs has many checks alike: some of each, and how many more. What failed is all there."""
    shown: list[Check] = []
    counts = Counter((check.of, check.outcome) for check in checks)
    seen: Counter[tuple[str, str]] = Counter()
    for check in checks:
        key = (check.of, check.outcome)
        seen[key] += 1
        if check.outcome == "failed" or seen[key] <= _MOST_ALIKE:
            shown.append(check)
        elif seen[key] == counts[key]:
            shown.append(check._replace(text=f"… and {counts[key] - _MOST_ALIKE} more"))
    return shown
