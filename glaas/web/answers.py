"""What a page's module hands back: a page with its document, or a way to elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: A page needs nothing but what comes from here.  Scripts and styles are files; nothing stands in the page itself.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
          "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
#: A picture has its own style in it, and neither scripts nor anything from elsewhere.
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
           "Permissions-Policy": "camera=(), microphone=(), geolocation=()"}


@dataclass(frozen=True, slots=True)
class Card:
    """What other sites show where a page is linked (https://ogp.me): texts, and the path of a picture."""

    title: str
    text: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """``template`` with ``model``; ``document``: the same for programs.  ``path``: where the page lives for good."""

    template: str
    title: str
    model: Mapping[str, Any] = field(default_factory=dict)
    document: Callable[[], Mapping[str, Any]] | None = None
    path: str = ""
    status: int = 200
    card: Card | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """``lasting``: the address will never mean anything else."""

    path: str
    lasting: bool = False
    cookies: tuple[str, ...] = ()  # Set-Cookie lines


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of another kind than a page."""

    content: bytes
    kind: str
    headers: Mapping[str, str] = field(default_factory=dict)


def picture(svg: str, seconds: int, *, public: bool) -> Data:
    """``public``: anyone would get the same; others' may be kept by their own browser alone."""
    return Data(svg.encode("utf-8", "replace"), "image/svg+xml", {
        "Content-Security-Policy": PICTURE_POLICY, "Cross-Origin-Resource-Policy": "cross-origin" if public else "same-origin",
        "Cache-Control": f"{'public' if public else 'private'}, max-age={seconds}"})
