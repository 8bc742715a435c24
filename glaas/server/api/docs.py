"""/api/docs: what /api/openapi.json says, as a page without scripts."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
code{font:14px ui-monospace,monospace}section{border-top:1px solid #8886;padding:.5rem 0}h3{margin:.3rem 0}
dt{font-weight:600}dd{margin:0 0 .3rem 1.5rem}"""
_BOUNDS = {"minimum": "from", "maximum": "to", "minLength": "length from", "maxLength": "length to", "default": "usually"}
_CODE = re.compile(r"`([^`]+)`")
_SECTIONS = {"records": "Records", "lineage": "Lineage", "search": "Search", "register": "Register",
             "log": "Transparency log"}


def routes(app: FastAPI) -> list[Route]:
    async def page(_: Request) -> Response:
        return HTMLResponse(_page(app.openapi()), headers={"Cache-Control": "public, max-age=300"})

    async def style(_: Request) -> Response:
        return Response(_STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=86400"})

    return [Route("/api/docs", page), Route("/api/docs.css", style)]


def _page(description: dict[str, Any]) -> str:
    operations = [(path, method, operation) for path, methods in description["paths"].items()
                  for method, operation in methods.items()]
    sections: dict[str, list[str]] = {title: [] for title in _SECTIONS.values()}
    for path, method, operation in operations:
        tag = str(next(iter(operation.get("tags", ())), "other"))
        sections.setdefault(_SECTIONS.get(tag, tag.capitalize()), []).append(_operation(path, method, operation))
    parts = [f"<h2>{escape(title)}</h2>{''.join(each)}" for title, each in sections.items() if each]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<title>glaas: API</title><link rel="stylesheet" href="/api/docs.css"></head><body><main><h1>API of this registry</h1>'
        "<p>Answers are JSON documents with a <code>schema</code>; those that begin with <code>roar.</code> are what "
        "<code>roar … --json</code> prints. Errors are <code>{\"error\": {code, message, hint}}</code>. Ids can be "
        "shortened to 4 digits or more. What is not public needs <code>Authorization: Bearer TOKEN</code>. "
        'For programs: <a href="/api/openapi.json">openapi.json</a>. The protobuf services (gRPC, and Connect on this port: '
        "<code>POST /lineage.v1.Lineage/GetJob</code>) are described by gRPC reflection.</p>"
        f"{''.join(parts)}</main></body></html>")


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<dt><code>{escape(one['name'])}</code>{'' if one.get('required') else ' (optional)'}</dt>"
        f"<dd>{_words(one.get('description') or _kind(one.get('schema', {})))}</dd>"
        for one in operation.get("parameters", ()))
    answer = operation.get("responses", {}).get("200", {}).get("description", "")
    return (f"<section><h3><code>{method.upper()} {escape(path)}</code></h3><p>{_words(operation.get('description', ''))}</p>"
            f"<dl>{rows}<dt>Answer</dt><dd><code>{escape(answer)}</code></dd></dl></section>")


def _words(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    bounds = [f"{words} {schema[key]}" for key, words in _BOUNDS.items() if key in schema]
    return ", ".join([str(schema.get("type", "")), *bounds])
