"""How a failure or a warning is said: one way for people, one for programs."""

from __future__ import annotations

import sys

from lineage.errors import AmbiguousError, RoarError


def print_error(error: RoarError, *, as_json: bool, code: str = "") -> None:
    """On stderr; as JSON it is one line, `{"error": {"code", "message", "hint"}}`."""
    if sys.stderr is None:
        return
    if as_json:
        import json

        whole = error.document()
        print(json.dumps({"error": {**whole, "code": code or whole["code"]}}), file=sys.stderr, flush=True)
        return
    from roarctl.render.text import printable

    details = error.candidates if isinstance(error, AmbiguousError) else error.details
    lines = [f"roar: {printable(error.message)}", *(f"    {printable(detail)}" for detail in details)]
    if error.hint:
        lines.append(f"  {printable(error.hint)}")
    print("\n".join(lines), file=sys.stderr, flush=True)
