"""Accounts on a real store: users, tokens, sessions, organisations, failures, device codes, the audit log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from glaas.accounts import names
from glaas.accounts.accounts import Accounts
from glaas.accounts.credentials import hashed, is_token, new_token, new_user_code, user_code
from glaas.accounts.errors import NotSignedInError, SlowDownError
from glaas.accounts.failures import FREE_OF_ACCOUNT, FREE_OF_PAIR
from glaas.accounts.identity import ANONYMOUS, PLAIN_COOKIE, SECURE_COOKIE
from glaas.accounts.limits import Limits, Rate, network_of
from glaas.accounts.model import OPERATOR, Actor
from glaas.accounts.passwords import Passwords, acceptable
from glaas.accounts.sessions import ABSOLUTE, IDLE, check_csrf
from glaas.accounts.sessions import MOST as MOST_SESSIONS
from glaas.accounts.tables import EXPIRING, FAILURES, SESSIONS, TABLES
from glaas.accounts.tokens import MOST as MOST_TOKENS
from glaas.accounts.tokens import Grant
from glaas.accounts.touching import STEP, Touching
from glaas.store import open_store
from glaas.store.keyed import KeyedStore
from glaas.store.viewer import PUBLIC
from lineage.errors import AmbiguousError, ConflictError, DeniedError, InvalidError, NotFoundError, RoarError, UnavailableError

T = TypeVar("T")
SECOND = 10**9
DAY = 86400 * SECOND
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "a walk in the rain"
BY = Actor(OPERATOR)
PURE = settings(deadline=None)  # on a busy machine anything takes its time


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


class CountingHasher(PasswordHasher):
    """A real one, which counts what is verified."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - argon2's
        self.verified += 1
        return super().verify(hash, password)


@pytest.fixture
def store(open_keyed: Callable[..., KeyedStore]) -> KeyedStore:
    return open_keyed(TABLES)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
def accounts(store: KeyedStore, clock: Clock, hasher: CountingHasher) -> Accounts:
    made = Accounts(store, clock, Passwords(hasher))
    for name in ("ada", "bob"):
        made.users.add(name, BY, password=PASSWORD)
    return made


def bearer(accounts: Accounts, account: str, *scopes: str, expires_at: int = 0) -> str:
    return "Bearer " + accounts.tokens.add(account, Grant("t", scopes or ("read", "register"), expires_at), BY)[0]


def rows(store: KeyedStore, table: object) -> int:
    with store.read() as reader:
        return sum(1 for _ in reader.walk(table))


def together(work: Callable[[int], T], times: int = 8) -> list[T | RoarError]:
    """All at once; what each gave or raised."""
    barrier = threading.Barrier(times)

    def one(number: int) -> T | RoarError:
        barrier.wait()
        try:
            return work(number)
        except RoarError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


# Names, secrets


@PURE
@given(st.text(max_size=50))
def test_a_name_is_safe_wherever_it_stands(text: str) -> None:
    if names.is_name(text):
        assert names.account_name(text) == text == text.lower()
        assert 1 <= len(text) <= 39 and text.isascii()
        assert not set(text) & set(":/\\ \0%?#@\"'<>&") and ".." not in text
        assert text[0].isalnum() and text[-1].isalnum()
    else:
        with pytest.raises(InvalidError):
            names.account_name(text)


@PURE
@given(st.from_regex(r"[a-z0-9]{1,12}([-_.][a-z0-9]{1,8}){0,2}", fullmatch=True))
def test_usual_names_are_names(text: str) -> None:
    assert names.is_name(text) == (text not in names.RESERVED)


