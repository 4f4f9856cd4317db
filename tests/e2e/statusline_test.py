#!/usr/bin/python3
"""`statusline`: a person's own status line is as it would be without us, and what Claude Code tells it is recorded."""

import fcntl
import json
import os
import time

import support
from support import DONE, until

STATUS = {
    "session_id": "cf890239-33a0-450d-bd3f-7de7debb34b6", "transcript_path": "/p/secret/t.jsonl", "cwd": "/p/secret/shop",
    "prompt_id": "02b82d2b-b584-4cc1-a206-9576a3e81f93", "model": {"id": "claude-opus-5-5", "display_name": "Opus 5.5"},
    "workspace": {"current_dir": "/p/secret/shop/src", "project_dir": "/p/secret/shop", "added_dirs": []},
    "version": "2.1.330", "output_style": {"name": "default"},
    "cost": {"total_cost_usd": 0.026082, "total_duration_ms": 8850, "total_api_duration_ms": 533,
             "total_lines_added": 12, "total_lines_removed": 3},
    "context_window": {"total_input_tokens": 3022, "total_output_tokens": 54, "context_window_size": 1000000,
                       "current_usage": {"input_tokens": 14}, "used_percentage": 7, "remaining_percentage": 93},
    "rate_limits": {"five_hour": {"used_percentage": 41.5, "resets_at": 1795334808},
                    "seven_day": {"used_percentage": 3, "resets_at": 1795934808}},
}
SESSION = STATUS["session_id"]


class StatusLine(support.Case):
    def line(self, *command, status=STATUS, code=DONE, **how):
        words = ["--", *command] if command else []
        text = status if isinstance(status, (str, bytes)) else json.dumps(status)
        return self.cli("statusline", *words, input=text, code=code, **how)

    def records(self):
        if not os.path.exists(self.database):
            return []
        return self.store().execute("SELECT session_id, change, total_duration_ms, context, project, source "
                                    "FROM user_session").fetchall()

    def settled(self):
        """Waits until no process of this home is there: who records holds no stream that would tell."""
        def mine():
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/environ", "rb") as file:
                        if f"HOME={self.home}\0".encode() in file.read():
                            return True
                except OSError:
                    continue
            return False
        until(lambda: not mine(), "the recording process ends")

    def test_the_command_is_as_it_would_be_without_us(self):
        text = json.dumps(STATUS)
        self.assertEqual(self.line("cat").out, text)
        done = self.line("sh", "-c", 'printf "\\033[1m%s\\n\\n" "$1"; echo no >&2; exit 3', "x", "--flag", code=3)
        self.assertEqual((done.out, done.err), ("\033[1m--flag\n\n", "no\n"))
        self.assertEqual(self.line("status", code=127).out, "")  # a word after -- is theirs, whatever it is
        self.assertEqual(self.line("sh", "-c", "kill -TERM $$", code=None).code, -15)
        self.assertEqual(self.line("sh", "-c", "umask").out, self.run_alone("umask"))

    def run_alone(self, line):
        return self.cli("-c", line, program="/bin/sh").out

    def test_whatever_is_read_is_passed_on(self):
        for text in ("", "no JSON", "[]", "{}", "\ud800".encode("utf-8", "surrogatepass"), b"\x00\xff" * 10,
                     json.dumps({**STATUS, "more": "x" * 3_000_000}), '{"session_id": 7}'):
            with self.subTest(text=text[:20]):
                raw = text if isinstance(text, bytes) else text.encode()
                self.assertEqual(int(self.line("sh", "-c", "wc -c", status=raw).out), len(raw))
                self.assertEqual(self.line(status=raw).out, "")
        self.settled()
        self.assertEqual(self.records(), [])

    def test_without_a_command_it_is_one_line(self):
        self.assertEqual(self.line().out, "Opus 5.5 | $0.03 | context 7 % | 5 h 42 % | 7 d 3 %\n")
        self.assertEqual(self.line(status={"session_id": "s", "model": {"display_name": "a\x1b[2Jb"}}).out, "a[2Jb\n")
        self.assertEqual(self.line(status={"session_id": "s"}).out, "\n")

    def test_cost_context_and_limits_are_recorded_once_a_minute(self):
        self.line("true")
        self.settled()
        (row,) = self.records()
        session, change, length, context, project, source = row
        self.assertEqual((session, change, length, project, source), (SESSION, "update", 8850, "shop", "hook"))
        self.assertEqual(json.loads(context), {
            "from": "statusline", "model": "claude-opus-5-5", "cost_usd": 0.026082, "api_duration_ms": 533,
            "lines_added": 12, "lines_removed": 3, "context_used_percentage": 7, "context_window_size": 1000000,
            "context_input_tokens": 3022, "five_hour_used_percentage": 41.5, "five_hour_resets_at": 1795334808,
            "seven_day_used_percentage": 3, "seven_day_resets_at": 1795934808})
        for path, data in self.every_file():
            self.assertNotIn(b"secret", data, path)
        (mark,) = os.listdir(os.path.join(self.data, "statusline"))
        for _ in range(5):
            self.line("true")
        self.settled()
        self.assertEqual(len(self.records()), 1)
        self.line("true", status={**STATUS, "session_id": "another"})
        self.settled()
        self.assertEqual(len(self.records()), 2)
        # A minute later it is said again.
        mark = os.path.join(self.data, "statusline", mark)
        os.utime(mark, (time.time() - 61, time.time() - 61))
        self.line("true")
        self.settled()
        self.assertGreater(os.stat(mark).st_mtime, time.time() - 50)
        self.assertIn(len(self.records()), (2, 3))  # in the same minute of the clock it is the same record

    def test_a_session_that_asked_nothing_yet_is_shown_and_not_recorded(self):
        cost = {**STATUS["cost"], "total_cost_usd": 0, "total_api_duration_ms": 0}
        self.assertIn("$0.00", self.line(status={**STATUS, "cost": cost}).out)
        self.settled()
        self.assertFalse(os.path.exists(self.data))

    def test_nothing_is_recorded_where_that_is_switched_off(self):
        for variable in ("DO_NOT_TRACK", "FORTIUM_METRICS_DISABLED"):
            self.assertEqual(self.line("echo", "x", **{variable: "1"}).out, "x\n")
        self.settled()
        self.assertFalse(os.path.exists(self.data))

    def test_nothing_is_recorded_of_a_project_that_opted_out(self):
        project = os.path.join(self.home, "shop")
        os.mkdir(project)
        with open(os.path.join(project, ".fortium-metrics-off"), "w"):
            pass
        status = {**STATUS, "workspace": {**STATUS["workspace"], "project_dir": project}}
        self.assertEqual(self.line("echo", "x", status=status).out, "x\n")
        self.settled()
        self.assertFalse(os.path.exists(self.data))

    def test_a_store_that_cannot_be_used_is_not_noticed(self):
        os.makedirs(os.path.dirname(self.data))
        with open(self.data, "w") as file:
            file.write("in the way")
        done = self.line("echo", "x")
        self.assertEqual((done.out, done.err), ("x\n", ""))
        self.settled()

    def test_nobody_waits_for_the_record(self):
        # A writer that holds the store: the line is there at once, and the record is not lost.
        self.record()
        with open(self.database + ".lock", "r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(self.line("echo", "x").out, "x\n")
            self.assertEqual(self.records(), [])
        self.settled()
        self.assertEqual(self.status()["records"]["total"], 2)


if __name__ == "__main__":
    support.main()
