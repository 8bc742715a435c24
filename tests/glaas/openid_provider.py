"""An OpenID provider as a process: real keys, real signatures, PKCE checked; it lies where it is told to (POST /lie).

    python openid_provider.py CLIENT_ID CLIENT_SECRET    prints its issuer
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

CLIENT, SECRET = sys.argv[1:3]


class Provider:
    """``lies``: claims and the like that differ from the truth; ``who``: claims of who signs in."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.lies: dict[str, Any] = {}
        self.who: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: dict[str, int] = {}


STATE = Provider()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        STATE.asked[url.path] = STATE.asked.get(url.path, 0) + 1
        if url.path == "/.well-known/openid-configuration":
            self._json({"issuer": STATE.lies.get("issuer", STATE.issuer), "jwks_uri": STATE.issuer + "/keys",
                        "authorization_endpoint": STATE.lies.get("endpoint", STATE.issuer + "/authorize"),
                        "token_endpoint": STATE.issuer + "/token", "response_types_supported": ["code"],
                        "authorization_response_iss_parameter_supported": True})
        elif url.path == "/keys":
            self._json({"keys": [STATE.key.as_dict(private=False)]})
        elif url.path == "/asked":
            self._json(STATE.asked)
        elif url.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            assert query["client_id"] == CLIENT and query["response_type"] == "code" and "openid" in query["scope"]
            assert query["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(8)
            STATE.codes[code] = query
            back = {"state": query["state"], "code": code, "iss": STATE.lies.get("response_iss", STATE.issuer)}
            if "error" in STATE.lies:
                back = {"state": query["state"], "error": STATE.lies["error"], "iss": STATE.issuer}
            self.send_response(303)
            self.send_header("Location", f"{query['redirect_uri']}?{urlencode(back)}")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/lie":
            told = json.loads(body)
            STATE.lies = told.get("lies", {})
            STATE.who = told.get("who", STATE.who)
            if told.get("new_key"):
                STATE.key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4)})
            self._json({})
        elif self.path == "/token":
            self._token({name: values[0] for name, values in parse_qs(body.decode()).items()})
        else:
            self.send_error(404)

    def _token(self, form: dict[str, str]) -> None:
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        query = STATE.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).decode().rstrip("=")
        if (self.headers.get("Authorization") != basic or query is None or form["redirect_uri"] != query["redirect_uri"]
                or challenge != query["code_challenge"] or form["grant_type"] != "authorization_code"):
            self._json({"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        claims = {"iss": STATE.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": query["nonce"], **STATE.who,
                  **STATE.lies.get("claims", {})}
        claims = {name: value for name, value in claims.items() if value is not None}
        self._json({"access_token": "unused", "token_type": "Bearer", "id_token": self._signed(claims)})

    def _signed(self, claims: dict[str, Any]) -> str:
        how = STATE.lies.get("alg", "ES256")
        if how == "none":
            parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
            return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
        if how == "HS256":  # with what everybody knows: the public key
            public = OctKey.import_key(json.dumps(STATE.key.as_dict(private=False)))
            return jwt.encode({"alg": "HS256", "kid": STATE.key.kid}, claims, public)
        if how == "other key":
            return jwt.encode({"alg": "ES256", "kid": STATE.key.kid}, claims, ECKey.generate_key("P-256"))
        token = jwt.encode({"alg": "ES256", "kid": STATE.key.kid}, claims, STATE.key)
        if how == "changed":
            head, _, signature = token.split(".")
            body = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "somebody else"}).encode()).decode().rstrip("=")
            return f"{head}.{body}.{signature}"
        return token

    def _json(self, value: Any, status: int = 200) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    STATE.issuer = f"http://127.0.0.1:{server.server_port}"
    print(STATE.issuer, flush=True)
    server.serve_forever()
