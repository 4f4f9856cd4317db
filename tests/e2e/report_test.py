#!/usr/bin/python3
"""Answers, counted a second time: every number of every report from what `export` gives, by another program in another
language, in time zones of all sorts; and every form says the same numbers."""

import collections
import csv
import datetime
import html.parser
import io
import json
import math
import random
import re
import unittest
import uuid
import zoneinfo

import support
from support import DONE, USAGE

UTC = datetime.timezone.utc
OUTCOMES = {"command_execution": "command", "tool_usage": "tool", "agent_interaction": "agent"}
STATUSES = ("success", "error", "timeout", "cancelled")
NAMES = {"command_execution": "command_name", "tool_usage": "tool_name", "agent_interaction": "agent_name",
         "model_usage": "model"}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Apia",
         "Australia/Lord_Howe")
QUESTIONS = ("summary", "sessions", "tools", "commands", "agents", "models", "projects", "errors", "days", "hours",
             "year")
HOUR = datetime.timedelta(hours=1)


def when(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def wire(time):
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def made_up(dice, count, begin, end, names):
    """Records between two times, of every kind that a report counts, in sessions with rests."""
    at, session, project = begin, None, None
    seconds = (end - begin).total_seconds()
    for number in range(count):
        if session is None or dice.random() < 0.03:
            session = str(uuid.UUID(int=dice.getrandbits(128), version=4))
            project = dice.choice(("shop", "api", "a | b", None))
            at = begin + datetime.timedelta(seconds=dice.random() * seconds)
        at += datetime.timedelta(milliseconds=dice.choice((500, 40_000, 200_000, 500_000)))
        if at >= end:
            at = begin + (at - end) % (end - begin)
        kind = dice.choice(("tool_usage",) * 5 + ("command_execution", "agent_interaction", "model_usage",
                                                  "model_usage", "user_session", "productivity_metric"))
        record = {"kind": kind, "id": str(uuid.UUID(int=dice.getrandbits(128), version=4)), "timestamp": wire(at),
                  "source": dice.choice(("hook", "import", "mcp"))}
        if dice.random() < 0.95:
            record["session_id"] = session
        if project:
            record["project"] = project
        if kind in OUTCOMES:
            record[NAMES[kind]] = dice.choice(names[kind])
            record["status"] = dice.choices(STATUSES, (88, 8, 2, 2))[0]
            if dice.random() < 0.9:
                record["execution_time_ms"] = round(dice.lognormvariate(5, 2), 3)
        if kind == "agent_interaction":
            record.update(interaction_type="delegation", input_tokens=dice.randint(0, 9000),
                          output_tokens=dice.randint(0, 3000))
        if kind == "model_usage":
            record.update(model=dice.choice(names[kind]), input_tokens=dice.randint(0, 50),
                          output_tokens=dice.randint(0, 4000), cache_read_tokens=dice.randint(0, 150_000),
                          cache_creation_tokens=dice.randint(0, 5000))
            if dice.random() < 0.7:
                record["cost_usd"] = round(dice.random(), 6)
        if kind == "user_session":
            record["change"] = "update"
        if kind == "productivity_metric":
            record.update(metric_type="code_quality", value=dice.random())
        yield record


class Recount:
    """Figures of some records, by the rules that reports print."""

    def __init__(self, records):
        self.records = records
        self.outcomes = [one for one in records if one["kind"] in OUTCOMES]
        self.requests = [one for one in records if one["kind"] == "model_usage"]
        self.times = [one["execution_time_ms"] for one in self.outcomes if "execution_time_ms" in one]
        self.errors = sum(one["status"] != "success" for one in self.outcomes)

    def of_kind(self, kind):
        return sum(one["kind"] == kind for one in self.records)

    def tokens(self, sort):
        return sum(one.get(sort + "_tokens", 0) for one in self.requests)

    def cost(self):
        known = [one["cost_usd"] for one in self.requests if "cost_usd" in one]
        return math.fsum(known) if known else None

    def sessions(self):
        return {one["session_id"] for one in self.records if "session_id" in one}

    def stretches(self):
        """Minutes of each stretch of work of each session."""
        minutes = collections.defaultdict(set)
        for one in self.records:
            if "session_id" in one:
                minutes[one["session_id"]].add(int(when(one["timestamp"]).timestamp() // 60))
        for touched in minutes.values():
            begin = end = None
            for minute in sorted(touched):
                if begin is not None and minute - end > 5:
                    yield end - begin
                    begin = None
                begin = minute if begin is None else begin
                end = minute + 1
            yield end - begin

    def active_ms(self):
        return sum(self.stretches()) * 60_000

    def mean(self):
        return math.fsum(self.times) / len(self.times) if self.times else None

    def percentile(self, percent):
        if not self.times:
            return None
        return sorted(self.times)[max(1, math.ceil(len(self.times) * percent / 100)) - 1]

    def rate(self, part, whole):
        return part / whole if whole else None


def trend(now, before):
    if len(now.times) < 5 or len(before.times) < 5:
        return None
    a, b = now.mean(), before.mean()
    return "improving" if a < b * 0.9 else "degrading" if a > b * 1.1 else "stable"


class Period:
    def __init__(self, told):
        self.since, self.until = when(told["since"]), when(told["until"])
        self.zone = zoneinfo.ZoneInfo(told["timezone"])

    def holds(self, record):
        return self.since <= when(record["timestamp"]) < self.until

    def day(self, time):
        return time.astimezone(self.zone).date()

    def days(self):
        """Days of the calendar that the period touches, without those that it skips."""
        out, at = [], self.since
        while at < self.until:
            if not out or out[-1] != self.day(at):
                out.append(self.day(at))
            at += datetime.timedelta(minutes=30)
        last = self.day(self.until - datetime.timedelta(milliseconds=1))
        return out if out[-1] == last else out + [last]

    def series(self, records):
        days = self.days()
        parts = min(len(days), 30)
        counts = collections.Counter(self.day(when(one["timestamp"])) for one in records)
        out = [0] * parts
        for i, day in enumerate(days):
            out[i * parts // len(days)] += counts[day]
        return out


def exact_hour(records):
    """Begin of the hour, of UTC, of the first and the last one that failed."""
    bad = sorted(when(one["timestamp"]) for one in records if one.get("status", "success") != "success")
    return tuple(wire(bad[i].replace(minute=0, second=0, microsecond=0)) if bad else None for i in (0, -1))


class Report(support.Case):
    def filled(self, count=3000, days=120, seed=1):
        dice = random.Random(seed)
        end = datetime.datetime.now(UTC).replace(microsecond=0)
        names = {"tool_usage": ("Bash", "Read", "Edit", "mcp__a__b", "=1+1", "<b>|`x`", "日本"),
                 "command_execution": ("/plan-product", "/commit"), "agent_interaction": ("planner", "reviewer"),
                 "model_usage": ("opus", "sonnet", "unknown")}
        # The last fortnight is busier, so that periods can be compared.
        fortnight = end - datetime.timedelta(days=14)
        records = [*made_up(dice, count // 2, end - datetime.timedelta(days=days), fortnight, names),
                   *made_up(dice, count // 2, fortnight, end, names)]
        text = "".join(json.dumps(one) + "\n" for one in records)
        self.cli("record", "--json", "-", input=text, code=DONE)
        self.records = [json.loads(line) for line in self.cli("export", code=DONE).out.splitlines()]
        self.assertEqual(len(self.records), len(records))

    def near(self, told, expected, where, error=0.0):
        if expected is None or told is None or isinstance(expected, (str, list)):
            self.assertEqual(told, expected, where)
        else:
            self.assertLessEqual(abs(told - expected), 1e-9 + abs(expected) * max(error, 1e-12), (told, expected, where))

    def check(self, told, now, before, all_, period, where):
        """Every number of one row or of totals that is a figure of its records."""
        numbers = {
            "records": len(now.records), "sessions": len(now.sessions()), "commands": now.of_kind("command_execution"),
            "tools": now.of_kind("tool_usage"), "agents": now.of_kind("agent_interaction"),
            "requests": len(now.requests), "calls": len(now.outcomes), "errors": now.errors,
            "success_rate": now.rate(len(now.outcomes) - now.errors, len(now.outcomes)),
            "error_rate": now.rate(now.errors, len(now.outcomes)), "share": now.rate(now.errors, all_.errors),
            "active_ms": now.active_ms(), "cost_usd": now.cost(),
            "unpriced": sum("cost_usd" not in one for one in now.requests),
            "cache_hit_rate": now.rate(now.tokens("cache_read"), now.tokens("input") + now.tokens("cache_read") +
                                       now.tokens("cache_creation")),
            "trend": trend(now, before), "by_day": period.series(now.records),
            "change": len(now.outcomes) / len(before.outcomes) - 1 if len(before.outcomes) >= 5 else None,
        }
        for status, name in zip(STATUSES[1:], ("failed", "timeouts", "cancelled")):
            numbers[name] = sum(one["status"] == status for one in now.outcomes)
        for name, expected in numbers.items():
            if name in told:
                self.near(told[name], expected, (where, name))
        for percent in (50, 90, 95, 99):
            if f"p{percent}_ms" in told:
                self.near(told[f"p{percent}_ms"], now.percentile(percent), (where, percent),
                          0 if len(now.times) <= 32 else 1 / 256)
        for name, expected in (("mean_ms", now.mean()), ("max_ms", max(now.times, default=None)),
                               ("total_ms", math.fsum(now.times) if now.times else None)):
            if name in told:
                self.near(told[name], expected, (where, name), 1e-9)
        times = sorted(one["timestamp"] for one in now.records)
        if where[0] == "errors":
            if "project" in told:
                bad = collections.Counter(one.get("project", "") for one in now.outcomes if one["status"] != "success")
                most = min((name for name in bad if bad[name] == max(bad.values())), default="")
                self.assertEqual(told["project"], None if where[1] in ("totals", "before") else most or None, where)
            if "first" in told:
                self.assertEqual((told["first"], told["last"]), exact_hour(now.records), where)
        else:
            for name, expected in (("start", times[0] if times else None), ("last", times[-1] if times else None)):
                if name in told:
                    self.assertEqual(told[name], expected, (where, name))
        if "tokens" in told:
            if where[0] == "agents":
                expected = {sort: sum(one.get(sort + "_tokens", 0) for one in now.outcomes) for sort in ("input", "output")}
            else:
                expected = {sort: now.tokens(sort) for sort in ("input", "output", "cache_read", "cache_creation")}
                expected["total"] = sum(expected.values())
            self.assertEqual(told["tokens"], {sort: expected[sort] for sort in told["tokens"]}, where)

    def groups(self, question, told, period):
        """Names of the columns that say which group a row is, and the group of a record; None: in no group."""
        local = lambda one: when(one["timestamp"]).astimezone(period.zone)
        by = {"sessions": lambda one: one.get("session_id"), "projects": lambda one: one.get("project", ""),
              "models": lambda one: one["model"], "hours": lambda one: f"{local(one).hour:02d}:00",
              "year": lambda one: local(one).strftime("%Y-%m"), "days": lambda one: str(local(one).date()),
              "weeks": lambda one: str(local(one).date() - datetime.timedelta(days=local(one).weekday())),
              "months": lambda one: local(one).strftime("%Y-%m"),
              "errors": lambda one: OUTCOMES[one["kind"]] + "/" + one[NAMES[one["kind"]]]}
        kinds = {"tools": "tool_usage", "commands": "command_execution", "agents": "agent_interaction"}
        column = {"sessions": "session", "projects": "project", "models": "model", "hours": "hour", "year": "month",
                  "days": "day", "weeks": "week", "months": "month", "tools": "tool", "commands": "command",
                  "agents": "agent"}
        if question == "errors":
            return lambda row: row["kind"] + "/" + row["name"], by["errors"]
        return (lambda row: row[column[question]] or "",
                by.get(question) or (lambda one: one[NAMES[kinds[question]]]))

    def recount(self, question, *options, TZ):
        told = self.json("report", {"weeks": "days", "months": "days"}.get(question, question), *options, TZ=TZ)
        self.assertEqual(told["period"]["timezone"], TZ)
        period, before = Period(told["period"]), Period(told.get("before", told["period"]))
        kinds = {"tools": ("tool_usage",), "commands": ("command_execution",), "agents": ("agent_interaction",),
                 "models": ("model_usage",), "errors": tuple(OUTCOMES)}.get(question)
        chosen = [one for one in self.records
                  if (not kinds or one["kind"] in kinds) and
                  told["filter"]["project"] in (None, one.get("project")) and
                  told["filter"]["source"] in (None, one["source"])]
        now = [one for one in chosen if period.holds(one)]
        then = [one for one in chosen if before.holds(one)]
        self.assertTrue(now, (question, TZ))
        all_, all_then = Recount(now), Recount(then)
        self.check(told["totals"], all_, all_then, all_, period, (question, "totals"))
        compared = question not in ("days", "weeks", "months", "hours", "year")
        self.assertEqual("totals_before" in told, compared)
        if compared:
            self.check(told["totals_before"], all_then, Recount([]), all_then, before, (question, "before"))
        if question != "summary":
            row_of, group_of = self.groups(question, told, period)
            grouped, grouped_then = collections.defaultdict(list), collections.defaultdict(list)
            for into, records in ((grouped, now), (grouped_then, then)):
                for one in records:
                    if (group := group_of(one)) is not None:
                        into[group].append(one)
            rows = {row_of(row): row for row in told["rows"]}
            self.assertEqual(len(rows), len(told["rows"]), question)
            wanted = {group for group, records in grouped.items() if question != "errors" or Recount(records).errors}
            self.assertLessEqual(wanted, set(rows), question)
            for group, row in rows.items():
                self.check(row, Recount(grouped[group]), Recount(grouped_then[group] if compared else []), all_,
                           period, (question, group))
        return told, period, now, then


class Recounted(Report):
    def test_every_number_of_every_report_in_every_zone(self):
        self.filled()
        for zone in ZONES:
            for question in QUESTIONS:
                with self.subTest(question=question, zone=zone):
                    self.recount(question, TZ=zone)
            with self.subTest(zone=zone):
                self.recount("weeks", "--by", "week", TZ=zone)
                self.recount("months", "--by", "month", TZ=zone)
                self.recount("tools", "--since", "90d", TZ=zone)
                self.recount("projects", "--since", "90d", "--project", "a | b", TZ=zone)
                self.recount("errors", "--since", "40d", "--source", "import", TZ=zone)

    def test_the_days_of_a_period_are_those_of_the_clock_on_the_wall(self):
        self.filled(count=1000)
        for zone in ZONES:
            here = zoneinfo.ZoneInfo(zone)
            today = datetime.datetime.now(here).date()
            since, until = today - datetime.timedelta(days=9), today - datetime.timedelta(days=2)
            told, period, now, _ = self.recount("days", "--since", since, "--until", until, TZ=zone)
            self.assertEqual([row["day"] for row in told["rows"]],
                             [str(since + datetime.timedelta(days=n)) for n in range(8)])
            self.assertEqual(period.since.astimezone(here).replace(tzinfo=None),
                             datetime.datetime.combine(since, datetime.time()))
            exported = self.cli("export", "--since", since, "--until", until, code=DONE, TZ=zone).out.splitlines()
            self.assertEqual(sorted(json.loads(line)["id"] for line in exported), sorted(one["id"] for one in now))

    def test_streaks_and_the_year(self):
        self.filled(count=400)
        told, period, now, _ = self.recount("year", TZ="Asia/Kathmandu")
        counts = collections.Counter(period.day(when(one["timestamp"])) for one in now)
        self.assertEqual([(row["day"], row["records"]) for row in told["days"]],
                         [(str(day), counts[day]) for day in period.days()])
        longest = run = 0
        for day in period.days():
            if day in counts or day != period.days()[-1]:
                run = run + 1 if day in counts else 0
            longest = max(longest, run)
        most = max(counts.values())
        self.assertEqual(told["streaks"], {
            "active_days": len(counts), "longest_streak": longest, "current_streak": run,
            "busiest_day": str(min(day for day, count in counts.items() if count == most)), "busiest_records": most})

    def test_the_score_by_its_formula(self):
        self.filled()
        told, _, now, then = self.recount("summary", "--explain", "--since", "14d", TZ="UTC")
        all_ = Recount(now)
        known = {"success": 1 - all_.errors / len(all_.outcomes)}
        stretches = list(all_.stretches())
        known["focus"] = sum(one for one in stretches if one >= 25) / sum(stretches)
        taken = before = 0
        by_name = lambda records, name: Recount([one for one in records if (one["kind"], one.get(NAMES.get(one["kind"])))
                                                 == name])
        for name in {(one["kind"], one[NAMES[one["kind"]]]) for one in all_.outcomes}:
            is_, was = by_name(now, name), by_name(then, name)
            if len(is_.times) >= 5 and len(was.times) >= 5:
                taken += sum(is_.times)
                before += len(is_.times) * was.mean()
        if taken:
            known["speed"] = min(1, before / taken)
        weights = {"success": 40, "focus": 30, "speed": 30}
        score = 100 * sum(weights[name] * value for name, value in known.items()) / sum(weights[name] for name in known)
        self.assertEqual(told["totals"]["score"], math.floor(score + 0.5))
        for row in told["score"]:
            self.near(row["value"], known.get(row["input"]), row["input"], 1e-9)
            self.assertEqual(row["weight"], weights[row["input"]])

    def test_top_rows_and_outliers_of_the_summary(self):
        self.filled()
        summary = self.json("report", "summary", "--since", "14d", "--until", "1d")
        period = ["--since", summary["period"]["since"], "--until", summary["period"]["until"]]
        for question in ("tools", "commands"):
            whole = self.json("report", question, *period)["rows"]
            for row, full in zip(summary[question], whole):
                self.assertEqual(row, {name: full[name] for name in row})
            self.assertEqual(len(summary[question]), min(5, len(whole)))
        errors = self.json("report", "errors", *period)
        for row, full in zip(summary["failures"], errors["rows"]):
            self.assertEqual(row, {name: full[name] for name in row})
        self.assertEqual(summary["outliers"], errors["outliers"])


def number_of(text):
    """A number as people read it, and how far off it may be."""
    text = text.strip().replace(",", "")
    if match := re.fullmatch(r"(\d+) h (\d\d) min", text):
        return (int(match[1]) * 60 + int(match[2])) * 60_000, 60_000
    match = re.fullmatch(r"([+-]?)(\$?)(\d+(?:\.(\d+))?)( ?(?:%|ms|s|min|k|M|G|T))?", text)
    if not match:
        raise AssertionError(f"not a number: {text!r}")
    scale = {None: 1, "%": 0.01, "ms": 1, "s": 1000, "min": 60_000, "k": 1e3, "M": 1e6, "G": 1e9,
             "T": 1e12}[match[5] and match[5].strip()]
    value = float(match[3]) * scale * (-1 if match[1] == "-" else 1)
    step = scale * 10 ** -len(match[4] or "")
    exact = match[5] is None and not match[2]
    return value, 0 if exact else step if match[5] and match[5].strip() == "min" else step * 0.5000001


class Tables(html.parser.HTMLParser):
    """Tables and cards of a page."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.cards, self._cell, self._svg = [], [], None, 0
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "svg":
            self._svg += 1
            if self._cell is not None:
                self._cell.append(dict(attributes)["aria-label"])
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th", "dt", "dd"):
            self._cell = []

    def handle_endtag(self, tag):
        if tag == "svg":
            self._svg -= 1
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("".join(self._cell))
            self._cell = None
        elif tag == "dt":
            self.cards.append(["".join(self._cell)])
            self._cell = None
        elif tag == "dd":
            self.cards[-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None and not self._svg:
            self._cell.append(data)


class Forms(Report):
    """Each form is read back and held against the JSON of the same question."""

    def flat(self, object_):
        out = {}
        for name, value in object_.items():
            if isinstance(value, dict):
                out.update({f"{name}.{inner}": one for inner, one in value.items()})
            else:
                out[name] = value
        return out

    def same(self, shown, value, where):
        """What people are shown says the value."""
        if value is None:
            self.assertIn(shown, ("–", ""), where)
        elif isinstance(value, str) and (match := re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):.*Z", value)):
            self.assertEqual(shown, f"{match[1]} {match[2]}", where)
        elif isinstance(value, str):
            self.assertEqual(shown, value, where)
        elif isinstance(value, list):
            if shown != " ".join(map(str, value)):
                self.assertEqual([c == "▁" for c in shown], [one == 0 for one in value], where)
        else:
            number, off = number_of(shown)
            self.assertLessEqual(abs(number - value), off + 1e-9 * abs(value), (shown, value, where))

    def setUp(self):
        super().setUp()
        self.filled(count=1200)
        now = datetime.datetime.now(UTC)
        self.until = wire(now)
        self.since = wire(now - datetime.timedelta(days=20))

    def ask(self, question, form):
        return self.cli("report", question, "--since", self.since, "--until", self.until, "--limit", 0, "--format", form,
                        code=DONE, TZ="UTC", COLUMNS=200).out

    def rows(self, question):
        told = json.loads(self.ask(question, "json"))
        return [self.flat(row) for row in told.get("rows", [])], told

    def test_csv_is_rfc_4180_and_holds_every_number(self):
        for question in QUESTIONS:
            text = self.ask(question, "csv")
            self.assertTrue(text.endswith("\r\n"))
            self.assertNotIn("\n", text.replace("\r\n", ""))
            lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
            self.assertEqual({len(line) for line in lines}, {len(lines[0])})
            rows, told = self.rows(question)
            if question == "summary":
                totals, before = self.flat(told["totals"]), self.flat(told["totals_before"])
                self.assertEqual({line[0] for line in lines[1:]}, set(totals))
                pairs = [(line[column], values[line[0]]) for line in lines[1:] for column, values in ((1, totals),
                                                                                                     (2, before))]
            else:
                self.assertEqual(set(lines[0]), set(rows[0]))
                self.assertEqual(len(lines) - 1, len(rows))
                pairs = [(cell, row[name]) for line, row in zip(lines[1:], rows) for name, cell in zip(lines[0], line)]
            for cell, value in pairs:
                if isinstance(value, list):
                    self.assertEqual(cell, " ".join(map(str, value)))
                elif value is None:
                    self.assertEqual(cell, "")
                elif isinstance(value, str):
                    self.assertEqual(cell, "'" + value if value[:1] in "=+-@" else value)
                else:
                    self.assertEqual(float(cell), value)

    def test_a_page_holds_every_number(self):
        for question in QUESTIONS:
            page = Tables(self.ask(question, "html"))
            rows, told = self.rows(question)
            if question == "summary":
                for (title, now, *before), name in zip(page.cards, self.in_order(question)):
                    self.same(now, self.flat(told["totals"])[name], (title, now))
                    if before:
                        self.same(re.match(r"before (.*?)(, [+-]?\d+ %)?$", before[0])[1],
                                  self.flat(told["totals_before"])[name], title)
                continue
            body = [row for row in page.tables[0][1:] if row[0] != "total"]
            self.assertEqual(len(body), len(rows))
            for line, row in zip(body, rows):
                for cell, name in zip(line, self.in_order(question)):
                    self.same(cell, row[name], (question, name))

    def test_markdown_holds_every_number(self):
        for question in QUESTIONS:
            text = self.ask(question, "markdown")
            table = []
            for line in text.splitlines():
                if line.startswith("|"):
                    table.append(line)
                elif table:
                    break
            lines = [[self.plain(cell) for cell in re.findall(r" ((?:\\\||[^|])*?) ?(?=\|)", line)] for line in table]
            rows, told = self.rows(question)
            if question == "summary":
                for (title, now, before, _), name in zip(lines[2:], self.in_order(question)):
                    self.same(now, self.flat(told["totals"])[name], title)
                    self.same(before, self.flat(told["totals_before"])[name], title)
                continue
            body = [line for line in lines[2:] if line[0] != "total"]
            self.assertEqual(len(body), len(rows), text)
            for line, row in zip(body, rows):
                for cell, name in zip(line, self.in_order(question)):
                    self.same(cell, row[name], (question, name))

    def test_the_terminal_shows_the_same_numbers(self):
        for question in QUESTIONS:
            text = self.ask(question, "table").splitlines()
            rows, told = self.rows(question)
            header = text[3]
            titles = [(match.start(), match.end(), match[0]) for match in re.finditer(r"\S+(?: \S+)*", header)]
            if question == "summary":
                for line, name in zip(text[4:], self.in_order(question)):
                    cells = re.split(r" {2,}", line)
                    self.same(cells[1], self.flat(told["totals"])[name], line)
                    self.same(cells[2], self.flat(told["totals_before"])[name], line)
                continue
            names = dict(zip([title.upper() for title in self.titles(question)], self.in_order(question)))
            for line, row in zip(text[4:], rows):
                for begin, end, title in titles:
                    name = names[title]
                    if isinstance(row[name], list) or (isinstance(row[name], str) and not row[name].endswith("Z")):
                        continue  # words stand to the left, and may be shortened; they are compared in the other forms
                    if all(ord(c) < 0x2E80 for c in line):  # wide ones move what follows
                        left = line.rfind("  ", 0, begin + 1)
                        self.same(line[max(left, 0):end].strip(), row[name], (question, name, line))

    def in_order(self, question):
        if question == "summary":
            return [line.split(",")[0] for line in self.ask(question, "csv").splitlines()[1:]]
        return self.ask(question, "csv").splitlines()[0].split(",")

    def titles(self, question):
        return [self.plain(cell) for cell in re.findall(r" ([^|]*?) ?(?=\|)", next(
            line for line in self.ask(question, "markdown").splitlines() if line.startswith("|")))]

    @staticmethod
    def plain(cell):
        """What a cell of Markdown shows."""
        cell = re.sub(r"^\*\*(.*)\*\*$", r"\1", cell.strip())
        if match := re.fullmatch(r"(`+) ?(.*?) ?\1", cell):
            cell = match[2]
        return cell.replace("\\|", "|")


class CommandLine(Report):
    def test_wrong_command_lines(self):
        for args in (["tools", "--by", "week"], ["days", "--by", "year"], ["--format", "xml"], ["--source", "x"],
                     ["--limit", "-1"], ["--since", "2026-01-03", "--until", "2026-01-02"], ["--until", "soon"]):
            done = self.cli("report", *args)
            self.assertEqual((done.code, done.out), (USAGE, ""), args)

    def test_colour_and_unicode_only_where_they_can_be_shown(self):
        self.filled(count=300)
        for question in QUESTIONS:
            self.assertNotIn("\x1b", self.cli("report", question, code=DONE).out)
            self.cli("report", question, code=DONE, LANG="C").out.encode("ascii")

    def test_what_a_record_says_does_not_reach_the_terminal(self):
        self.cli("record", "tool_usage", "tool_name=x\u202e\u009b31m", "execution_time_ms=1", "status=success", code=DONE)
        self.assertIn("x��31m", self.cli("report", "tools", code=DONE).out)

    def test_every_question_about_nothing(self):
        for question in QUESTIONS:
            for form in ("table", "json", "csv", "markdown", "html"):
                self.cli("report", question, "--format", form, code=DONE)


if __name__ == "__main__":
    support.main()
