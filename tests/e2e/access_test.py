#!/usr/bin/python3
"""People, tokens and the audit log, by the real programs; what was signed is checked by openssl.

Run: FORTIUM_SERVER_BIN=…/fortium-metrics-server python3 tests/e2e/access_test.py
"""

import base64
import http.client
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

import support
from support import CONFIGURATION, DEADLINE, DONE, FAILED, PARTLY, USAGE, until

PASSWORD = "correct horse battery staple"


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def der(tag, content):
    size = len(content)
    length = bytes([size]) if size < 128 else (lambda b: bytes([128 + len(b)]) + b)(size.to_bytes((size.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + length + content


def public_pem(jwk):
    """The key of a JWKS as PEM (RFC 8017, A.1.1), made here so that both ends cannot be wrong alike."""
    number = lambda text: der(2, b"\0" + from_base64url(text))
    algorithm = der(0x30, bytes.fromhex("06092a864886f70d010101") + bytes.fromhex("0500"))
    key = der(0x30, number(jwk["n"]) + number(jwk["e"]))
    body = base64.b64encode(der(0x30, algorithm + der(3, b"\0" + key))).decode()
    return "-----BEGIN PUBLIC KEY-----\n" + "\n".join(body[i:i + 64] for i in range(0, len(body), 64)) + "\n-----END PUBLIC KEY-----\n"


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class Access(support.Case):
    def setUp(self):
        super().setUp()
        self.service = support.Service(self)

    def cli_server(self, *args, code=DONE, input=None, **variables):
        return self.cli(*args, *self.service.store, program=support.SERVER_BIN, env={**self.service.env, **variables}, code=code,
                        **({"input": input} if input is not None else {}))

    def ask(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=DEADLINE)
        try:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def add(self, name, role, password=PASSWORD):
        done = self.cli_server("user", "create", name, "--tenant", "acme", "--role", role, "--password", "--json", input=password + "\n")
        return json.loads(done.out)

    def test_a_person_logs_in_reads_and_is_removed(self):
        ada = self.add("Ada", "manager")
        self.assertEqual((ada["role"], ada["user_id"], ada["has_password"]), ("manager", "Ada", True))
        status, login = self.ask("POST", "/api/v1/auth/login", {"organization": "acme", "name": "ada", "password": PASSWORD})
        self.assertEqual(status, 200, login)
        token = login["access_token"]
        self.assertEqual(self.ask("GET", "/api/v1/metrics/tools", token=token)[0], 200)
        self.assertEqual(self.ask("GET", "/api/v1/admin/users", token=token)[0], 403)
        status, again = self.ask("POST", "/api/v1/auth/refresh", {"refresh_token": login["refresh_token"]})
        self.assertEqual(status, 200, again)
        self.cli_server("user", "set-role", "ada", "--tenant", "acme", "--role", "viewer")
        until(lambda: self.ask("GET", "/api/v1/metrics/export?kind=tool_usage&format=json", token=token)[0] == 403, "the role is gone", deadline=5)
        self.cli_server("user", "delete", "Ada", "--tenant", "acme")
        until(lambda: self.ask("GET", "/api/v1/auth/profile", token=again["access_token"])[0] == 401, "she is gone", deadline=5)
        self.assertEqual(self.ask("POST", "/api/v1/auth/login", {"organization": "acme", "name": "ada", "password": PASSWORD})[0], 401)

    def test_tokens_of_the_command_line_are_what_openssl_says_they_are(self):
        self.add("Ada", "developer")
        made = json.loads(self.cli_server("token", "create", "--tenant", "acme", "--user", "ada", "--json").out)
        token = made["token"]
        self.assertEqual(self.ask("GET", "/api/v1/auth/profile", token=token)[0], 200)
        header, claims, signature = token.split(".")
        header, claims_json = json.loads(from_base64url(header)), json.loads(from_base64url(claims))
        self.assertEqual(header["alg"], "RS256")
        self.assertEqual(claims_json["exp"] - claims_json["iat"], 900)
        self.assertEqual((claims_json["role"], claims_json["iss"], claims_json["aud"]),
                         ("developer", "fortium-metrics-service", "fortium-client"))
        for name in ("sub", "org", "permissions", "jti"):
            self.assertTrue(claims_json[name])
        jwks = json.loads(self.service.get("/.well-known/jwks.json", authorized=False)[1])
        jwk = next(key for key in jwks["keys"] if key["kid"] == header["kid"])
        if shutil.which("openssl"):
            for name, content in (("key.pem", public_pem(jwk).encode()), ("signature", from_base64url(signature))):
                with open(os.path.join(self.top, name), "wb") as file:
                    file.write(content)
            done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature"], cwd=self.top,
                                  input=token.rsplit(".", 1)[0].encode(), capture_output=True, check=False)
            self.assertEqual(done.stdout, b"Verified OK\n", done.stderr)

    def test_a_signing_key_that_leaked_ends_within_seconds(self):
        self.add("Ada", "developer")
        token = self.cli_server("token", "create", "--tenant", "acme", "--user", "ada").out.strip()
        self.assertEqual(self.ask("GET", "/api/v1/auth/profile", token=token)[0], 200)
        self.cli_server("token", "rotate-key")
        fresh = self.cli_server("token", "create", "--tenant", "acme", "--user", "ada").out.strip()
        for one in (token, fresh):
            self.assertEqual(self.ask("GET", "/api/v1/auth/profile", token=one)[0], 200)
        self.cli_server("token", "rotate-key", "--revoke")
        until(lambda: self.ask("GET", "/api/v1/auth/profile", token=fresh)[0] == 401, "the key is ended", deadline=5)

    @support.about_files
    def test_signing_keys_and_secrets_are_not_in_the_store_in_the_clear(self):
        passphrase = "a passphrase of thirty-two bytes or more"
        self.add("Ada", "developer")
        variables = {"FORTIUM_SERVER_SIGNING_PASSPHRASE": passphrase}
        token = self.cli_server("token", "create", "--tenant", "acme", "--user", "ada", **variables).out.strip()
        self.cli_server("token", "create", "--tenant", "acme", "--user", "ada", code=support.CREDENTIALS)
        self.cli_server("token", "create", "--tenant", "acme", "--user", "ada", code=CONFIGURATION,
                        FORTIUM_SERVER_SIGNING_PASSPHRASE="short")
        self.assertEqual(self.ask("GET", "/api/v1/auth/profile", token=token)[0], 200)
        for folder, _, files in os.walk(self.service.data):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    content = file.read()
                for secret in (PASSWORD, passphrase, "BEGIN PRIVATE KEY", token):
                    self.assertNotIn(secret.encode(), content, name)

    @support.about_files
    def test_the_audit_log_shows_who_changed_it(self):
        self.add("Ada", "developer")
        lines = json.loads(self.cli_server("audit", "list", "--tenant", "acme", "--json").out)["lines"]
        self.assertEqual([line["action"] for line in lines], ["user.create", "key.create", "tenant.create"])
        self.assertEqual({line["actor"] for line in lines}, {"command-line"})
        whole = json.loads(self.cli_server("audit", "verify", "--json").out)
        self.assertTrue(whole["ok"])
        self.cli_server("audit", "verify", "--tenant", "acme", "--known", lines[0]["hash"])
        self.cli_server("audit", "verify", "--tenant", "acme", "--known", "0" * 64, code=PARTLY)
        self.cli_server("audit", "verify", "--known", lines[0]["hash"], code=USAGE)
        with sqlite3.connect(os.path.join(self.service.data, "control.db"), timeout=DEADLINE) as store:
            store.execute("UPDATE audit SET detail = replace(detail, 'developer', 'viewer') WHERE action = 'user.create'")
        store.close()
        done = self.cli_server("audit", "verify", code=PARTLY)
        self.assertIn("line 3 of the audit log is not what was written", done.out)

    def test_usage(self):
        self.cli_server("user", "create", "Ada", "--tenant", "acme", "--role", "super_admin", code=USAGE)
        self.cli_server("user", "create", "Ada", "--tenant", "nobody", code=FAILED)
        self.cli_server("user", "create", "Ada", "--tenant", "acme", "--password", code=USAGE, input="short\n")
        self.cli_server("user", "set-role", "eve", "--tenant", "acme", "--role", "viewer", code=FAILED)
        self.cli_server("token", "create", code=USAGE)
        self.cli_server("token", "create", "--user", "ada", code=USAGE)
        self.cli_server("key", "create", "--tenant", "acme", "--rate", "0", code=USAGE)


if __name__ == "__main__":
    unittest.main()
