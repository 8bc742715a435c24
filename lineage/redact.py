"""Secrets never leave the process: what is recorded of argv, environment, diffs and remotes passes through here.

Two questions are asked. Does the *name* (an option, a variable, a key in a text) promise a secret? Then its value goes,
unless it plainly is none: a count, a switch, a file name. And does a *value* carry its own mark (``ghp_``, ``AKIA``,
``user:password@`` in an address, a private key)? Then that part goes, whatever it is called. A hash or a commit under
an innocent name stays. ``-p…`` is not touched: it is a port, a path or a parallelism as often as a password.

Nothing here raises, and redacting twice is redacting once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache

REDACTED = "[redacted]"


class _Rule(Enum):
    """What a name says about its value."""

    NONE = "nothing"
    WEAK = "a secret only if it looks random"
    COUNT = "a secret, unless it is a small number"  # --pass 2, --token 5
    PATH = "a secret, unless it is the path of a file"  # --private-key ~/.ssh/id_ed25519
    STRONG = "a secret"


# Names, after _normal(): lower-case words joined by one underscore.

#: Words that, put before or after, turn the name of a secret into something about secrets.
_ABOUT = re.compile(
    r"^(?:no|ask|use|disable|require|allow|show|reset|has|is|enable|prompt)_"
    r"|(?:^|_|pass|key|token|secret)(?:file|path|dir|len|length|count|size|dim|columns?|col|field|name|url|uri"
    r"|endpoint|type"
    r"|policy|prompt|stdin|min|max|limit|manager|provider|store|helper|enabled|required|env|var|expiry|ttl|timeout)$")
_STRONG = re.compile(
    r"passw(?:or)?d|passphrase|passwort|passcode|secrets?$|secret_(?:key|access|token|value|base)"
    r"|(?:api|access|secret|signing|encryption|auth|master|session|account|storage|subscription|hmac|aes|jwt|shared"
    r"|client|license)_?keys?(?:$|_(?:base|id|prod|dev|test|staging|b64|base64|\d+)$)"
    r"|(?:^|_)(?:db|pg|my|mysql|user|root|admin|sql)_?pwd$|(?:^|_)(?:authorization|cookies?|otp)$"
    r"|(?:^|_)(?:basic|http|proxy|cli|rediscli)_auth$")
_PATH = re.compile(
    r"(?:private|ssh|deploy|service|service_account)_?key(?:$|_(?:b64|base64|data|pem|\d+)$)|credentials?$")
_PASS = re.compile(
    r"(?:^|_)(?:pg|ssh|db|my|user|root|admin|key|store|smtp|mail|ftp|http|git|svn|sudo|proxy|redis|mongo|mysql)?pass$")
#: Filters in signal processing and stages of a program, not passwords.
_NOT_PASS = re.compile(
    r"(?:^|_)(?:low|high|band|all|first|second|last|single|one|two|three|multi|forward|backward|n|num|per)_pass$")
#: The special tokens of language models are words of a vocabulary.
_NOT_TOKEN = re.compile(
    r"(?:^|_)(?:pad|eos|bos|unk|mask|sep|cls|image|video|audio|special|stop|start|end|begin|first|last|next"
    r"|prev|new|old|input"
    r"|output|prompt|n|num|max|min|per|single|source|target|lang|language|trigger|placeholder|initializer|class"
    r"|instance|think)"
    r"_token$")
_WEAK = re.compile(r"token(?:s$|_)|secret_|token$|(?:^|_)(?:auth|sig|signature)$|key$|(?:^|_)keys?_\d+$")
#: Keys that open nothing.
_NOT_KEY = re.compile(
    r"(?:^|_)(?:cache|primary|foreign|sort|group|partition|index|public|join|dict|hash|time|image|target|label"
    r"|s3|object|bucket"
    r"|file|row|data|column|input|output|feature|metric)_?keys?$|(?:mon|don|tur|hot|jo|whis)key$")

# Values.

_SWITCH = frozenset(["", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null", "nil",
                     "bearer", "basic", "digest"])
_NUMBER = re.compile(r"[+-]?(?:\d{1,5}|\d{0,3}\.\d{1,4}|\d{1,3}(?:\.\d)?[kKmMgG])$")
_FILE = re.compile(r"(?:~|\.{1,2})?/[^\n]*|[\w./-]+\.(?:pem|key|json|txt|crt|ya?ml|p12|pfx|ini|env)$")
#: In a text: something that stands for a value to come.
_TEMPLATE = re.compile(
    r"(?:(?:[Bb]asic|[Bb]earer|[Tt]oken)\s+)?(?:\$\w+$|\$\{|\$\(|\{.*\}$|<.*>$|%\w+%$|(?:%(?:\(\w+\))?[sdrf][^\w%]?)+$"
    r"|[*x.]+$)")
_RANDOM = re.compile(r"[\w+/=.~%-]{16,}$")
_PART = re.compile(r"[a-z]+|[A-Z]+|[0-9]+")

_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{6,}|whsec_[A-Za-z0-9+/=]{16,}"  # Stripe
    r"|sk-(?:(?:proj|ant|svcacct|admin|or)-[\w-]{16,}|[A-Za-z0-9]{32,})"  # OpenAI, Anthropic
    r"|gh[pousr]_[A-Za-z0-9]{12,}|github_pat_\w{16,}|gl(?:pat|ptt|dt|rt|soat|cbt)-[\w-]{12,}"  # GitHub, GitLab
    r"|(?:hf|api_org)_[A-Za-z0-9]{16,}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,20}(?![A-Za-z0-9])"  # Hugging Face, AWS
    r"|xox[abeoprs]-[\w-]{8,}|xapp-[\w-]{16,}|AIza[\w-]{35}|ya29\.[\w-]{20,}"  # Slack, Google
    r"|glaas_[A-Za-z0-9]{24,}"  # a registry's own
    r"|(?:npm|dckr_pat|pypi|dop_v1|shpat)[_-][\w-]{24,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*"  # JWT: two JSON objects and perhaps a signature
    r")")
_TOKEN_HINTS = ("sk_", "rk_", "whsec_", "sk-", "gh", "gl", "hf_", "api_org_", "AKIA", "ASIA", "ABIA", "ACCA", "xox",
                "xapp-", "AIza", "ya29.", "npm", "dckr_pat", "pypi", "dop_v1", "shpat", "SG.", "eyJ")
_ADDRESS = re.compile(r"://([^\s/?#:@'\"]{0,256}):([^\s/'\"]{1,1024})@")
_BARE_USER = re.compile(r"://([^\s/?#:@'\"]{16,1024})@")
_HEADER = re.compile(
    r"(\b(?:authorization[\"']?\s{0,4}:\s{0,4}[\"']?(?:(?:bearer|basic|token|digest)\s+)?|bearer\s+))"
    r"([^\s\"',]{8,})", re.IGNORECASE)
_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    # Up to its end; or, where a cap cut the end off, as long as it looks like one.
    r"(?:(?:[^-]|-(?!----)){0,20000}-?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|[A-Za-z0-9+/=\s\\:,-]{0,20000})")
_BLOCK_HINT = "PRIVATE KEY"

# Assignments in a text: name, then what separates it from its value.

_NAME_HINTS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "cookie", "otp", "sig")
_NAME = re.compile(
    r"(?<![\w.-])(?P<dash>-{0,2})(?P<name>[A-Za-z_][\w.-]{0,99})"
    r"(?P<sep>(?:\\?[\"'])?\]?"
    r"(?:\s{0,8}(?::\s?[A-Za-z][\w\[\], |.]{0,40}?\s{0,4})?(?:=>|:=|=(?![=~]))\s{0,4}"
    r"|\s{0,4}:(?![:=])\s{0,8})|\s{1,4})")
_QUOTED = re.compile(r"[rbfuRBFU]{0,2}(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|\\\"(.*?)\\\"|\\'(.*?)\\')")
#: Up to white space; in a connection string (``Password=x;Database=y``) up to the next key.
_PLAIN = re.compile(r"[^\s\"'`&]+?(?=;[A-Za-z][\w ]{0,40}=|[\s\"'`&]|$)")
_LINE_START = re.compile(r"[+\- ]?\s*(?:-\s+)?(?:(?:export|set|ENV|ARG)\s+)?[\"']?$")
_CODE = re.compile(r"[\[({]|,$")
_TYPE = re.compile(
    r"(?:str|bytes|int|float|bool|string|number|object|any|list|dict|unicode|char|text)\W*$|[A-Z][A-Za-z]*[a-z]\W*$")
_IDENTIFIER = re.compile(r"[A-Za-z_][\w.]*[;,]?$")

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_OPTION = re.compile(r"--?([A-Za-z_][\w.-]+)$")
_SCRIPT_OPTION = re.compile(r"-[a-z]{0,3}c$")  # sh -c, bash -lc: what follows is a text
_ASSIGNED = re.compile(r"([-+~]{0,2}[A-Za-z_][\w.\-/@]{0,127})=(.*)$", re.DOTALL)
#: The short options whose meaning the program settles.
_CREDENTIAL_OPTIONS: Mapping[str, frozenset[str]] = {
    "curl": frozenset(["-u", "--user", "-U", "--proxy-user"]),
    "sshpass": frozenset(["-p"]),
}


def redact_argv(argv: Sequence[bytes]) -> tuple[bytes, ...]:
    """The arguments without secrets, as many as before and byte for byte the same where there was none."""
    words = [_text(word) for word in argv]
    credentials = _CREDENTIAL_OPTIONS.get(words[0].rpartition("/")[2], frozenset()) if words else frozenset()
    redacted: list[bytes] = []
    option = ""  # the option before, if it may take this word as its value
    for original, word in zip(argv, words, strict=True):
        clean = _redact_word(word, option, option in credentials)
        redacted.append(original if clean == word else clean.encode("utf-8", "surrogateescape"))
        option = word if word in credentials or _OPTION.match(word) or _SCRIPT_OPTION.match(word) else ""
    return tuple(redacted)


def redact_environment(env: Mapping[bytes, bytes]) -> dict[str, str]:
    """The environment as text (bytes that are not UTF-8 as ``\\xNN``), secrets replaced by ``[redacted]``."""
    redacted = {}
    for name_bytes, value_bytes in env.items():
        name = name_bytes.decode("utf-8", "backslashreplace")
        value = value_bytes.decode("utf-8", "backslashreplace")
        redacted[name] = REDACTED if _is_secret(name, value) else redact_text(value)
    return redacted


def redact_text(text: str) -> str:
    """A diff, a script, an address, without secrets. Linear in the length of ``text``."""
    if _BLOCK_HINT in text:
        text = _BLOCK.sub(REDACTED, text)
    if "\n" not in text:
        return _redact_line(text)
    return "\n".join([_redact_line(line) for line in text.split("\n")])


def _redact_word(word: str, option: str, credential: bool) -> str:
    """One argument, after ``option`` (empty if there is none)."""
    if credential and not word.startswith("-"):
        user, colon, password = word.partition(":")
        return f"{user}:{REDACTED}" if colon and password else word if option != "-p" else REDACTED
    if option and not _OPTION.match(word) and _is_secret(option, word):
        return REDACTED
    assigned = None if _SCRIPT_OPTION.match(option) else _ASSIGNED.match(word)
    if assigned and _is_secret(assigned[1], assigned[2]):
        return f"{assigned[1]}={REDACTED}"
    return redact_text(word)


def _redact_line(line: str) -> str:
    for hint in _TOKEN_HINTS:
        if hint in line:
            line = _TOKENS.sub(REDACTED, line)
            break
    if "://" in line and "@" in line:
        line = _BARE_USER.sub(_clean_user, _ADDRESS.sub(_clean_address, line))
    lowered = line.lower()
    for hint in _NAME_HINTS:
        if hint in lowered:
            return _redact_assignments(_HEADER.sub(_clean_header, line))
    return _HEADER.sub(_clean_header, line) if "bearer" in lowered else line


def _clean_address(match: re.Match[str]) -> str:
    return match[0] if _TEMPLATE.match(match[2]) else f"://{match[1]}:{REDACTED}@"


def _clean_user(match: re.Match[str]) -> str:
    """``https://<token>@host``: a user name that no one would choose."""
    return f"://{REDACTED}@" if _looks_random(match[1]) else match[0]


