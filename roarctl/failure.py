"""How a failure or a warning is said: one way for people, one for programs."""

from __future__ import annotations

import sys

from lineage.errors import AmbiguousError, RoarError


def print_error(error: RoarError, *, as_json: bool, code: str = "") -> None:
    """On stderr; as JSON it is one line, `{"error": {"code", "message", "hint"}}`."""
    if sys.stderr is None:
        return
    candidates = error.candidates if isinstance(error, AmbiguousError) else ()
    if as_json:
        import json

        whole: dict[str, object] = {"code": code or error.code, "message": error.message, "hint": error.hint}
        if candidates:
            whole["candidates"] = list(candidates)
        print(json.dumps({"error": whole}), file=sys.stderr, flush=True)
        return
    from roarctl.render.text import printable

    lines = [f"roar: {printable(error.message)}", *(f"    {printable(candidate)}" for candidate in candidates)]
    if error.hint:
        lines.append(f"  {printable(error.hint)}")
    print("\n".join(lines), file=sys.stderr, flush=True)
