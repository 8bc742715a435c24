"""One way out for errors: every handler is wrapped, and what it raises becomes a status that the client can read."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

import grpc

from lineage.errors import RoarError
from lineage.status import status_of

Handler = TypeVar("Handler", bound=Callable[..., Any])

_log = logging.getLogger(__name__)


def answered(handler: Handler) -> Handler:
    """For a handler ``(self, request, context)``, one that returns a message or one that yields them.

    A RoarError travels whole (``lineage.status``).  Anything else is a defect of ours: INTERNAL for the caller, who
    learns nothing of the server's inside, and a traceback in the log.
    """
    if inspect.isgeneratorfunction(handler):
        @wraps(handler)
        def stream(self: object, request: object, context: grpc.ServicerContext) -> Iterator[object]:
            failure: Exception | None = None
            try:
                yield from handler(self, request, context)
            except Exception as error:
                failure = error
            if failure is not None:
                _abort(context, failure, handler.__name__)

        return cast(Handler, stream)

    @wraps(handler)
    def unary(self: object, request: object, context: grpc.ServicerContext) -> object:
        try:
            return handler(self, request, context)
        except Exception as error:
            failure = error
        _abort(context, failure, handler.__name__)

    return cast(Handler, unary)


def _abort(context: grpc.ServicerContext, failure: Exception, name: str) -> NoReturn:
    """Outside of any ``except``: abort itself raises, and must not seem to be the handler's error."""
    if not isinstance(failure, RoarError):
        if not context.is_active():  # the client went away, or the handler had already aborted
            raise failure
        _log.error("%s failed", name, exc_info=failure)
        context.abort(grpc.StatusCode.INTERNAL, f"{name} failed inside the server; its log says why")
    code, details, trailing = status_of(failure)
    context.set_trailing_metadata(trailing)
    context.abort(code, details)
