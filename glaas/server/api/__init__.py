"""/api/v1: questions as addresses, documents as answers.  Described in /api/openapi.json, and for people in /api/docs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from glaas.server.api import graphs, log, records, register
from glaas.server.wiring import Wiring

PREFIX = "/api/v1"


def router(wiring: Wiring) -> APIRouter:
    api = APIRouter(prefix=PREFIX, default_response_class=Response)
    for part in (records, graphs, log, register):
        part.add(api, wiring)
    return api
