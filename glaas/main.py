"""The command line of the registry: `glaas serve`, `glaas user`, …"""

from __future__ import annotations

import json
import sys

import typer

from glaas.commands import audit, backup, forget, log, migrate, org, restore, serve, token, user
from lineage.errors import RoarError

app = typer.Typer(name="glaas", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
                  pretty_exceptions_enable=False, help="The registry of lineage: where any hash has a history.")
app.command("serve", help=serve.HELP, epilog=serve.EPILOG)(serve.command)
app.add_typer(user.app, name="user")
app.add_typer(token.app, name="token")
app.add_typer(org.app, name="org")
app.add_typer(log.app, name="log")
app.command("forget", help=forget.HELP, epilog=forget.EPILOG)(forget.command)
app.command("audit", help=audit.HELP, epilog=audit.EPILOG)(audit.command)
app.command("migrate", help=migrate.HELP, epilog=migrate.EPILOG)(migrate.command)
app.command("backup", help=backup.HELP, epilog=backup.EPILOG)(backup.command)
app.command("restore", help=restore.HELP, epilog=restore.EPILOG)(restore.command)


def main() -> None:
    try:
        app()
    except RoarError as error:
        if "--json" in sys.argv:
            print(json.dumps({"error": error.document()}), file=sys.stderr)
            sys.exit(error.exit_code)
        print(f"glaas: {error.message}" + (f"\n  hint: {error.hint}" if error.hint else ""), file=sys.stderr)
        sys.exit(error.exit_code)
