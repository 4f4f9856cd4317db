#!/usr/bin/python3
"""The service as its keeper sees it: settings, figures, log, a restart behind a load balancer, memory.

Run: FORTIUM_SERVER_BIN=…/fortium-metrics-server python3 tests/e2e/operations_test.py
"""

import concurrent.futures
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest
import uuid

import support
from support import CONFIGURATION, DEADLINE, DONE, USAGE, until

BATCH = "/api/v1/metrics/batch"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"


def record():
    return {"id": str(uuid.uuid4()), "timestamp": "2026-01-02T03:04:05.678Z", "session_id": "s",
            "tool_name": "SecretTool", "execution_time_ms": 1, "status": "success"}


def resident(pid, what="VmRSS"):
    """Bytes; RssAnon: without the program's own file and its libraries, which processes share."""
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"^{what}:\s+(\d+) kB", file.read(), re.M).group(1)) * 1024


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class OperationsCase(support.Case):
    def service(self, **variables):
        return support.Service(self, **variables)

    def ask(self, service, path, method="GET", body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            connection.close()

    def post(self, service, records=1):
        body = json.dumps({"batch_id": str(uuid.uuid4()), "tool_usages": [record() for _ in range(records)]})
        return self.ask(service, BATCH, "POST", body, Authorization=f"Bearer {service.key}", Content_Type="application/json")


class Settings(OperationsCase):
    def show(self, *args, code=DONE, **variables):
        done = self.cli("config", "show", "--json", *args, program=support.SERVER_BIN, code=code, **variables)
        return json.loads(done.out), done.err

    def test_option_before_environment_before_file_before_default(self):
        path = os.path.join(self.top, "config.toml")
        with open(path, "w") as file:
            file.write("# ours\nlog = \"info\"\nrate_limit = 7\nidle_timeout = \"9s\"\n")
        shown, _ = self.show("--config", path, "--rate-limit", "5", RATE_LIMIT_MAX_REQUESTS=6, FORTIUM_SERVER_LOG="debug")
        self.assertEqual(shown["rate_limit"], {"value": "5", "origin": "--rate-limit"})
        self.assertEqual(shown["log"], {"value": "debug", "origin": "FORTIUM_SERVER_LOG"})
        self.assertEqual(shown["idle_timeout"], {"value": "9s", "origin": path})
        self.assertEqual(shown["request_timeout"], {"value": "30s", "origin": "default"})
        shown, _ = self.show(FORTIUM_SERVER_CONFIG=path, PORT=8123)
        self.assertEqual((shown["rate_limit"]["value"], shown["port"]["value"]), ("7", "8123"))

    def test_a_bad_value_is_named_with_what_is_allowed(self):
        path = os.path.join(self.top, "config.toml")
        with open(path, "w") as file:
            file.write("colour = \"red\"\nlog = \"loud\"\n")
        _, said = self.show("--config", path, code=CONFIGURATION, FORTIUM_SERVER_TRUSTED_PROXIES="10.0.0.0/33",
                            FORTIUM_SERVER_ALLOWED_ORIGINS="metrics.example.com", FORTIUM_SERVER_IDLE_TIMEOUT="0s")
        for words in ("colour is not a setting", f"log (from {path}): \"loud\" must be one of error, warn, info, debug",
                      "trusted_proxies (from FORTIUM_SERVER_TRUSTED_PROXIES): \"10.0.0.0/33\" must be addresses",
                      "allowed_origins (from FORTIUM_SERVER_ALLOWED_ORIGINS)", "idle_timeout (from"):
            self.assertIn(words, said)
        self.cli("serve", "--listen", "127.0.0.1:0", "--config", path, program=support.SERVER_BIN, code=CONFIGURATION)
        self.cli("serve", "--listen", "127.0.0.1:0", "--max-connections", "0", program=support.SERVER_BIN, code=USAGE)
        self.cli("serve", "--config", os.path.join(self.top, "none"), program=support.SERVER_BIN, code=CONFIGURATION)

    def test_every_command_finds_the_store_that_the_file_names(self):
        path, place = os.path.join(self.top, "config.toml"), os.path.join(self.top, "kept here")
        with open(path, "w") as file:
            file.write(f"data = \"{place}\"\n")
        def tenants(*args, **variables):
            done = self.cli("tenant", "list", "--json", *args, program=support.SERVER_BIN, code=DONE, **variables)
            return [one["name"] for one in json.loads(done.out)["tenants"]]
        self.cli("tenant", "create", "acme", "--config", path, program=support.SERVER_BIN, code=DONE)
        self.assertTrue(os.path.exists(os.path.join(place, "control.db")))
        self.assertEqual(tenants(FORTIUM_SERVER_CONFIG=path), ["acme"])
        self.assertEqual(tenants("--data", place), ["acme"])
        self.assertEqual(tenants("--data", os.path.join(self.top, "another"), FORTIUM_SERVER_CONFIG=path), [])
        self.cli("tenant", "list", "--data", "", program=support.SERVER_BIN, code=USAGE)

    def test_the_limit_of_bodies_is_said_and_held_and_clients_heed_it(self):
        self.show("--body-limit", "1tb", code=USAGE)
        service = support.Service(self, BODY_LIMIT="2kb")
        known = json.loads(self.ask(service, "/api/v1/capabilities", Authorization=f"Bearer {service.key}")[1])
        self.assertEqual(known["limits"]["max_body_bytes"], 2048)
        status, body = self.ask(service, BATCH, "POST", " " * 2049, Authorization=f"Bearer {service.key}",
                                Content_Type="application/json")[:2]
        self.assertEqual((status, json.loads(body)["message"]), (413, "the body is more than 2048 bytes"))
        account = {"FORTIUM_METRICS_URL": service.url, "FORTIUM_API_KEY": service.key}
        line = {"kind": "tool_usage", "tool_name": "Read", "status": "success", "context": {"text": "x" * 400}}
        self.cli("record", "--input", "-", input=40 * (json.dumps(line) + "\n"), code=DONE, **account)
        self.cli("sync", code=DONE, **account)
        status = json.loads(self.cli("status", "--json", code=DONE, **account).out)
        self.assertEqual(status["queue"]["pending"], 0)

    def test_a_secret_is_no_option_and_is_not_shown(self):
        shown, _ = self.show(FORTIUM_SERVER_METRICS_TOKEN="a-token-of-some-length")
        self.assertNotIn("a-token-of-some", json.dumps(shown))
        self.assertNotIn("metrics-token", self.cli("serve", "--help", program=support.SERVER_BIN, code=DONE).out)

    def test_the_page_of_settings_names_each(self):
        with open(os.path.join(support.ROOT, "README.md")) as file:
            text = file.read()
        table = text[text.index("| setting of the service |"):].split("\n\n")[0]
        told = set(re.findall(r"^\| `([a-z_]+)`", table, re.M))
        self.assertEqual(told, set(self.show()[0]))
        help_text = re.sub(r"\s+", "", self.cli("serve", "--help", program=support.SERVER_BIN, code=DONE).out)
        secrets = {"FORTIUM_SERVER_METRICS_TOKEN", "FORTIUM_SERVER_SIGNING_PASSPHRASE"}  # no options
        for name in set(re.findall(r"`([A-Z_]{4,})`", table)) - secrets:
            self.assertIn(name, help_text)


class Figures(OperationsCase):
    def test_what_the_service_counts(self):
        service = self.service()
        self.assertEqual(self.post(service, 3)[0], 200)
        self.ask(service, "/nothing/at/all")
        status, text, headers = self.ask(service, "/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        figures = {}
        for line in text.splitlines():
            if line.startswith("#"):
                self.assertRegex(line, r"^# (HELP|TYPE) fortium_[a-z_]+ ")
                continue
            name, value = line.rsplit(" ", 1)
            self.assertRegex(name, r'^fortium_[a-z_]+(\{([a-z]+="[^"]*",?)+\})?$')
            figures[name] = float(value)
        posted = 'fortium_request_seconds_count{method="POST",route="/api/v1/metrics/batch"}'
        self.assertEqual(figures[posted], 1)
        self.assertEqual(figures[posted.replace("_count", "_bucket").replace("}", ',le="+Inf"}')], 1)
        self.assertEqual(figures['fortium_requests_total{method="",route="none",status="4xx"}'], 1)
        self.assertEqual(sum(value for name, value in figures.items()
                             if name.startswith("fortium_records_total") and 'outcome="accepted"' in name), 3)
        self.assertGreaterEqual(figures["fortium_connections"], 1)
        self.assertGreater(figures["fortium_resident_bytes"], 1 << 20)
        self.assertGreater(figures["fortium_store_write_seconds_count"], 0)
        for secret in ("acme", service.key, "SecretTool"):
            self.assertNotIn(secret, text)

    def test_who_may_see_them(self):
        service = self.service()
        self.assertEqual(self.ask(service, "/metrics", X_Forwarded_For="203.0.113.7")[0], 403)
        guarded = self.service(FORTIUM_SERVER_METRICS_TOKEN="scraper")
        self.assertEqual(self.ask(guarded, "/metrics")[0], 401)
        self.assertEqual(self.ask(guarded, "/metrics", Authorization="Bearer scrapes")[0], 401)
        self.assertEqual(self.ask(guarded, "/metrics", Authorization="Bearer scraper", X_Forwarded_For="203.0.113.7")[0], 200)

    def test_health(self):
        service = self.service()
        for path in ("/health", "/healthz", "/readyz", "/health/mcp", "/health/database", "/api/mcp/health"):
            status, text, _ = self.ask(service, path)
            self.assertEqual((status, json.loads(text)["status"]), (200, "healthy"), path)
            self.assertEqual(self.ask(service, path, "HEAD")[:2], (200, ""))


class Log(OperationsCase):
    def said(self, service):
        service.process.terminate()
        self.assertEqual(service.process.wait(DEADLINE), 0)
        lines = []
        for name in os.listdir(self.top):
            if name.endswith(".log"):
                with open(os.path.join(self.top, name)) as file:
                    lines += [line for line in file.read().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]

    def test_a_line_a_request_as_an_object(self):
        service = self.service(FORTIUM_SERVER_LOG="info", FORTIUM_SERVER_LOG_FORMAT="json")
        _, _, headers = self.post(service)
        self.ask(service, f"/api/v1/metrics/ledger?secret={'x' * 20}", Authorization="Bearer fm_wrong")
        self.ask(service, "/evil\"path")
        lines = self.said(service)
        posted = next(line for line in lines if line.get("route") == BATCH)
        self.assertEqual(posted["request_id"], headers["X-Request-ID"])
        self.assertEqual((posted["status"], posted["method"], posted["level"]), (200, "POST", "info"))
        self.assertGreater(posted["ms"], 0)
        self.assertEqual(uuid.UUID(posted["tenant"]).version, 7)
        self.assertRegex(posted["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn("stopped", [line.get("message") for line in lines])
        text = json.dumps(lines)
        for secret in ("acme", service.key, "SecretTool", "secret=", "evil", "fm_wrong"):
            self.assertNotIn(secret, text)

    def test_a_client_behind_a_trusted_proxy_is_known_by_its_own_address(self):
        service = self.service(FORTIUM_SERVER_LOG="info", FORTIUM_SERVER_LOG_FORMAT="json",
                               FORTIUM_SERVER_TRUSTED_PROXIES="127.0.0.1, 198.51.100.0/24")
        # What a client wrote itself stands before what the proxies added, and is not believed.
        self.ask(service, "/api/v1/capabilities", X_Forwarded_For="10.9.9.9, 203.0.113.7, 198.51.100.4")
        said = [line.get("message", "") for line in self.said(service)]
        self.assertIn("refused 203.0.113.7: missing_credentials", said)

    def test_a_stranger_names_no_other_address(self):
        service = self.service(FORTIUM_SERVER_LOG="info", FORTIUM_SERVER_LOG_FORMAT="json")
        self.ask(service, "/api/v1/capabilities", X_Forwarded_For="203.0.113.7")
        said = [line.get("message", "") for line in self.said(service)]
        self.assertIn("refused 127.0.0.1: missing_credentials", said)


class Restart(OperationsCase):
    def free_port(self):
        with socket.create_server(("127.0.0.1", 0)) as one:
            return one.getsockname()[1]

    def balance(self, ports):
        """The packaged configuration of haproxy on loopback, without TLS: its port."""
        with open(os.path.join(support.ROOT, "packaging", "service", "haproxy.cfg")) as file:
            text = file.read()
        port = self.free_port()
        text = re.sub(r"bind :443.*", f"bind 127.0.0.1:{port}", text)
        text = re.sub(r"    ssl-default-bind-options.*\n", "", text)
        text = re.sub(r"maxconn \d+", "maxconn 500", text)
        for old, new in zip((8081, 8082), ports):
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        path = os.path.join(self.top, "haproxy.cfg")
        with open(path, "w") as file:
            file.write(text)
        subprocess.run([HAPROXY, "-c", "-f", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process = subprocess.Popen([HAPROXY, "-db", "-f", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.ends_with(lambda: (process.terminate(), process.wait()))
        until(lambda: support.http_get(port, "/readyz")[0] == 200, "the balancer sees a service")
        return port

    @unittest.skipUnless(os.path.exists(HAPROXY), "haproxy is not installed")
    def test_two_processes_restarted_one_after_the_other_fail_no_request(self):
        one = self.service(FORTIUM_SERVER_STOP_DELAY="3s")
        second = one.another()
        port = self.balance((one.port, second.port))

        stop, failed, acknowledged, lock = threading.Event(), [], [], threading.Lock()

        def send():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
            while not stop.is_set():
                records = [record() for _ in range(5)]
                body = json.dumps({"batch_id": str(uuid.uuid4()), "tool_usages": records})
                try:
                    connection.request("POST", BATCH, body, {"Authorization": f"Bearer {one.key}",
                                                             "Content-Type": "application/json"})
                    answer = connection.getresponse()
                    receipt = json.loads(answer.read())
                    good = answer.status == 200 and all(line["status"] == "accepted" for line in receipt["results"])
                except (OSError, http.client.HTTPException, ValueError) as error:
                    good, receipt = False, repr(error)
                    connection.close()
                with lock:
                    acknowledged.extend([one_record["id"] for one_record in records] if good else [])
                    failed.extend([] if good else [receipt])
            connection.close()

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            senders = [pool.submit(send) for _ in range(6)]
            try:
                def more(number):
                    before = len(acknowledged)
                    until(lambda: len(acknowledged) > before + number, "records are acknowledged")
                more(200)
                one.stop()
                more(200)
                one.serve()
                until(lambda: support.http_get(one.port, "/readyz")[0] == 200, "the first is back")
                # The balancer has to see it, too, before the other goes.
                until(lambda: self.figure(one, "fortium_records_total") > 0, "the first is asked again")
                second.stop()
                more(200)
                second.serve()
                more(200)
            finally:
                stop.set()
            for sender in senders:
                sender.result()
        self.assertEqual(failed, [])
        self.assertEqual(sorted(one.ids().elements()), sorted(acknowledged))

    def figure(self, service, name):
        text = self.ask(service, "/metrics")[1]
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def test_what_is_told_to_stop_says_so_and_goes_on_until_then(self):
        service = self.service(FORTIUM_SERVER_STOP_DELAY="2s")
        kept = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE)
        self.ends_with(kept.close)
        kept.request("GET", "/readyz")
        self.assertEqual(kept.getresponse().read()[:1], b"{")
        service.process.send_signal(signal.SIGTERM)
        until(lambda: support.http_get(service.port, "/readyz")[0] == 503, "it is not ready")
        self.assertEqual(self.post(service)[0], 200)
        kept.request("GET", "/healthz")
        answer = kept.getresponse()
        self.assertEqual((answer.status, answer.headers["Connection"]), (200, "close"))
        self.assertEqual(service.process.wait(DEADLINE), 0)


class Memory(OperationsCase):
    MIB = 1 << 20

    def test_an_idle_service_is_small(self):
        service = self.service()
        self.post(service)
        own, whole = resident(service.process.pid, "RssAnon"), resident(service.process.pid)
        print(f"\nidle: {own / self.MIB:.1f} MiB of its own, {whole / self.MIB:.1f} MiB with files", file=sys.stderr)
        self.assertLess(own, 8 * self.MIB)
        self.assertLess(whole, 24 * self.MIB)  # as it is built for work; libpq's libraries are 4 of it

    def test_ten_thousand_idle_connections(self):
        wanted = 10_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < wanted + 200:
            self.skipTest(f"a process may open {hard} files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.ends_with(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))
        service = self.service()
        before = resident(service.process.pid)
        idle = []
        self.ends_with(lambda: [one.close() for one in idle])
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(wanted // 100):  # so many at once: more than 512 of one address would have to wait
            new = [socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE) for _ in range(100)]
            idle += new
            for one in new:
                one.sendall(request)
            for one in new:
                self.assertTrue(one.recv(4096).startswith(b"HTTP/1.1 200"))
        grown = resident(service.process.pid)
        print(f"\n{wanted} idle connections: {grown / self.MIB:.1f} MiB, {(grown - before) / wanted:.0f} bytes each; "
              f"without them {before / self.MIB:.1f} MiB", file=sys.stderr)
        self.assertLess(grown, 300 * self.MIB)
        self.assertEqual(self.post(service)[0], 200)
        idle[0].sendall(request)
        self.assertTrue(idle[0].recv(4096).startswith(b"HTTP/1.1 200"))


class Packaging(OperationsCase):
    def test_the_unit_is_one_that_systemd_takes(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("no systemd-analyze")
        with open(os.path.join(support.ROOT, "packaging", "service", "fortium-metrics-server.service")) as file:
            text = file.read()
        path = os.path.join(self.top, "fortium-metrics-server.service")
        with open(path, "w") as file:
            file.write(text.replace("/usr/bin/fortium-metrics-server", support.SERVER_BIN))
        done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rated = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", path],
                               capture_output=True, text=True, check=False)
        self.assertEqual(rated.returncode, 0, rated.stdout[-300:])

    def test_the_example_settings_are_settings(self):
        path = os.path.join(support.ROOT, "packaging", "service", "config.toml")
        self.cli("config", "show", "--config", path, program=support.SERVER_BIN, code=DONE)

    def read(self, *names):
        with open(os.path.join(support.ROOT, *names)) as file:
            return file.read()

    def settings(self):
        """Environment variables that are settings, as the page of settings names them."""
        table = self.read("README.md")
        table = table[table.index("| setting of the service |"):].split("\n\n")[0]
        return set(re.findall(r"`([A-Z_]{4,})`", table)) | {"FORTIUM_SERVER_CONFIG"}

    def check_paths(self, service, text):
        """Every path that a manifest asks for answers."""
        paths = set(re.findall(r"path: (/\w+)", text)) | set(re.findall(r"httpchk GET (/\w+)", text))
        self.assertTrue(paths)
        for path in paths:
            self.assertEqual(service.get(path, authorized=False)[0], 200, path)

    def test_the_manifests_say_what_the_program_knows(self):
        service = self.service()
        version = self.cli("--version", program=support.SERVER_BIN, code=DONE).out.split()[1]
        container = self.read("packaging", "service", "Containerfile")
        [port] = re.findall(r"^EXPOSE (\d+)$", container, re.M)
        [user] = re.findall(r"^USER (\d+)$", container, re.M)
        for name in ("postgresql.yaml", "sqlite.yaml"):
            with self.subTest(manifest=name):
                text = self.read("packaging", "service", "kubernetes", name)
                told = set(re.findall(r"name: ([A-Z][A-Z_]+)", text))
                self.assertTrue(told)
                self.assertLessEqual(told, self.settings())
                self.check_paths(service, text)
                self.assertEqual(set(re.findall(r"containerPort: (\d+)", text)), {port})
                self.assertIn(f'FORTIUM_SERVER_LISTEN, value: "0.0.0.0:{port}"', text)
                self.assertEqual(set(re.findall(r"runAsUser: (\d+)", text)), {user})
                self.assertEqual(re.findall(r"image: (\S+)", text), [f"fortium-metrics-server:{version}"])
                # Time to be noticed, to finish what was begun (30 s), and to end.
                [grace] = re.findall(r"terminationGracePeriodSeconds: (\d+)", text)
                delay = re.findall(r"STOP_DELAY, value: (\d+)s", text) or ["0"]
                self.assertGreater(int(grace), int(delay[0]) + 30)
        self.check_paths(service, self.read("packaging", "service", "haproxy.cfg"))

    def test_the_container_file_builds_and_starts_what_there_is(self):
        text = self.read("packaging", "service", "Containerfile")
        cmake = self.read("CMakeLists.txt")
        for option in re.findall(r"-D(\w+)=", text):
            self.assertRegex(cmake, rf"(option|set)\({option} ")
        presets = [one["name"] for one in json.loads(self.read("CMakePresets.json"))["configurePresets"]]
        for preset in re.findall(r"--preset (\w+)", text):
            self.assertIn(preset, presets)
        for source in re.findall(r"^COPY (\S+) ", text, re.M):
            if source != "--from=build":
                self.assertTrue(os.path.exists(os.path.join(support.ROOT, source)), source)
        told = {name for line in re.findall(r"^ENV (.*)$", text, re.M) for name in re.findall(r"([A-Z_]+)=", line)}
        self.assertLessEqual(told, self.settings())
        [entry], [command] = re.findall(r'^ENTRYPOINT \["(.*)"\]$', text, re.M), re.findall(r'^CMD \["(.*)"\]$', text, re.M)
        self.assertEqual(os.path.basename(entry), os.path.basename(support.SERVER_BIN))
        self.assertIn("usage", self.cli(command, "--help", program=support.SERVER_BIN, code=DONE).out.lower())
        # What the program is linked to is in the image: of these packages, or of those that they need.
        libraries = subprocess.run(["readelf", "-d", support.SERVER_BIN], check=True, capture_output=True, text=True).stdout
        packages = {"libpq.so.5": "libpq5", "libstdc++.so.6": "libstdc++6", "libgcc_s.so.1": "libstdc++6", "libssl.so.3": "libpq5",
                    "libcrypto.so.3": "libpq5"}
        system = {"libm.so.6", "libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
        for library in set(re.findall(r"\(NEEDED\).*\[(\S+)\]", libraries)) - system:
            self.assertIn(library, packages, "no package of the image has this library")
            self.assertIn(packages[library], text)

    def test_the_runbook_names_what_there_is(self):
        with open(os.path.join(support.ROOT, "packaging", "RUNBOOK.md")) as file:
            told = set(re.findall(r"fortium_[a-z_]+", file.read()))
        service = self.service()
        self.post(service)
        text = self.ask(service, "/metrics")[1]
        real = set(re.findall(r"^# TYPE (fortium_[a-z_]+)", text, re.M))
        self.assertLessEqual(told - {"fortium_metrics", "fortium_answers", "fortium_sessions"}, real)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))  # so that cleanups run
    unittest.main(verbosity=1)