def _clean_header(match: re.Match[str]) -> str:
    return match[0] if _TEMPLATE.match(match[2]) else match[1] + REDACTED


def _redact_assignments(line: str) -> str:
    """``name=value``, ``name: "value"``, ``--name value`` and their like, anywhere in a line."""
    parts: list[str] = []
    done = 0
    position = 0
    while match := _NAME.search(line, position):
        position = match.end("name") if match.end("name") > match.start() else match.end()
        rule = _rule(match["name"])
        if rule is _Rule.NONE:
            continue
        found = _QUOTED.match(line, match.end())
        if found:
            group = found.lastindex or 0
            start, end, value = found.start(group), found.end(group), found[group] or ""
            secret = _secret_literal(match, rule, value)
        else:
            plain = _PLAIN.match(line, match.end())
            if plain is None:
                continue
            value = plain[0].rstrip(");,}") or plain[0]
            start, end = plain.start(), plain.start() + len(value)
            secret = _secret_plain(line, match, rule, plain[0], value)
        if secret:
            parts += (line[done:start], REDACTED)
            done = position = end
    return "".join([*parts, line[done:]]) if parts else line


def _secret_literal(match: re.Match[str], rule: _Rule, value: str) -> bool:
    if match["sep"].isspace() and len(match["dash"]) == 0:
        return False  # prose: the password "…"
    if _TEMPLATE.match(value) or not any(map(str.isalnum, value)):
        return False
    if match["name"] == "token" and not match["dash"] and not (len(value) >= 12 and " " not in value):
        return False  # the programs of this trade are full of words called token
    return _judge(rule, match["name"], value)