@pytest.mark.parametrize("text", ["", "Ada", "ada ", "-ada", "ada-", "a--b", "a..b", "../x", "a/b", "org:lab", "ada\n", "ädä",
                                  "public", "me", "a" * 40, "\u0430da"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(InvalidError):
        names.account_name(text)


@PURE
@given(st.text(max_size=60))
def test_a_name_made_of_anything_is_one_or_nothing(text: str) -> None:
    made = names.near(text)
    assert made == "" or names.is_name(made)


def test_tokens_are_told_from_chance_and_no_two_are_alike() -> None:
    tokens = {new_token() for _ in range(200)}
    assert len(tokens) == 200
    for token in tokens:
        assert is_token(token) and token.startswith("glaas_") and token.isascii() and len(token) == 55


@PURE
@given(st.integers(0, 48), st.sampled_from("0aZ_- é"))
def test_a_token_with_one_character_changed_is_none(at: int, other: str) -> None:
    token = new_token()
    changed = token[:6 + at] + other + token[7 + at:]
    assert is_token(changed) == (changed == token)


@PURE
@given(st.text(max_size=80))
def test_user_codes_are_found_however_they_are_typed(text: str) -> None:
    assert user_code(text) == "" or user_code(user_code(text)) == user_code(text)
    code = new_user_code()
    assert user_code(f" {code.lower().replace('-', ' ')}\n") == code


def test_purposes_keep_hashes_apart() -> None:
    assert hashed("token", "x") != hashed("session", "x")


# Users and passwords


def test_a_name_is_never_given_away_again(accounts: Accounts) -> None:
    accounts.organisations.add("lab", "ada", BY)
    accounts.users.delete("bob", BY)
    for name in ("ada", "bob", "lab"):
        with pytest.raises(ConflictError):
            accounts.users.add(name, BY)
        with pytest.raises(ConflictError):
            accounts.organisations.add(name, "ada", BY)
    assert [user.name for user in accounts.users.everyone()] == ["ada"]


def test_of_many_who_take_a_name_at_once_one_gets_it(accounts: Accounts) -> None:
    made = together(lambda _: accounts.users.add("eve", BY))
    assert sum(not isinstance(one, RoarError) for one in made) == 1


def test_password_signs_in_and_is_kept_as_argon2id(accounts: Accounts) -> None:
    assert accounts.signing.by_password("ada", PASSWORD, "192.0.2.1").name == "ada"
    assert accounts.users.get("ada").password.startswith("$argon2id$v=19$")
    with pytest.raises(NotSignedInError):
        accounts.signing.by_password("ada", PASSWORD + "!", "192.0.2.1")


def test_the_real_parameters_are_those_of_rfc_9106() -> None:
    """The second recommended option: 3 passes, 2**16 KiB, 4 lanes, a salt of 128 bits, a tag of 256."""
    stored = Passwords().hash(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().verify(stored, PASSWORD)
    assert not Passwords().verify(stored, PASSWORD[:-1])


def test_who_is_not_there_costs_as_much_as_who_is(accounts: Accounts, hasher: CountingHasher) -> None:
    """No times are compared: the same number of hashes is computed."""
    accounts.users.add("nopass", BY)
    accounts.users.disable("bob", BY)
    for name, password in (("ada", "wrong"), ("nobody", PASSWORD), ("nopass", PASSWORD), ("bob", PASSWORD), ("../\0", "x")):
        before = hasher.verified
        with pytest.raises(NotSignedInError) as refused:
            accounts.signing.by_password(name, password, "192.0.2.1")
        assert hasher.verified == before + 1, name
        assert refused.value.message == "no account has this name and this password"


def test_a_password_is_hashed_anew_when_parameters_change(store: KeyedStore, accounts: Accounts) -> None:
    before = accounts.users.get("ada").password
    now = Accounts(store, accounts.clock, Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)))
    now.signing.by_password("ada", PASSWORD, "192.0.2.1")
    after = now.users.get("ada").password
    assert before != after and "m=16,t=2" in after
    now.signing.by_password("ada", PASSWORD, "192.0.2.1")
    assert now.users.get("ada").password == after


def test_a_crowd_that_signs_in_is_turned_away_before_it_takes_all_threads() -> None:
    go = threading.Event()

    class Slow(CountingHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - argon2's
            go.wait()
            return super().verify(hash, password)

    hasher = Slow()
    passwords, stored = Passwords(hasher), hasher.hash(PASSWORD)
    with ThreadPoolExecutor(40) as pool:
        tries = [pool.submit(passwords.verify, stored, PASSWORD) for _ in range(40)]
        while sum(one.done() for one in tries) < 30:
            time.sleep(0.01)
        go.set()
        turned_away = [one for one in tries if one.exception()]
    assert len(turned_away) >= 30 and hasher.verified == 40 - len(turned_away)
    assert all(isinstance(one.exception(), SlowDownError) for one in turned_away)


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "ada1234567890", "x" * 257])
def test_passwords_that_are_not_taken(password: str) -> None:
    with pytest.raises(InvalidError):
        acceptable(password, "ada")


