"""`roar verify FILE`: does a statement or a bundle hold?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roarctl.commands.options import AsJson, emit, emit_json

if TYPE_CHECKING:
    from roarctl.verifying import Check

HELP = """Check what `roar export` made as slsa or bundle: signature, digests, ids, and the record here.

Says of each what was checked and what was not. Exit code 0: what was checked held; 1: something is false; 3: there was
nothing to check it against."""
EPILOG = """Examples:

\b
  roar verify model.intoto.jsonl --key ada.pub model.pkl
  roar verify model.intoto.jsonl --allowed-signers ~/.ssh/allowed_signers model.pkl
  roar verify model.roar                  every id in a bundle is recomputed"""

KeyOption = Annotated[Path | None, typer.Option("--key", metavar="PUB", help="A public key that you trust (PEM or OpenSSH).")]
SignersOption = Annotated[Path | None, typer.Option(
    "--allowed-signers", metavar="FILE", help="Keys that you trust, as ssh-keygen(1) lists them.")]


_MOST_ALIKE = 5


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What was exported.")],
    artifacts: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]…", help="Files that it should be about.")] = None,
    key: KeyOption = None,
    signers: SignersOption = None,
    as_json: AsJson = False,
) -> None:
    import sys
    from contextlib import ExitStack

    from lineage.errors import UnavailableError
    from roarctl import verifying
    from roarctl.client import connect
    from roarctl.render.text import Palette, printable

    keys = verifying.trusted(key, signers)
    with ExitStack() as stack:
        try:
            client = stack.enter_context(connect())
        except UnavailableError:
            client = None
        verdict = verifying.verify(file, keys, artifacts or [], client)
    if as_json:
        emit_json(verdict.document())
    else:
        palette = Palette.of(sys.stdout)
        words = {"held": palette.green("held   "), "failed": palette.red("FAILED "), "unknown": palette.dim("not checked")}
        lines = [f"  {words[check.outcome]:<11} {check.of:<10}{printable(check.text)}" for check in _shortened(verdict.checks)]
        last = {0: palette.green("it holds, as far as it was checked"), 1: palette.red("it does not hold"),
                3: palette.yellow("nothing was checked that says anything: give --key, or the files that it is about")}
        emit("\n".join([*lines, f"roar: {last[verdict.exit_code]}"]))
    raise typer.Exit(verdict.exit_code)


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
