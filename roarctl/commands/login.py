"""`roar login [URL]`: this machine is let in at a registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roarctl.commands.options import AsJson, current_project, emit, emit_json

if TYPE_CHECKING:
    from roarctl.registry.address import Address
    from roarctl.registry.credentials import Credentials, Login

HELP = """Log in at a registry: what this machine does there is done as you.

On a terminal it shows a code to confirm in a browser, on any machine. What is stored (a token, readable by you alone) is
used by all commands; GLAAS_URL and GLAAS_TOKEN in the environment go before it."""
EPILOG = """Examples:

\b
  roar login https://registry.example.org
  roar login https://registry.example.org --ssh-key ~/.ssh/id_ed25519 --user ada
  roar login https://registry.example.org --token-stdin          asks for a token; or: … < FILE
  roar login https://registry.example.org --anonymous    only to look up what is public

An SSH key is an ed25519 one that your account there knows (`roar auth keys add`); with its .pub file the ssh-agent signs."""


def command(
    url: Annotated[str, typer.Argument(metavar="[URL]", help="Of the registry; else the one that is known.")] = "",
    device: Annotated[bool, typer.Option("--device", help="Show a code to confirm in a browser, off a terminal too.")] = False,
    ssh_key: Annotated[Path | None, typer.Option("--ssh-key", metavar="FILE", help="A key that your account knows.")] = None,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="With --ssh-key: your account's name there.")] = "",
    token_stdin: Annotated[bool, typer.Option(
        "--token-stdin", help="Read a token from stdin; a terminal does not show it.")] = False,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="As nobody in particular.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May also manage your account: tokens, keys.")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Send the token by http, in a network that you trust.")] = False,
    no_default: Annotated[bool, typer.Option("--no-default", help="The usual registry stays another one.")] = False,
    as_json: AsJson = False,
) -> None:
    import sys

    from lineage.errors import InvalidError
    from roarctl.registry import accounts, credentials
    from roarctl.registry.address import Address
    from roarctl.registry.client import RegistryClient
    from roarctl.registry.credentials import Login
    from roarctl.registry.http import Transport
    from roarctl.render.text import printable

    if sum((device, ssh_key is not None, token_stdin, anonymous)) > 1:
        raise InvalidError("there are several ways to log in", "give one of --device, --ssh-key, --token-stdin, --anonymous")
    if user and ssh_key is None:
        raise InvalidError("--user is for --ssh-key", "else the registry says who you are")
    asked = device or ssh_key is not None or token_stdin or anonymous
    if not asked and not (sys.stdin is not None and sys.stdin.isatty()):
        raise InvalidError("nobody is here to confirm a code", "give --token-stdin, --ssh-key FILE, or --device all the same")
    known = credentials.load()
    address = Address.parse(url or _usual(known))
    address.check_secret(insecure=insecure or anonymous)
    scopes = (*accounts.USUAL, "admin") if admin else accounts.USUAL
    with RegistryClient(Transport(address)) as registry:
        accounts.check_registry(registry)
        if anonymous:
            login = Login("", "", insecure)
        elif token_stdin:
            login = _given(address, _token(), insecure=insecure)
        else:
            made = (accounts.by_key(registry, user or _me(), ssh_key, scopes) if ssh_key is not None
                    else accounts.by_device(registry, scopes, _show))
            login = Login(made.token, made.account, insecure)
    _end(address, known.logins.get(address.url), login)
    after = credentials.load().with_login(address.url, login, default=not no_default)
    credentials.save(after)
    if as_json:
        emit_json(login_document(address.url, login, default=after.default == address.url))
        return
    who = f"you are {printable(login.account)} at" if login.account else "what is public can be looked up at"
    emit(f"{who} {address.url}" + ("" if after.default == address.url else f"  (the usual registry is {after.default})"))


def login_document(url: str, login: Login, *, default: bool) -> dict[str, Any]:
    return {"schema": "roar.login/1", "registry": url, "account": login.account or None, "default": default}


def _usual(known: Credentials) -> str:
    import os

    from lineage.errors import InvalidError
    from roarctl.registry import where
    from roarctl.settings import load

    found = os.environ.get(where.URL) or load(current_project()).word("registry.url") or known.default
    if not found:
        raise InvalidError("no registry is known here", "roar login URL")
    return found


def _me() -> str:
    import getpass

    return getpass.getuser()


def _token() -> str:
    import getpass
    import sys

    if sys.stdin is None:
        return ""
    return getpass.getpass("token: ").strip() if sys.stdin.isatty() else sys.stdin.readline().strip()


def _given(address: Address, token: str, *, insecure: bool) -> Login:
    """A token that somebody made elsewhere: whose it is."""
    from lineage.errors import DeniedError, InvalidError
    from lineage.v1 import registry_pb2
    from roarctl.registry.client import RegistryClient
    from roarctl.registry.credentials import Login
    from roarctl.registry.http import Transport

    if not token:
        raise InvalidError("there is no token on stdin", "such as: roar login URL --token-stdin < FILE")
    with RegistryClient(Transport(address, token, insecure=insecure)) as registry:
        account = registry.call("Registry/WhoAmI", registry_pb2.WhoAmIRequest(), registry_pb2.Account)
    if not account.name:
        raise DeniedError(f"{address.url} does not know this token", "has it been revoked?")
    return Login(token, account.name, insecure)


def _show(code: str, page: str) -> None:
    import sys

    from roarctl.render.text import Palette, printable

    palette = Palette.of(sys.stderr)
    print(f"open  {printable(page)}\nand confirm the code  {palette.bold(printable(code))}\nwaiting for it… "
          f"{palette.dim('(who has a token and no password: --token-stdin)')}", file=sys.stderr,
          flush=True)


def _end(address: Address, before: Login | None, now: Login) -> None:
    """The token that was stored before is of no use to anyone any more; if it cannot be ended, it ends with its time."""
    import contextlib

    from lineage.errors import RoarError
    from roarctl.registry import accounts
    from roarctl.registry.client import RegistryClient
    from roarctl.registry.http import Transport

    if before is None or before.token in {"", now.token}:
        return
    with contextlib.suppress(RoarError), RegistryClient(Transport(address, before.token, insecure=before.insecure)) as registry:
        accounts.log_out(registry)