def test_a_password_is_the_same_however_it_is_composed(accounts: Accounts) -> None:
    accounts.users.set_password("ada", "cafe\u0301 au lait", BY)
    assert accounts.signing.by_password("ada", "caf\u00e9 au lait", "192.0.2.1")


# Tokens, identity


def test_a_token_says_who_asks_until_it_is_revoked(accounts: Accounts) -> None:
    secret, token = accounts.tokens.add("ada", Grant("laptop", ("read",)), BY)
    identity = accounts.identify(f"Bearer {secret}")
    assert (identity.account, identity.scopes, identity.token) == ("ada", {"read"}, token.id)
    accounts.tokens.revoke("ada", token.id[:5], BY)
    with pytest.raises(NotSignedInError):
        accounts.identify(f"Bearer {secret}")
    with pytest.raises(NotFoundError):
        accounts.tokens.revoke("ada", token.id, BY)


def test_nobody_is_anonymous_and_a_wrong_token_is_refused(accounts: Accounts) -> None:
    assert accounts.identify(None) == accounts.identify("", {}) == ANONYMOUS
    for header in ("Bearer", "Bearer x", f"Bearer {new_token()}", "Basic YWRhOng=", bearer(accounts, "ada")[:-1]):
        with pytest.raises(NotSignedInError):
            accounts.identify(header)


def test_a_token_expires(accounts: Accounts, clock: Clock) -> None:
    header = bearer(accounts, "ada", expires_at=clock() + 60 * SECOND)
    clock.forward(59)
    assert accounts.identify(header).expires_at == clock() + SECOND
    clock.forward(1)
    with pytest.raises(NotSignedInError, match="expired"):
        accounts.identify(header)
    clock.forward(31 * 86400)
    accounts.tokens.add("bob", Grant("other"), BY)  # sweeps
    assert accounts.tokens.of("ada") == []


def test_a_disabled_account_is_out_at_once_everywhere(accounts: Accounts) -> None:
    header = bearer(accounts, "ada")
    cookies = {PLAIN_COOKIE: accounts.sessions.open("ada", "password", Actor("ada"))}
    assert accounts.identify(None, cookies).account == "ada"
    accounts.users.disable("ada", BY)
    with pytest.raises(NotSignedInError):
        accounts.identify(header)
    assert accounts.identify(None, cookies) == ANONYMOUS
    with pytest.raises(NotSignedInError):
        accounts.signing.by_password("ada", PASSWORD, "192.0.2.1")
    with pytest.raises(DeniedError):
        accounts.sessions.open("ada", "password", Actor("ada"))
    with pytest.raises(DeniedError):
        accounts.tokens.add("ada", Grant("new"), BY)
    accounts.users.enable("ada", BY)
    assert accounts.identify(header).account == "ada"
    assert accounts.identify(None, cookies) == ANONYMOUS


def test_no_secret_is_in_the_store(accounts: Accounts, store: KeyedStore) -> None:
    secret, _ = accounts.tokens.add("ada", Grant("t"), BY)
    cookie = accounts.sessions.open("ada", "password", Actor("ada"))
    device_code, _ = accounts.devices.start("cli")
    with store.read() as reader:
        everything = b"".join(home + rest + value for table in TABLES for (home, rest), value in reader.walk(table))
    assert b"ada" in everything
    for text in (secret, secret[6:49], cookie, device_code, PASSWORD):
        assert text.encode() not in everything


def test_tokens_are_limited_listed_and_remember_their_use(accounts: Accounts, clock: Clock) -> None:
    header = bearer(accounts, "ada")
    clock.forward(3600)
    accounts.identify(header)
    assert accounts.tokens.of("ada")[0].used_at == clock()
    for _ in range(MOST_TOKENS - 1):
        accounts.tokens.add("ada", Grant("t"), BY)
    with pytest.raises(ConflictError):
        accounts.tokens.add("ada", Grant("one more"), BY)
    with pytest.raises(AmbiguousError):
        accounts.tokens.revoke("ada", min("0123456789abcdef", key=lambda digit: -sum(
            token.id.startswith(digit) for token in accounts.tokens.of("ada"))), BY)


