#!/usr/bin/python3
"""The page of `report --format html` in a real browser: it shows what it says, asks nobody for anything, and what would
have slipped into it could neither run nor call home."""

import http.server
import os
import re
import shutil
import subprocess
import threading

import support
from support import DONE

QUESTIONS = ("summary", "year", "hours", "tools", "errors")
BROWSER = shutil.which("chromium")
OWN_HOSTS = ("google", "gvt1", "chromium")  # what a browser asks for by itself


class Listener:
    """A proxy that only notes what it is asked for."""

    def __init__(self, case):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def note(self):
                asked.append(self.path)
                self.send_error(403)

            do_GET = do_POST = do_HEAD = do_CONNECT = note

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        case.addCleanup(self.server.server_close)
        case.addCleanup(self.server.shutdown)

    def pages(self):
        return [path for path in self.asked if not any(host in path for host in OWN_HOSTS)]


class Page(support.Case):
    def setUp(self):
        super().setUp()
        self.assertTrue(BROWSER, "these tests need chromium")
        for name, status in (("Bash", "success"), ("<b>Read</b>", "error"), ("日本", "success")):
            self.cli("record", "tool_usage", f"tool_name={name}", "execution_time_ms=12", f"status={status}", code=DONE)
        self.listener = Listener(self)

    def browse(self, page, *options):
        """What the browser made of a page, and its errors and warnings."""
        path = os.path.join(self.home, "page.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page)
        done = subprocess.run(
            [BROWSER, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--disable-extensions", "--enable-logging=stderr",
             f"--user-data-dir={self.home}/browser", f"--proxy-server=http://{self.listener.address}",
             "--proxy-bypass-list=<-loopback>", *(["--no-sandbox"] if os.getuid() == 0 else []), *options, "--dump-dom",
             f"file://{path}"],
            env={**os.environ, "HOME": self.home}, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        told = done.stderr.decode(errors="replace")
        return done.stdout.decode(), [line for line in told.splitlines() if "CONSOLE" in line]

    def page(self, question):
        return self.cli("report", question, "--format", "html", code=DONE).out

    def test_pages_are_shown_without_a_complaint_and_ask_for_nothing(self):
        for question in QUESTIONS:
            page = self.page(question)
            shown, complaints = self.browse(page)
            self.assertEqual(complaints, [], question)
            for text in re.findall(r"<(?:h1|h2|th|td|dt)[^>]*>([^<]+)<", page):
                self.assertIn(text, shown, question)
        self.assertEqual(self.listener.pages(), [])

    def test_the_style_is_applied(self):
        # A page of another style sheet does not have the hash that the policy allows.
        page = self.page("summary")
        shown, complaints = self.browse(page.replace("<style>", "<style>html{}", 1))
        self.assertTrue(any("style" in line for line in complaints), complaints)

    def test_what_slips_in_neither_runs_nor_calls_home(self):
        page = self.page("tools")
        slipped = ('<script>document.title="run"</script><script src="http://canary.test/x.js"></script>'
                   '<img src="http://canary.test/x.png" onerror="document.title=\'run\'">'
                   '<link rel="stylesheet" href="http://canary.test/x.css"><iframe src="http://canary.test/"></iframe>'
                   '<p style="background:url(http://canary.test/y.png)">x</p>')
        self.assertIn("<main>", page)
        shown, complaints = self.browse(page.replace("<main>", "<main>" + slipped))
        self.assertIn("x</p>", shown)
        self.assertNotIn("<title>run", shown)
        self.assertGreaterEqual(len(complaints), 4, complaints)
        self.assertEqual(self.listener.pages(), [])
        # The same page without its policy does both: what was seen above is the policy's work.
        open_page = re.sub(r"<meta http-equiv=[^>]*>", "", page, count=1)
        shown, _ = self.browse(open_page.replace("<main>", "<main>" + slipped))
        self.assertIn("<title>run", shown)
        self.assertTrue(self.listener.pages())


if __name__ == "__main__":
    support.main()