def _secret_plain(line: str, match: re.Match[str], rule: _Rule, whole: str, value: str) -> bool:
    """Whether a bare word after a name is a secret and not code: settings yes, expressions no."""
    if _TEMPLATE.match(value) or not _judge(rule, match["name"], value):
        return False
    separator = match["sep"]
    if separator.isspace():
        return len(match["dash"]) == 2 and not value.startswith("-")
    before = line[:match.start()]
    if separator == "=":
        settles = bool(match["dash"]) or match["name"].isupper() or before[-1:] in {"?", "&", ";"}
        return settles or (_LINE_START.match(before) is not None and not _CODE.search(whole))
    rest = line[match.end() + len(whole):].strip()
    if not _LINE_START.match(before) or _CODE.search(whole) or rest[:1] not in {"", "#"}:
        return _looks_random(value)
    if separator.strip().endswith(":"):
        return not _TYPE.match(value)
    return not _IDENTIFIER.match(value) or (any(map(str.isdigit, value)) and len(value) >= 6)


def _is_secret(name: str, value: str) -> bool:
    rule = _rule(name)
    return rule is not _Rule.NONE and _judge(rule, name, value)


def _judge(rule: _Rule, name: str, value: str) -> bool:
    if value.lower() in _SWITCH:
        return False
    if rule is _Rule.WEAK:
        return _looks_random(value)
    if rule is _Rule.COUNT:
        return not _NUMBER.match(value)
    if rule is _Rule.PATH:
        return not _FILE.match(value)
    # PWD is the working directory to a shell, and the password in an ODBC string.
    return not (name.lower() in {"pwd", "oldpwd"} and value[:1] in {"/", "~"})