def test_that_a_token_was_used_is_written_once_by_many_threads_and_hurts_nobody(accounts: Accounts, clock: Clock) -> None:
    header = bearer(accounts, "ada")
    clock.forward(3600)
    assert all(not isinstance(one, RoarError) and one.account == "ada" for one in together(lambda _: accounts.identify(header)))
    assert accounts.tokens.of("ada")[0].used_at == clock()
    touching, written = Touching(accounts.store, clock), []
    touching.touch(b"key", clock() - STEP + 1, lambda _, now: written.append(now))
    touching.touch(b"key", clock() - STEP, lambda _, now: written.append(now))
    assert written == [clock()]

    def refused(_: object, now: int) -> None:
        raise UnavailableError("the disk is full")

    touching.touch(b"key", 0, refused)
    touching.touch(b"key", 0, lambda _, now: written.append(now))
    assert written == [clock()] * 2


@pytest.mark.parametrize("grant", [Grant("", ("read",)), Grant("x", ()), Grant("x", ("root",)), Grant("a\nb"), Grant("x" * 81),
                                   Grant("x", ("read",), 1), Grant("x", ("read",), 2**62)])
def test_what_no_token_can_be(accounts: Accounts, grant: Grant) -> None:
    with pytest.raises(InvalidError):
        accounts.tokens.add("ada", grant, BY)


def test_only_operators_with_the_scope_are_operators(accounts: Accounts) -> None:
    accounts.users.set_operator("ada", True, BY)
    assert accounts.identify(bearer(accounts, "ada", "admin")).operator
    assert not accounts.identify(bearer(accounts, "ada", "read")).operator
    assert not accounts.identify(bearer(accounts, "bob", "admin")).operator


# Sessions


