"""`/login`, `/logout`, `/account`, `/device`: who somebody is here, and what acts for them; glaas.accounts does it.

Whatever changes something is a POST from a page of this site: its Origin says so, and, once somebody is signed in, a token
of their session that no other site can know.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from glaas.accounts.errors import NotSignedInError, SlowDownError
from glaas.accounts.identity import PLAIN_COOKIE, SECURE_COOKIE, session_cookie
from glaas.accounts.model import ADMIN, SCOPES, USUAL, Actor
from glaas.accounts.sessions import check_csrf, link_token
from glaas.accounts.tokens import Grant
from glaas.web import words
from glaas.web.answers import Elsewhere, Page
from glaas.web.site import Asked
from lineage.errors import ConflictError, DeniedError, InvalidError, NotFoundError

_DAY = 86400 * 10**9
_MONTH = 30 * 24 * 3600  # seconds that a browser keeps the cookie; the server's own end comes first
DAYS = (7, 30, 90, 365, 0)
Form = Mapping[str, list[str]]


def login(asked: Asked) -> Page | Elsewhere:
    after = _within(asked.query("next"))
    return Elsewhere(after) if asked.viewer.account else _login_page(asked, after)


def _login_page(asked: Asked, after: str, trouble: str = "", name: str = "", status: int = 200) -> Page:
    providers = [(one.title or one.name, f"/api/v1/auth/oidc/{one.name}/start?{urlencode({'next': after})}")
                 for one in asked.site.wiring.settings.oidc]
    return Page("login.html", "Sign in", {"trouble": trouble, "next": after, "name": name, "providers": providers},
                path="/login", status=status, headers={"Cache-Control": "no-store"})


def sign_in(asked: Asked, form: Form) -> Page | Elsewhere:
    """A new cookie each time, so that nobody can plant one."""
    name, password, after = _one(form, "name").strip(), _one(form, "password"), _within(_one(form, "next"))
    accounts, address = asked.site.wiring.accounts, asked.address
    try:
        _, secret = accounts.signing.in_browser(name, password, address, asked.request.headers.get("user-agent", ""))
    except (NotSignedInError, SlowDownError) as error:
        status = 429 if isinstance(error, SlowDownError) else 401
        return _login_page(asked, after, f"{_sentence(error.message)} {_sentence(error.hint)}", words.line(name, 60), status)
    return Elsewhere(after, cookies=(_cookie(asked, secret, _MONTH),))


def sign_out(asked: Asked, form: Form) -> Elsewhere:
    check_csrf(asked.identity.csrf, _one(form, "csrf"))
    asked.site.wiring.accounts.sessions.close(session_cookie(asked.request.cookies), _actor(asked))
    return Elsewhere("/", cookies=(_cookie(asked, "", 0),))


def _cookie(asked: Asked, value: str, seconds: int) -> str:
    """RFC 6265 section 4.1; the __Host- prefix binds it to this host alone."""
    secure = asked.site.wiring.settings.https
    name = SECURE_COOKIE if secure else PLAIN_COOKIE
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}" + ("; Secure" if secure else "")


def account(asked: Asked, made: str = "", trouble: str = "") -> Page | Elsewhere:
    if not asked.viewer.account:
        return Elsewhere("/login?next=/account")
    accounts, name = asked.site.wiring.accounts, asked.viewer.account
    user = accounts.users.get(name)
    proof, linked = link_token(session_cookie(asked.request.cookies)), dict(user.links)
    return Page("account.html", "Account", {
        "name": name, "csrf": asked.identity.csrf, "made": made, "trouble": trouble, "scopes": SCOPES, "usual": USUAL,
        "days": DAYS,
        "tokens": [{"id": one.id, "name": words.line(one.name, 80), "scopes": ", ".join(one.scopes),
                    "created": words.when(one.created_at), "used": words.when(one.used_at) if one.used_at else None,
                    "expires": words.when(one.expires_at) if one.expires_at else None} for one in accounts.tokens.of(name)],
        "keys": [{"fingerprint": one.fingerprint, "name": words.line(one.name, 80), "proven": bool(one.proven_at),
                  "created": words.when(one.created_at)} for one in accounts.keys.of(name)],
        "sessions": [{"id": one.id, "how": one.how, "address": words.line(one.address, 60), "agent": words.line(one.agent, 80),
                      "seen": words.when(one.seen_at), "this": one.id == asked.identity.session}
                     for one in accounts.sessions.of(name)],
        "providers": [{"title": one.title or one.name, "issuer": one.issuer, "linked": one.issuer in linked,
                       "link": f"/api/v1/auth/oidc/{one.name}/link?proof={proof}"} for one in asked.site.wiring.settings.oidc],
        "has_password": bool(user.password), "organisations": sorted(user.organisations.items()),
        "invitations": sorted((org, role) for org, (role, _) in user.invitations.items()), "operator": user.operator,
    }, path="/account", headers={"Cache-Control": "no-store"}, status=400 if trouble else 200)


def change(asked: Asked, form: Form) -> Page | Elsewhere:
    """One form of the account page: ``do`` says which."""
    if not asked.viewer.account:
        return Elsewhere("/login?next=/account")
    check_csrf(asked.identity.csrf, _one(form, "csrf"))
    accounts, name, actor = asked.site.wiring.accounts, asked.viewer.account, _actor(asked)
    do = _one(form, "do")
    try:
        _check_may_manage(asked)
        if do == "token":
            return account(asked, made=accounts.tokens.add(name, _grant(asked, form), actor)[0])
        if do == "revoke":
            accounts.tokens.revoke(name, _one(form, "id"), actor)
        elif do == "key":
            accounts.keys.add(name, _one(form, "line"), actor, _one(form, "name"))
        elif do == "unkey":
            accounts.keys.remove(name, _one(form, "id"), actor)
        elif do == "unlink":
            accounts.users.unlink(name, _one(form, "id"), actor)
        elif do == "join":
            accounts.organisations.join(_one(form, "id"), actor)
        elif do == "decline":
            accounts.organisations.decline(_one(form, "id"), actor)
        elif do == "password":
            accounts.signing.change_password(name, _one(form, "old"), _one(form, "new"), actor)
            return Elsewhere("/login?next=/account", cookies=(_cookie(asked, "", 0),))
        elif do == "others":
            accounts.sessions.close_all(name, actor, session_cookie(asked.request.cookies))
        else:
            raise InvalidError("nothing was asked for", "use the buttons of the page")
    except (InvalidError, ConflictError, NotFoundError, DeniedError, SlowDownError) as error:
        return account(asked, trouble=f"{_sentence(error.message)} {_sentence(error.hint)}")
    return Elsewhere("/account")


def _check_may_manage(asked: Asked) -> None:
    """Who signed in with a token that may less may not make one that may more."""
    if ADMIN not in asked.identity.scopes:
        raise DeniedError("this browser signed in with a token that may not manage the account",
                          "sign out, and sign in with the password")


def _grant(asked: Asked, form: Form) -> Grant:
    days = _one(form, "days")
    if days not in {str(each) for each in DAYS}:
        raise InvalidError("that is no time for a token to hold", "choose one of the list")
    until = asked.site.wiring.accounts.clock() + int(days) * _DAY if days != "0" else 0
    return Grant(_one(form, "name"), tuple(form.get("scopes", ())), until)


def device(asked: Asked, trouble: str = "") -> Page | Elsewhere:
    """What asks to be let in, and for what; who is not signed in does that first, and comes back."""
    code = asked.query("user_code") or asked.query("code")
    if not asked.viewer.account:
        return Elsewhere("/login?next=/device" + (f"%3Fuser_code%3D{_plain(code)}" if _plain(code) else ""))
    waiting = None
    if code and not trouble:
        try:
            waiting = asked.site.wiring.accounts.devices.waiting(code, _actor(asked))
        except NotFoundError as error:
            trouble = f"{_sentence(error.message)} {_sentence(error.hint)}"
    return Page("device.html", "Let a program in", {
        "code": _plain(code), "waiting": waiting, "trouble": trouble, "csrf": asked.identity.csrf, "done": "",
        "asks": words.line(waiting.name, 80) if waiting else "", "address": words.line(waiting.address, 60) if waiting else "",
    }, path="/device", headers={"Cache-Control": "no-store"}, status=404 if trouble else 200)


def answer_device(asked: Asked, form: Form) -> Page | Elsewhere:
    if not asked.viewer.account:
        return Elsewhere("/login?next=/device")
    check_csrf(asked.identity.csrf, _one(form, "csrf"))
    approve = _one(form, "do") == "approve"
    try:
        _check_may_manage(asked)
        asked.site.wiring.accounts.devices.answer(_one(form, "code"), _actor(asked), approve=approve)
    except (NotFoundError, ConflictError, DeniedError) as error:
        return device(asked, f"{_sentence(error.message)} {_sentence(error.hint)}")
    return Page("device.html", "Let a program in", {
        "code": "", "waiting": None, "trouble": "", "csrf": asked.identity.csrf, "asks": "", "address": "",
        "done": "It is let in: go back to its window." if approve else "It was sent away, and got nothing.",
    }, path="/device", headers={"Cache-Control": "no-store"})


def _within(path: str) -> str:
    """Only paths of this site: never another host's, whatever somebody put into a link."""
    fine = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if fine and len(path) < 500 else "/"


def _plain(code: str) -> str:
    return "".join(one for one in code[:20].upper() if one.isascii() and (one.isalnum() or one == "-"))


def _one(form: Form, key: str) -> str:
    return form.get(key, [""])[0]


def _actor(asked: Asked) -> Actor:
    return Actor(asked.viewer.account, asked.address)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""