@lru_cache(maxsize=4096)
def _rule(name: str) -> _Rule:
    normal = _NOT_WORD.sub("_", _CAMEL.sub("_", name).lower()).strip("_")
    if not any(hint in normal for hint in _NAME_HINTS):
        return _Rule.NONE
    if _ABOUT.search(normal) or normal == "google_application_credentials":
        return _Rule.NONE
    if normal in {"pwd", "oldpwd"} or _STRONG.search(normal):
        return _Rule.STRONG
    if _PATH.search(normal):
        return _Rule.PATH
    if _PASS.search(normal):
        return _Rule.NONE if _NOT_PASS.search(normal) else _Rule.COUNT
    if normal.endswith("token") and not _NOT_TOKEN.search(normal):
        return _Rule.COUNT
    if _WEAK.search(normal) and not _NOT_KEY.search(normal):
        return _Rule.WEAK
    return _Rule.NONE


def _looks_random(value: str) -> bool:
    """Long, of letters and digits that alternate far more often than in words, versions and dates."""
    if not _RANDOM.match(value) or not any(map(str.isalpha, value)):
        return False
    parts = _PART.findall(value[:256])
    digits = sum(part[0].isdigit() for part in parts)
    return digits >= (1 if len(value) >= 32 else 2) and len(parts) * 4 >= min(len(value), 256)


def _text(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")