def test_a_session_ends_idle_and_absolutely(accounts: Accounts, clock: Clock) -> None:
    cookies = {SECURE_COOKIE: accounts.sessions.open("ada", "password", Actor("ada", "192.0.2.1"), "Firefox")}
    clock.forward(IDLE / SECOND - 1)
    assert accounts.identify(None, cookies).account == "ada"  # which puts the end off
    clock.forward(IDLE / SECOND - 1)
    assert accounts.identify(None, cookies).account == "ada"
    clock.forward(IDLE / SECOND)
    assert accounts.identify(None, cookies) == ANONYMOUS
    cookies = {SECURE_COOKIE: accounts.sessions.open("ada", "password", Actor("ada"))}
    for _ in range(int(ABSOLUTE // DAY)):
        assert accounts.identify(None, cookies).account == "ada"
        clock.forward(86400)
    assert accounts.identify(None, cookies) == ANONYMOUS


def test_sessions_are_limited_signed_out_and_end_with_a_new_password(accounts: Accounts, store: KeyedStore) -> None:
    first = accounts.sessions.open("ada", "password", Actor("ada"))
    accounts.clock.forward(1)  # type: ignore[attr-defined]
    cookies = [accounts.sessions.open("ada", "password", Actor("ada")) for _ in range(MOST_SESSIONS)]
    assert accounts.identify(None, {PLAIN_COOKIE: first}) == ANONYMOUS
    assert len(accounts.sessions.of("ada")) == rows(store, SESSIONS) == MOST_SESSIONS
    accounts.sessions.close(cookies[0], Actor("ada"))
    assert accounts.identify(None, {PLAIN_COOKIE: cookies[0]}) == ANONYMOUS
    accounts.sessions.close_all("ada", Actor("ada"), but=cookies[1])
    assert len(accounts.sessions.of("ada")) == 1
    accounts.users.set_password("ada", "another walk in the rain", BY)
    assert accounts.sessions.of("ada") == []


def test_a_browser_signed_in_with_a_token_may_do_what_that_may(accounts: Accounts, clock: Clock) -> None:
    secret, token = accounts.tokens.add("ada", Grant("t", ("read",), clock() + 3600 * SECOND), BY)
    accounts.users.set_operator("ada", True, BY)

    def seen(cookie: str) -> tuple[str, set[str], bool]:
        found = accounts.identify(None, {PLAIN_COOKIE: cookie})
        return found.account, set(found.scopes), found.operator

    account, cookie = accounts.signing.in_browser("ada", secret, "192.0.2.1")
    assert account == "ada" and seen(cookie) == ("ada", {"read"}, False)
    other = accounts.signing.in_browser("", secret, "192.0.2.1")[1]
    for name, wrong in (("bob", secret), ("ada", new_token())):
        with pytest.raises(NotSignedInError):
            accounts.signing.in_browser(name, wrong, "192.0.2.1")
    assert seen(accounts.signing.in_browser("ada", PASSWORD, "192.0.2.1")[1])[1:] == ({"read", "register", "admin"}, True)
    clock.forward(3600)
    assert seen(cookie) == ("", set(), False)
    with pytest.raises(NotSignedInError):
        accounts.signing.in_browser("ada", secret, "192.0.2.1")
    clock.forward(-60)
    assert seen(other)[0] == "ada"
    accounts.tokens.revoke("ada", token.id, BY)
    assert seen(other) == ("", set(), False)
    assert "token" in [one.details.get("how") for one in accounts.audit.events(account="ada")]


def test_csrf_is_of_the_session(accounts: Accounts) -> None:
    cookies = [accounts.sessions.open("ada", "password", Actor("ada")) for _ in range(2)]
    one, other = (accounts.identify(None, {PLAIN_COOKIE: cookie}) for cookie in cookies)
    check_csrf(one.csrf, one.csrf)
    for expected, given_ in ((one.csrf, other.csrf), (one.csrf, ""), ("", ""), (one.csrf, "é")):
        with pytest.raises(DeniedError):
            check_csrf(expected, given_)


# Organisations


def test_spaces_follow_roles(accounts: Accounts) -> None:
    accounts.organisations.add("lab", "ada", BY)
    accounts.users.add("rea", BY)
    accounts.organisations.set_role("lab", "rea", "reader", BY)
    ada, bob, rea = (accounts.identify(bearer(accounts, name)) for name in ("ada", "bob", "rea"))
    assert accounts.viewer(ada).spaces == {PUBLIC, "user:ada", "org:lab"}
    assert accounts.viewer(rea).spaces == {PUBLIC, "user:rea", "org:lab"}
    assert accounts.viewer(bob).spaces == {PUBLIC, "user:bob"}
    assert accounts.viewer(ANONYMOUS).spaces == {PUBLIC}
    assert [accounts.may_register(one, "org:lab") for one in (ada, bob, rea, ANONYMOUS)] == [True, False, False, False]
    assert [accounts.may_register(one, "user:ada") for one in (ada, bob)] == [True, False]
    assert [accounts.may_register(one, PUBLIC) for one in (ada, rea, ANONYMOUS)] == [True, True, False]
    assert (accounts.space(ada, ""), accounts.space(ada, "private"), accounts.space(ada, "org:lab")) == (
        "user:ada", "user:ada", "org:lab")
    for who, word in ((rea, "org:lab"), (bob, "org:nope"), (ANONYMOUS, "public")):
        with pytest.raises(DeniedError):
            accounts.space(who, word)
    for word in ("user:ada", "lab", "PUBLIC"):
        with pytest.raises(InvalidError):
            accounts.space(bob, word)


def test_scopes_of_a_token_hold(accounts: Accounts) -> None:
    reads, registers = (accounts.identify(bearer(accounts, "ada", scope)) for scope in ("read", "register"))
    assert not accounts.may_register(reads, "user:ada") and accounts.may_register(registers, "user:ada")
    assert accounts.may_read(reads, "user:ada") and not accounts.may_read(registers, "user:ada")
    assert accounts.may_read(registers, PUBLIC)
    with pytest.raises(DeniedError, match="this token"):
        accounts.space(reads, "private")


def test_members_are_invited_and_join(accounts: Accounts) -> None:
    organisations = accounts.organisations
    organisations.add("lab", "ada", Actor("ada"))
    for name in ("cyd", "dan"):
        accounts.users.add(name, BY)
    with pytest.raises(DeniedError):
        organisations.invite("lab", "cyd", "member", Actor("bob"))
    with pytest.raises(DeniedError):
        organisations.join("lab", Actor("bob"))
    organisations.invite("lab", "bob", "maintainer", Actor("ada"))
    assert accounts.identify(bearer(accounts, "bob")).organisations == {}
    assert organisations.join("lab", Actor("bob")) == "maintainer"
    organisations.invite("lab", "cyd", "member", Actor("bob"))
    organisations.join("lab", Actor("cyd"))
    assert accounts.identify(bearer(accounts, "cyd")).organisations == {"lab": "member"}
    for role, who, by in (("owner", "cyd", "bob"), ("reader", "ada", "bob"), ("owner", "cyd", "cyd"), ("reader", "bob", "cyd")):
        with pytest.raises(DeniedError):
            organisations.set_role("lab", who, role, Actor(by))
    organisations.invite("lab", "dan", "reader", Actor("bob"))
    organisations.remove("lab", "bob", Actor("ada"))
    with pytest.raises(DeniedError):  # who invited them may no longer
        organisations.join("lab", Actor("dan"))
    for last in (lambda: organisations.remove("lab", "ada", Actor("ada")), lambda: accounts.users.delete("ada", BY),
                 lambda: organisations.set_role("lab", "ada", "reader", Actor("ada"))):
        with pytest.raises(ConflictError, match="last owner"):
            last()
    organisations.set_role("lab", "cyd", "owner", Actor("ada"))
    accounts.users.delete("ada", BY)
    assert organisations.get("lab").members == {"cyd": "owner"}
    assert accounts.users.get("cyd").organisations == {"lab": "owner"}


def test_two_owners_who_leave_at_once_leave_one(accounts: Accounts) -> None:
    accounts.organisations.add("lab", "ada", BY)
    accounts.organisations.set_role("lab", "bob", "owner", BY)
    left = together(lambda at: accounts.organisations.remove("lab", ("ada", "bob")[at], BY), 2)
    assert sum(isinstance(one, ConflictError) for one in left) == 1
    assert len(accounts.organisations.get("lab").members) == 1


# Failed sign-ins, limits


def test_failed_sign_ins_slow_down_and_others_are_not_locked_out(accounts: Accounts, store: KeyedStore, clock: Clock) -> None:
    def wrong(address: str = "192.0.2.1") -> None:
        with pytest.raises(NotSignedInError):
            accounts.signing.by_password("ada", "wrong", address)

    for _ in range(FREE_OF_PAIR):
        wrong()
    replica = Accounts(store, clock, Passwords(CHEAP))
    waits = []
    for _ in range(4):
        with pytest.raises(SlowDownError) as slow:
            replica.signing.by_password("ada", PASSWORD, "192.0.2.1")
        waits.append(slow.value.retry_after)
        clock.forward(slow.value.retry_after)
        wrong()
    assert waits == sorted(waits) and waits[-1] > waits[0]
    assert accounts.signing.by_password("ada", PASSWORD, "198.51.100.7")
    clock.forward(86400)
    assert accounts.signing.by_password("ada", PASSWORD, "192.0.2.1")


def test_many_guesses_at_once_are_as_few_as_one_after_the_other(accounts: Accounts) -> None:
    tried = together(lambda _: accounts.signing.by_password("ada", "wrong", "192.0.2.1"), 12)
    assert sum(isinstance(one, NotSignedInError) for one in tried) == FREE_OF_PAIR
    assert sum(isinstance(one, SlowDownError) for one in tried) == 12 - FREE_OF_PAIR


def test_many_addresses_slow_an_account_down(accounts: Accounts, clock: Clock) -> None:
    for number in range(FREE_OF_ACCOUNT):
        accounts.failures.attempt("ada", f"10.0.{number // 200}.{number % 200}")
    with pytest.raises(SlowDownError):
        accounts.failures.attempt("ada", "192.0.2.77")
    accounts.failures.attempt("bob", "192.0.2.77")


def test_nobody_is_locked_out_where_they_sign_in(accounts: Accounts, clock: Clock) -> None:
    accounts.signing.by_password("ada", PASSWORD, "192.0.2.77")
    for number in range(FREE_OF_ACCOUNT):
        accounts.failures.attempt("ada", f"10.0.{number // 200}.{number % 200}")
    with pytest.raises(SlowDownError):
        accounts.signing.by_password("ada", PASSWORD, "192.0.2.78")
    for _ in range(FREE_OF_PAIR):
        with pytest.raises(NotSignedInError):
            accounts.signing.by_password("ada", "wrong", "192.0.2.77")
    clock.forward(1)
    accounts.signing.by_password("ada", PASSWORD, "192.0.2.77")


def test_an_attempt_that_nobody_looked_at_does_not_count(accounts: Accounts) -> None:
    for _ in range(FREE_OF_PAIR * 3):
        accounts.failures.attempt("ada", "192.0.2.77")
        accounts.failures.withdrawn("ada", "192.0.2.77")
    for _ in range(FREE_OF_PAIR):
        accounts.failures.attempt("ada", "192.0.2.77")
    with pytest.raises(SlowDownError):
        accounts.failures.attempt("ada", "192.0.2.77")


def test_success_forgives(accounts: Accounts) -> None:
    for _ in range(3):
        for _ in range(FREE_OF_PAIR - 1):
            with pytest.raises(NotSignedInError):
                accounts.signing.by_password("ada", "wrong", "192.0.2.1")
        accounts.signing.by_password("ada", PASSWORD, "192.0.2.1")


def test_what_has_expired_is_swept(accounts: Accounts, store: KeyedStore, clock: Clock) -> None:
    for number in range(20):
        accounts.failures.attempt(f"guess{number}", f"192.0.2.{number}")
    before = rows(store, FAILURES)
    assert before == 60
    clock.forward(2 * 86400)
    for _ in range(4):
        accounts.failures.attempt("ada", "192.0.2.1")
        accounts.failures.succeeded("ada", "192.0.2.1")
    assert rows(store, FAILURES) <= 3 + 1
    assert rows(store, EXPIRING) <= 6


def test_buckets_fill_again_and_memory_is_bounded() -> None:
    now = [0.0]
    limits = Limits({"read": Rate(2, 4), "search": Rate(0, 0)}, lambda: now[0], most=10)
    for _ in range(4):
        limits.take("read", "a")
    with pytest.raises(SlowDownError) as slow:
        limits.take("read", "a")
    assert slow.value.retry_after == 1
    limits.take("read", "b")
    now[0] += 0.5
    limits.take("read", "a")
    with pytest.raises(SlowDownError):
        limits.take("read", "a")
    now[0] += 100
    limits.take("read", "a", cost=1000)  # when it is full
    with pytest.raises(SlowDownError):
        limits.take("read", "a")
    for number in range(100):
        limits.take("search", str(number))
        limits.take("read", str(number))
    assert len(limits) == 10


def test_one_customer_is_one_network() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert len(network_of("x" * 1000)) == 64


# Device codes


def test_a_device_is_let_in_once(accounts: Accounts, clock: Clock) -> None:
    code, device = accounts.devices.start("roar on box", "192.0.2.9")
    assert accounts.devices.poll(code, Actor("")).progress == "authorization_pending"
    shown = accounts.devices.waiting(device.user_code.lower(), Actor("ada"))
    assert (shown.name, shown.address, shown.scopes) == ("roar on box", "192.0.2.9", ("read", "register"))
    accounts.devices.answer(device.user_code, Actor("ada"), approve=True)
    clock.forward(5)
    granted = accounts.devices.poll(code, Actor("", "192.0.2.9"))
    assert granted.progress == "granted"
    assert accounts.identify(f"Bearer {granted.secret}").account == "ada"
    clock.forward(5)
    assert accounts.devices.poll(code, Actor("")).progress == "expired_token"
    with pytest.raises(NotFoundError):
        accounts.devices.waiting(device.user_code, Actor("ada"))


def test_a_device_asks_slower_when_told_and_codes_expire(accounts: Accounts, clock: Clock) -> None:
    code, device = accounts.devices.start("cli")
    assert accounts.devices.poll(code, Actor("")).progress == "authorization_pending"
    clock.forward(1)
    slow = accounts.devices.poll(code, Actor(""))
    assert (slow.progress, slow.interval) == ("slow_down", 10)
    clock.forward(6)
    assert accounts.devices.poll(code, Actor("")).interval == 15
    clock.forward(15)
    assert accounts.devices.poll(code, Actor("")).progress == "authorization_pending"
    clock.forward(600)
    assert accounts.devices.poll(code, Actor("")).progress == "expired_token"
    with pytest.raises(NotFoundError):
        accounts.devices.answer(device.user_code, Actor("ada"), approve=True)


def test_a_device_is_refused(accounts: Accounts, clock: Clock) -> None:
    code, device = accounts.devices.start("cli")
    accounts.devices.answer(device.user_code, Actor("ada"), approve=False)
    assert accounts.devices.poll(code, Actor("")).progress == "access_denied"
    code, device = accounts.devices.start("cli")
    accounts.devices.answer(device.user_code, Actor("ada"), approve=True)
    accounts.users.disable("ada", BY)
    assert accounts.devices.poll(code, Actor("")).progress == "access_denied"
    assert accounts.devices.poll("nonsense", Actor("")).progress == "expired_token"


def test_of_two_answers_and_of_many_polls_one_counts(accounts: Accounts) -> None:
    code, device = accounts.devices.start("cli")
    answers = together(lambda at: accounts.devices.answer(device.user_code, Actor(("ada", "bob")[at % 2], f"192.0.2.{at}"),
                                                          approve=True))
    assert sum(not isinstance(one, RoarError) for one in answers) == 1
    polled = together(lambda _: accounts.devices.poll(code, Actor("")))
    assert sorted(not isinstance(one, RoarError) and one.progress == "granted" for one in polled) == [False] * 7 + [True]
    assert len(accounts.tokens.of("ada")) + len(accounts.tokens.of("bob")) == 1


def test_user_codes_cannot_be_guessed(accounts: Accounts) -> None:
    accounts.devices.start("cli")
    refused: list[type] = []
    for _ in range(FREE_OF_PAIR + 1):
        with pytest.raises(RoarError) as error:
            accounts.devices.answer(new_user_code(), Actor("ada", "192.0.2.1"), approve=True)
        refused.append(error.type)
    assert refused == [NotFoundError] * FREE_OF_PAIR + [SlowDownError]


# The audit log


def test_the_audit_log_tells_who_did_what_and_no_secret(accounts: Accounts, clock: Clock) -> None:
    clock.forward(3 * 86400)
    secret, token = accounts.tokens.add("ada", Grant("laptop"), Actor("ada", "192.0.2.1"))
    clock.forward(86400)
    accounts.signing.by_password("ada", PASSWORD, "192.0.2.1")
    clock.forward(1)
    with pytest.raises(NotSignedInError):
        accounts.signing.by_password("eve", "guess this one", "203.0.113.5")
    events = accounts.audit.events()
    assert [(one.action, one.outcome, one.actor.account) for one in events] == [
        ("sign-in", "denied", "eve"), ("sign-in", "ok", "ada"), ("token.add", "ok", "ada"), ("user.add", "ok", OPERATOR),
        ("user.add", "ok", OPERATOR)]
    assert [one.action for one in accounts.audit.events(since=clock() - DAY - SECOND)] == ["sign-in", "sign-in", "token.add"]
    assert [one.action for one in accounts.audit.events(since=clock() - DAY)] == ["sign-in", "sign-in"]
    assert [one.action for one in accounts.audit.events(account="ada")] == ["sign-in", "token.add", "user.add"]
    assert [one.action for one in accounts.audit.events(account="eve")] == ["sign-in"]
    assert len(accounts.audit.events(limit=2)) == 2
    text = repr(events)
    assert token.id in text and secret not in text and PASSWORD not in text and "guess this one" not in text


def test_events_far_apart_are_found(accounts: Accounts, clock: Clock) -> None:
    clock.forward(700 * 86400)
    accounts.users.disable("bob", BY)
    assert [one.action for one in accounts.audit.events()] == ["user.disable", "user.add", "user.add"]


# It is all there again


def test_another_process_sees_the_same(tmp_path: Path, clock: Clock) -> None:
    store = open_store(str(tmp_path / "own"), TABLES)
    first = Accounts(store, clock, Passwords(CHEAP))
    first.users.add("ada", BY, password=PASSWORD)
    header = bearer(first, "ada")
    challenge = first.signing.challenge("ada", "https://r.example")
    store.close()
    store = open_store(str(tmp_path / "own"), TABLES)
    second = Accounts(store, clock, Passwords(CHEAP))
    assert second.identify(header).account == "ada"
    assert second.challenges.check(challenge.text, "https://r.example", "sign-in").account == "ada"
    store.close()
