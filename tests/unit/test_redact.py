"""What must never be recorded, and what must not be lost to the fear of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.redact import REDACTED, redact_argv, redact_environment, redact_text

# Made up at run time, so that no scanner takes this file for a leak.
STRIPE = "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc"
GITHUB = "gh" + "p_16C7e42F292c6912E7710c838347Ae178B4a"
GITHUB_FINE = "github_" + "pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789ABCDEFGHIJ"
HUGGING_FACE = "hf" + "_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567"
AWS = "AK" + "IAIOSFODNN7EXAMPLE"
SLACK = "xo" + "xb-2345678901-abcdefGHIJKL"
GITLAB = "gl" + "pat-xYz1234567890abcdEFG"
OPENAI = "sk-" + "proj-abcDEF123456ghiJKL7890"
JWT = "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
BLOCK = "-----BEGIN RSA PRIVATE " + "KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nBG5vbmU=\n-----END RSA PRIVATE KEY-----"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HASH = "9e41c07d" * 8
COMMIT = "3fb70b0c4a5d9e12" + "3fb70b0c4a5d9e12" + "deadbeef"

KNOWN = [STRIPE, GITHUB, GITHUB_FINE, HUGGING_FACE, AWS, SLACK, GITLAB, OPENAI, JWT, BLOCK]


def argv(*words: str) -> list[str]:
    return [word.decode() for word in redact_argv([word.encode() for word in words])]


@pytest.mark.parametrize("secret", KNOWN)
@pytest.mark.parametrize("form", [
    "{}", "--x={}", "prefix {} suffix", "https://host/?q={}", '{{"x": "{}"}}', "+x = '{}'", "a,{},b",
])
def test_known_formats_go_whatever_they_are_called(secret: str, form: str) -> None:
    text = form.format(secret)
    assert secret not in redact_text(text)
    assert secret not in "".join(argv("prog", text))
    assert secret not in redact_environment({b"INNOCENT": text.encode()})["INNOCENT"]


@pytest.mark.parametrize("words", [
    ["--pass=hunter2"], ["--pass", "hunter2"], ["--password", "hunter2"], ["--password=hunter2"],
    ["-password", "hunter2"],
    ["--db-password", "hunter2"], ["--api-key=hunter2"], ["--api_key", "hunter2"], ["--apiKey=hunter2"],
    ["--openai-api-key", "hunter2"], ["--token", "hunter2"], ["--hf-token=hunter2"], ["--authToken", "hunter2"],
    ["--client-secret", "hunter2"], ["--secret=hunter2"], ["PGPASS=hunter2"], ["env", "PGPASSWORD=hunter2", "psql"],
    ["db.password=hunter2"], ["+trainer.wandb.api_key=hunter2"], ["-Dspring.password=hunter2"], ["-ePGPASS=hunter2"],
    ["--passphrase", "hunter2 and more"], ["--password=hunter2 and more"], ["--private-key", "hunter2hunter2"],
    ["sh", "-c", "PGPASS=hunter2 psql -h db"], ["bash", "-lc", "mysql --password=hunter2 -u me"],
    ["sh", "-c", "mysql --password hunter2"], ["sh", "-c", "export API_TOKEN='hunter2'; train"],
    ["postgresql://me:hunter2@db/x"], ["--url=redis://:hunter2@cache:6379/0"], ["https://a:hunter2:x@host"],
    ["-H", "Authorization: Bearer hunter2hunter2"], ["-H", "X-Api-Key: hunter2"], ["Server=x;Uid=sa;Pwd=hunter2;"],
    ["https://host/get?user=me&api_key=hunter2&n=5"], ['{"password": "hunter2"}'],
    ["--config", "{'secret': 'hunter2'}"],
    ["--secret-key-base", "hunter2"], ["--cookie", "hunter2"], ["--otp", "hunter2"],
])
def test_secret_arguments(words: list[str]) -> None:
    redacted = argv("prog", *words)
    assert len(words) + 1 == len(redacted)
    assert "hunter2" not in " ".join(redacted)
    assert REDACTED in " ".join(redacted)


def test_a_registrys_token_is_known_wherever_it_stands() -> None:
    token = "glaas_Dy4V7JVWsvq8mt9FjJ2OkbNqFFF7J2cDCwW8waITUjG446PiG"
    assert argv("sh", "-c", f"roar auth <<< {token}") == ["sh", "-c", f"roar auth <<< {REDACTED}"]
    assert argv("glaas_server_of_the_lab", "glaas_x") == ["glaas_server_of_the_lab", "glaas_x"]


def test_options_whose_meaning_the_program_settles() -> None:
    assert ["curl", "-u", f"me:{REDACTED}", "http://x"] == argv("curl", "-u", "me:hunter2", "http://x")
    assert ["/usr/bin/curl", "--user", f"me:{REDACTED}"] == argv("/usr/bin/curl", "--user", "me:hunter2")
    assert argv("sshpass", "-p", "hunter2", "ssh", "host") == ["sshpass", "-p", REDACTED, "ssh", "host"]
    assert argv("docker", "run", "-u", "1000:1000") == ["docker", "run", "-u", "1000:1000"]


def test_only_the_secret_part_goes() -> None:
    assert [f"--password={REDACTED}", "--user", "me"] == argv("--password=hunter2", "--user", "me")
    assert f"postgresql://me:{REDACTED}@db/x" == redact_text("postgresql://me:hunter2@db/x")
    assert f"https://host/?api_key={REDACTED}&n=5" == redact_text("https://host/?api_key=hunter2&n=5")
    assert f"https://{REDACTED}@github.com/a/b.git" == redact_text("https://a1B2c3D4e5F6g7H8i9J0@github.com/a/b.git")
    assert ["sh", "-c", f"PGPASS={REDACTED} psql -h db"] == argv("sh", "-c", "PGPASS=hunter2 psql -h db")
    assert [f'{{"password": "{REDACTED}", "n": 5}}'] == argv('{"password": "hunter2", "n": 5}')


@pytest.mark.parametrize("words", [
    ["--num_tokens=5"], ["--max-tokens", "100"], ["--max_new_tokens=2048"], ["tokenizer=bert"],
    ["--tokenizer", "bert-base-uncased"],
    ["--secret-santa", "alice"], ["--tokenizer-path=/data/tokenizer.json"], ["--pad-token", "<pad>"],
    ["--eos_token=</s>"],
    ["--placeholder_token", "cat-toy"], ["--token-dim", "512"], ["--tokens-per-batch=4096"], ["--token", "5"],
    ["--pass", "2"], ["-pass", "1"], ["--low-pass=0.5"], ["--bypass", "cache"], ["--single-pass", "train.csv"],
    ["--no-password", "file.csv"], ["--ask-pass", "host"], ["--password-file", "/run/secrets/pg"], ["--key=id"],
    ["--sort-key", "name"], ["--cache-key", HASH], ["--primary_key=patient_id_2024_v2"], ["--keys", "image", "label"],
    ["--ssh-key", "~/.ssh/id_ed25519"], ["--private-key=certs/server.pem"], ["--keyboard", "us"], ["--monkey=1"],
    ["-p8080"], ["-p", "8080"], ["-pdata"], ["--port", "5432"], ["--commit", COMMIT], ["--hash=" + HASH], [HASH],
    [COMMIT],
    ["--author", "me"], ["--authors", "me"], ["git@github.com:a/b.git"], ["ssh://git@github.com/a/b.git"],
    ["https://host:8080/x@y"], ["s3://bucket/key=value/part-0001.parquet"], ["--use-auth-token", "true"],
    ["--token=false"],
    ["--credentials", "/home/me/key.json"], ["--auth", "kerberos"], ["--compass", "north"], ["--signature", "mean"],
    ["--run-id=550e8400-e29b-41d4-a716-446655440000"], ["model-sk-resnet50.pt"], ["hf_datasets_cache"], ["--design=a"],
    ["--config=conf/secret_santa.yaml"], ["--assign", "x"], ["--password", "--user"], ["secretary.csv"],
    ["--passes", "3"],
])
def test_innocent_arguments(words: list[str]) -> None:
    assert ["prog", *words] == argv("prog", *words)


@pytest.mark.parametrize("name", [
    "HF_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "PGPASSWORD",
    "PGPASS", "SSHPASS",
    "MYSQL_PWD", "DB_PASS", "DB_PASSWORD_PROD", "WANDB_API_KEY", "OPENAI_API_KEY", "STRIPE_SECRET", "JWT_SECRET",
    "SECRET_KEY_BASE",
    "MLFLOW_TRACKING_PASSWORD", "CLIENT_SECRET", "SECRETS", "REDISCLI_AUTH", "COMET_APIKEY", "NEPTUNE_API_TOKEN",
    "npm_config__authToken",
    "AZURE_STORAGE_KEY", "DOCKER_AUTH_TOKEN", "RSYNC_PASSWORD", "VAULT_TOKEN", "KEYSTORE_PASSPHRASE", "ENCRYPTION_KEY",
    "api-key",
])
@pytest.mark.parametrize("value", ["hunter2", AWS_SECRET, HASH, "caf\xe9 caf\xe9 caf\xe9", "$ecret", "/Zm9vYmFyMTIz"])
def test_secret_names(name: str, value: str) -> None:
    assert {name: REDACTED} == redact_environment({name.encode(): value.encode("latin-1")})


@pytest.mark.parametrize(("name", "value"), [
    ("PWD", "/home/me"), ("OLDPWD", "/home/me"), ("SSH_AUTH_SOCK", "/tmp/ssh-x/agent.1"),
    ("XAUTHORITY", "/home/me/.Xauthority"),
    ("SSH_ASKPASS", "/usr/bin/askpass"), ("GIT_ASKPASS", "/usr/bin/askpass"), ("PGPASSFILE", "/home/me/.pgpass"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/home/me/key.json"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/home/me/.aws/credentials"),
    ("TOKENIZERS_PARALLELISM", "false"), ("MAX_TOKENS", "100"), ("GPG_KEY", "x"), ("PATH", "/usr/bin:/bin"),
    ("GIT_COMMIT", COMMIT),
    ("DATA_HASH", HASH), ("LESSKEY", "/x/y"), ("KEYMAP", "us"), ("LS_COLORS", "rs=0:di=01;34:*.tar=01;31"),
    ("HF_TOKEN", ""),
    ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus"), ("AUTHOR", "me"), ("HF_TOKEN_PATH", "/home/me/.hf"),
    ("PS1", r"\u@\h:\w\$ "), ("http_proxy", "http://proxy:3128"), ("JUPYTER_TOKEN_ENABLED", "yes"),
    ("CUDA_VISIBLE_DEVICES", "0,1"),
])
def test_innocent_variables(name: str, value: str) -> None:
    assert {name: value} == redact_environment({name.encode(): value.encode()})


@pytest.mark.parametrize(("value", "redacted"), [
    (b"postgres://u:p@ss@h/db", f"postgres://u:{REDACTED}@h/db"),
    (b"Server=h;Password=x7y;Database=d", f"Server=h;Password={REDACTED};Database=d"),
])
def test_addresses_in_variables(value: bytes, redacted: str) -> None:
    assert redact_environment({b"DATABASE": value}) == {"DATABASE": redacted}


@pytest.mark.parametrize("line", [
    '+password = "hunter2"', "+    api_key: str = 'hunter2'", '-DB_PASSWORD=hunter2', '+export TOKEN_SECRET=hunter2',
    "+  password: hunter2",
    '+client = Client(user, password="hunter2")', '+os.environ["PGPASSWORD"] = "hunter2"', '+    "api_key": "hunter2",',
    r'+    "password=\"hunter2\"\n",', "+ENV API_KEY=hunter2", '+secret := "hunter2"',
    "+- password: hunter2  # for now", "+url = 'mysql://root:hunter2@localhost/x'", "+hf-token: hunter2",
    '+auth_token => "hunter2"', "+curl --api-key hunter2 https://x", "+password = hunter2",
])
def test_secrets_in_diffs(line: str) -> None:
    assert "hunter2" not in redact_text(line)


@pytest.mark.parametrize("line", [
    "+token = tokenizer.next()", "+password = getpass.getpass()", '+secret = os.environ["MY_SECRET"]',
    "+    password: str", "+    token: bytes = b''",
    "+def login(user: str, password: str | None = None) -> Token:", "+    connect(user=user, password=password)",
    "+if token == other_token:",
    '+for token in tokens:', "+    tokens = [t for t in line.split()]", '+token = "hello"', '+pad_token="[PAD]"',
    "+max_tokens: 100",
    "+sorted(rows, key=lambda row: row.key)", '+parser.add_argument("--password", help="the password")',
    "+password=$PASSWORD",
    "+PGPASS=${PGPASS} psql", '+url = f"postgres://{user}:{password}@{host}/x"', "+api_key: <your key>",
    f"+index {COMMIT[:10]}..{COMMIT[10:20]} 100644",
    '+assert secret != ""', f"+hash: {HASH}", "+    api_key: SecretStr", "+The password is asked for once.",
    "+password = args.password",
    "+    self.token = token", "+authorization = self.headers.get('authorization')",
    "+SERVER_AUTH = '1.3.6.1.5.5.7.3.1'",
    '+headers["Authorization"] = "Basic %s" % pair', '+headers = {"Authorization": f"Bearer {token}"}',
    "+token = self._file.read(1)[0]", "+RegEnumKey = win32api.RegEnumKey", "+token: ${{ secrets.GITHUB_TOKEN }}",
])
def test_innocent_diffs(line: str) -> None:
    assert line == redact_text(line)


def test_a_key_that_a_diff_removes() -> None:
    block = BLOCK.replace("\n", "\n-")
    assert f"-{REDACTED}\n context" == redact_text(f"-{block}\n context")


def test_a_key_whose_end_was_cut_off() -> None:
    cut = "+-----BEGIN RSA PRIVATE " + "KEY-----\n+MIIEpAIBAAKCAQEA75\n+zzz"
    assert f"+{REDACTED}" == redact_text(cut)
    mention = 'if "-----BEGIN PRIVATE ' + 'KEY-----" in text:\n    raise Leak(text)\n'
    assert "raise Leak(text)" in redact_text(mention)


def test_bytes_that_are_not_text() -> None:
    assert (b"caf\xe9", b"--password=" + REDACTED.encode()) == redact_argv([b"caf\xe9", b"--password=\xe9\xff"])
    assert redact_environment({b"A\xff": b"caf\xe9"}) == {"A\\xff": "caf\\xe9"}
    assert redact_argv([]) == ()


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_nothing_raises_and_twice_is_once(words: list[bytes]) -> None:
    once = redact_argv(words)
    assert once == redact_argv(once)


@given(st.text(alphabet="password=token key:\"' -\\\n/@{}$1aZ", max_size=80))
def test_text_twice_is_once(text: str) -> None:
    assert redact_text(text) == redact_text(redact_text(text))


@pytest.mark.parametrize("text",
    ["A" * 1_000_000, "key" * 300_000, "://a:" * 200_000, "pass " * 200_000, "a.-" * 300_000,
                                  "eyJ" * 300_000, '"password": "' * 70_000, "token=" * 150_000,
                                  "-----BEGIN PRIVATE KEY-----" * 3000, "-----BEGIN PRIVATE KEY-----{" * 35_000,
                                  'password="' + "%a%" * 100_000 + '\u20ac"', "password='\\" * 100_000,
                                  "authorization:bearer " * 50_000, "https://" + "a" * 1_000_000])
def test_hostile_texts_take_linear_time(text: str) -> None:
    """Sixteen times the text: not more than three times the sixteenfold time, where a square would be sixteen times."""
    part = text[:len(text) // 16]
    assert _seconds(text) < max(_seconds(part) for _ in range(3)) * 16 * 3 + 0.1


def _seconds(text: str) -> float:
    start = time.process_time()
    redact_text(text)
    return time.process_time() - start
