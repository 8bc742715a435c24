"""The accounts' tables.  Names and hashes are the homes, so that all of one account is in one place."""

from __future__ import annotations

from glaas.store.keyed import Key, Table

NAMES = Table("account_names", 0)            # every name that was ever given away → user or org
USERS = Table("account_users", 0)            # name → User
ORGANISATIONS = Table("account_organisations", 0)  # name → Organisation
TOKENS = Table("account_tokens", 32)         # hash of the token → Token
TOKENS_OF = Table("account_tokens_of", 0)    # account, token's id → hash
SESSIONS = Table("account_sessions", 32)     # hash of the cookie → Session
SESSIONS_OF = Table("account_sessions_of", 0)  # account, hash
KEYS = Table("account_keys", 32)             # SHA-256 of the key's blob, account → PublicKey
KEYS_OF = Table("account_keys_of", 0)        # account, SHA-256
LINKS = Table("account_links", 32)           # hash of issuer and subject → account
DEVICES = Table("account_devices", 32)       # hash of the device code → Device
USER_CODES = Table("account_user_codes", 0)  # user code → hash of the device code
USED = Table("account_used", 32)             # hash of a challenge or a state that cannot be used again
FAILURES = Table("account_failures", 32)     # hash of what is counted → (count, not before)
EXPIRING = Table("account_expiring", 1)      # when → rows that may go then
SECRETS = Table("account_secrets", 0)        # name → 32 random bytes of this registry
AUDIT = Table("account_audit", 4)            # day, moment → event
AUDIT_OF = Table("account_audit_of", 0)      # account, moment: as AUDIT

TABLES = (NAMES, USERS, ORGANISATIONS, TOKENS, TOKENS_OF, SESSIONS, SESSIONS_OF, KEYS, KEYS_OF, LINKS, DEVICES, USER_CODES,
          USED, FAILURES, EXPIRING, SECRETS, AUDIT, AUDIT_OF)


def row(home: str | bytes, rest: str | bytes = b"") -> Key:
    return (home.encode() if isinstance(home, str) else home, rest.encode() if isinstance(rest, str) else rest)
