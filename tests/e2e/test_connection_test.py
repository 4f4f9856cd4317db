#!/usr/bin/python3
"""`test-connection`: each step in turn fails, is named, and says what to do. Nothing is left behind."""

import json
import socket
import threading
import time

import support
from support import CONFIGURATION, CREDENTIALS, DONE, UNREACHABLE, Peer, Reply


class TestConnection(support.Case):
    def setUp(self):
        super().setUp()
        self.peer = Peer(self)
        self.to = self.peer.settings()

    def run_steps(self, code, failing=None, **more):
        """The steps; all are ok but the last one, which is `failing`."""
        told = self.json("test-connection", code=code, **{**self.to, **more})
        self.assertEqual(set(told), {"ok", "url", "steps"})
        self.assertEqual(told["ok"], code == DONE)
        for step in told["steps"]:
            self.assertEqual(set(step), {"name", "ok", "ms", "detail", "hint"})
            self.assertGreaterEqual(step["ms"], 0)
            self.assertTrue(step["detail"], step)
        names = [step["name"] for step in told["steps"]]
        self.assertEqual([step["ok"] for step in told["steps"]], [True] * (len(names) - 1) + [failing is None])
        self.assertEqual([step["hint"] for step in told["steps"] if step["ok"]], [None] * (len(names) - bool(failing)))
        if failing:
            self.assertEqual(names[-1], failing, told["steps"][-1])
            self.assertTrue(told["steps"][-1]["hint"], told["steps"][-1])
        else:
            self.assertLessEqual({"dns", "tcp", "credentials", "organization", "clock", "limits", "round trip"},
                                 set(names))
        text = self.cli("test-connection", **{**self.to, **more})
        self.assertEqual(text.code, code)
        self.assertNotIn(Peer.KEY, text.out + text.err + json.dumps(told))
        if failing:
            self.assertIn(told["steps"][-1]["hint"], text.out)
        return told

    def test_all_is_well_and_nothing_is_left_behind(self):
        ids = self.record(3, **self.to)
        told = self.run_steps(DONE)
        self.assertEqual(told["url"], self.peer.url)
        self.assertEqual(self.peer.ids, {})  # the round trip carried no record
        self.assertEqual(self.status(**self.to)["queue"]["pending"], len(ids))

    def test_nothing_is_set(self):
        told = json.loads(self.cli("test-connection", "--json", code=CONFIGURATION).out)
        self.assertEqual((told["ok"], told["url"]), (False, None))
        self.assertIn("url", told["steps"][-1]["detail"])

    def test_a_name_that_does_not_exist(self):
        self.run_steps(UNREACHABLE, "dns", FORTIUM_METRICS_URL="https://no-such-host.invalid")

    def test_a_port_where_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        told = self.run_steps(UNREACHABLE, "tcp", FORTIUM_METRICS_URL=f"http://127.0.0.1:{port}")
        self.assertIn("refused", told["steps"][-1]["detail"].lower())

    def test_somebody_who_does_not_speak_http(self):
        self.peer.on("/health", Reply(raw=b"220 mail.example.com ESMTP\r\n"))
        self.run_steps(UNREACHABLE, "http")

    def test_silence(self):
        self.peer.on("/health", support.Silent())
        start = time.monotonic()
        self.run_steps(UNREACHABLE, "http", FORTIUM_TIMEOUT=1000)
        self.assertLess(time.monotonic() - start, 8)

    def test_a_certificate_of_somebody_unknown(self):
        authority = support.Authority(self)
        peer = Peer(self, authority.context())
        told = self.run_steps(UNREACHABLE, "tls", FORTIUM_METRICS_URL=peer.url)
        self.assertIn("ca_file", told["steps"][-1]["hint"])
        self.run_steps(DONE, FORTIUM_METRICS_URL=peer.url, FORTIUM_CA_FILE=authority.ca)

    def test_a_key_that_is_refused(self):
        for status in (401, 403):
            self.peer.on("/api/v1/capabilities", Reply(status, {"success": False, "message": "who are you?"}))
            told = self.run_steps(CREDENTIALS, "credentials")
            self.assertIn("who are you?", told["steps"][-1]["detail"])

    def test_a_key_that_may_not_write(self):
        self.peer.scopes = ["read"]
        told = self.run_steps(CREDENTIALS, "credentials")
        self.assertIn("ingest", told["steps"][-1]["hint"])

    def test_a_url_that_leads_elsewhere(self):
        self.peer.on("/api/v1/capabilities", Reply(404, b"<html>not here</html>", {"Content-Type": "text/html"}))
        self.run_steps(CONFIGURATION, "credentials")

    def test_a_captive_portal(self):
        page = Reply(200, b"<html>Welcome, please log in</html>", {"Content-Type": "text/html"})
        for path in ("/health", "/api/v1/capabilities", "/api/v1/metrics/batch"):
            self.peer.on(path, page)
        told = self.run_steps(CONFIGURATION, "credentials")
        self.assertFalse(told["ok"])

    def test_another_organization(self):
        self.run_steps(CONFIGURATION, "organization", FORTIUM_ORG_ID="somebody-else")

    def test_a_clock_that_runs_ahead(self):
        self.peer.server_time = time.time() - 3 * 86400
        told = json.loads(self.cli("test-connection", "--json", **self.to).out)
        self.assertEqual(told["steps"][-1]["name"], "clock")
        self.assertTrue(told["steps"][-1]["hint"])

    def test_a_service_that_takes_no_batches(self):
        self.peer.batch(Reply(500, {"success": False, "message": "out of order"}))
        self.run_steps(UNREACHABLE, "round trip")
        self.peer.batch(Reply(200, b"<html></html>"))
        self.run_steps(UNREACHABLE, "round trip")

    def test_a_proxy_that_is_set_is_used(self):
        seen = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.ends_with(listener.close)
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.cli("config", "set", "proxy", proxy, code=DONE)

        def serve():
            try:
                while True:
                    connection, _ = listener.accept()
                    seen.append(connection.recv(4096))
                    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                    connection.close()
            except OSError:
                pass

        threading.Thread(target=serve, daemon=True).start()
        done = self.cli("sync", **{**self.to, "FORTIUM_METRICS_URL": "https://metrics.example.com"}, timeout=60)
        self.assertEqual(done.code, DONE)  # nothing waits, nobody is asked
        self.record(1, **{**self.to, "FORTIUM_METRICS_URL": "https://metrics.example.com"})
        done = self.cli("sync", **{**self.to, "FORTIUM_METRICS_URL": "https://metrics.example.com"})
        self.assertEqual(done.code, UNREACHABLE)
        self.assertTrue(seen and seen[0].startswith(b"CONNECT metrics.example.com:443"), seen)
        self.assertNotIn(Peer.KEY.encode(), b"".join(seen))


    def test_behind_a_proxy_names_need_not_be_known_here(self):
        base = "http://metrics.invalid"
        for path in ("/health", "/api/v1/capabilities", "/api/v1/metrics/batch"):
            self.peer.on(base + path, lambda request: self.peer.honest(request._replace(
                path=request.path.removeprefix(base))))
        to = {**self.to, "FORTIUM_METRICS_URL": base, "HTTP_PROXY": self.peer.url}
        done = self.cli("--allow-insecure-http", "record", "tool_usage", "tool_name=T", "execution_time_ms=1",
                        "status=success", **to)
        self.assertEqual(done.code, DONE)
        done = self.cli("--allow-insecure-http", "sync", "--json", **to)
        self.assertEqual((done.code, json.loads(done.out)["accepted"]), (DONE, 1), done)
        done = self.cli("--allow-insecure-http", "test-connection", "--json", **to)
        self.assertEqual(done.code, DONE, done.out)


class RealService(support.Case):
    def setUp(self):
        super().setUp()
        if not support.Service.built():
            self.skipTest(f"{support.SERVER_BIN} is not built")

    def test_all_is_well(self):
        service = support.Service(self)
        told = self.json("test-connection", code=DONE, **service.settings())
        self.assertTrue(told["ok"])
        self.assertEqual(service.ledger(), {})
        told = json.loads(self.cli("test-connection", "--json", code=CREDENTIALS,
                                   **service.settings(key="fm_nobody_knows_this")).out)
        self.assertEqual(told["steps"][-1]["name"], "credentials")


if __name__ == "__main__":
    support.main()
