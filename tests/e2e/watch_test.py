#!/usr/bin/python3
"""`watch` on a real terminal: tmux shows what a person would see."""

import os
import subprocess
import unittest
import uuid

import support
from support import BIN, DONE, USAGE


class Terminal:
    """A tmux of our own with one window, in which the program runs below a shell."""

    def __init__(self, case, width=80, height=40, **variables):
        self.case = case
        self.name = f"fortium-{uuid.uuid4().hex[:8]}"
        self.env = case.env(TERM="xterm-256color", **variables)
        self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), "env PS1='ready> ' sh")
        case.addCleanup(lambda: self.tmux("kill-server", check=False))
        self.until("ready>")

    def tmux(self, *args, check=True):
        return subprocess.run(["tmux", "-L", self.name, "-f", "/dev/null", *args], env=self.env, cwd=self.case.home,
                              check=check, capture_output=True, text=True, timeout=30).stdout

    def lines(self):
        return self.tmux("capture-pane", "-p").splitlines()

    def text(self):
        return "\n".join(self.lines())

    def type(self, *keys):
        self.tmux("send-keys", *keys)

    def until(self, *words, gone=()):
        support.until(lambda: (lambda text: all(word in text for word in words) and not any(
            word in text for word in gone))(self.text()), f"{words} on the screen, {gone} gone")


class Watch(support.Case):
    def setUp(self):
        super().setUp()
        self.record(tool="Read", count=3)
        self.record(tool="Bash", count=1, status="error")

    def record(self, tool, count, status="success"):
        for _ in range(count):
            self.cli("record", "tool_usage", f"tool_name={tool}", "execution_time_ms=12", f"status={status}",
                     "session_id=abcdefgh-1", "project=shop", code=DONE)

    def watching(self, **how):
        terminal = Terminal(self, **how)
        terminal.type(f"{BIN} watch", "Enter")
        terminal.until("q leave")
        return terminal

    def test_shows_what_is_there_and_what_comes(self):
        terminal = self.watching()
        terminal.until("Live", "Totals", "Sessions at work", "abcdefgh", "shop", "Read", "Failed last", "Bash",
                       "recording, local only")
        self.record(tool="Grep", count=1)
        terminal.until("Grep")

    def test_leaves_the_terminal_as_it_was(self):
        terminal = Terminal(self)
        terminal.type("stty -g > before", "Enter")
        for leave in (("q",), ("C-c",)):
            with self.subTest(leave=leave):
                terminal.type(f"{BIN} watch; code=$?; stty -g > after; echo left with $code", "Enter")
                terminal.until("q leave")
                terminal.type(*leave)
                terminal.until("left with 0", gone=("q leave", "Totals"))
                self.assertEqual(self.read("after"), self.read("before"))
                self.assertEqual(terminal.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on}").strip(), "1 0")
                terminal.type("clear", "Enter")

    def test_ended_by_a_signal_too(self):
        for name in ("TERM", "HUP", "INT"):
            with self.subTest(signal=name):
                terminal = Terminal(self)
                terminal.type(f"{BIN} watch; echo left with $?", "Enter")
                terminal.until("q leave")
                subprocess.run(["pkill", f"-{name}", "-P", terminal.tmux("display-message", "-p", "#{pane_pid}").strip()],
                               check=True)
                terminal.until("left with 0", gone=("q leave",))
                self.assertEqual(terminal.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on}").strip(), "1 0")

    def test_rests_and_comes_back(self):
        terminal = self.watching()
        terminal.type("C-z")
        terminal.until("ready>", gone=("q leave",))
        terminal.type("fg", "Enter")
        terminal.until("q leave", "Totals")

    def test_fits_every_size(self):
        terminal = self.watching(width=120, height=50)
        for width, height in ((80, 24), (40, 10), (200, 60), (60, 3)):
            with self.subTest(width=width, height=height):
                terminal.tmux("resize-window", "-x", str(width), "-y", str(height))
                support.until(lambda: len(terminal.lines()) <= height and "q leave" in terminal.lines()[-1],
                              "the last line is at the bottom")
                self.assertLessEqual(max(map(len, terminal.lines())), width)

    def test_other_periods(self):
        terminal = self.watching()
        terminal.until("today*")
        terminal.type("w")
        terminal.until("7 days*")
        terminal.type("x")
        terminal.type("m")
        terminal.until("30 days*")

    def test_without_unicode_and_colour(self):
        terminal = self.watching(LANG="C", LC_ALL="C", NO_COLOR="1")
        terminal.until("Totals", "Read")
        self.assertTrue(terminal.text().isascii())

    def test_says_what_it_needs(self):
        done = self.cli("watch", code=USAGE)
        self.assertIn("must be a terminal", done.err)
        self.assertIn("fortium-metrics report", done.err)
        self.assertEqual(done.out, "")

    def read(self, name):
        with open(os.path.join(self.home, name)) as file:
            return file.read()


if __name__ == "__main__":
    unittest.main()
