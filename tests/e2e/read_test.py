#!/usr/bin/python3
"""The two real programs together: the service answers a team with the numbers that `report` tells each of its members."""

import csv
import datetime
import io
import json
import random
import unittest

import report_test
import support
from support import DONE

BEGIN = datetime.datetime(2026, 1, 5, tzinfo=report_test.UTC)
END = datetime.datetime(2026, 1, 20, tzinfo=report_test.UTC)
DAYS = "from=2026-01-05&to=2026-01-19"
QUESTIONS = [name for name in report_test.QUESTIONS if name != "year"]
NAMES = {kind: [f"{kind[:3]}-{n}" for n in range(5)] for kind in report_test.NAMES}


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class SameNumbers(support.Case):
    def setUp(self):
        super().setUp()
        self.service = support.Service(self)
        self.to = {**self.service.settings(), "TZ": "UTC"}

    def get(self, path, **how):
        status, body = self.service.get(path, **how)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def deliver(self, seed, **variables):
        lines = "".join(json.dumps(one) + "\n" for one in
                        report_test.made_up(random.Random(seed), 600, BEGIN, END, NAMES))
        self.cli("record", "--json", "-", input=lines, code=DONE, **{**self.to, **variables})
        self.json("sync", "--timeout", "60s", code=DONE, **{**self.to, **variables})

    def test_every_answer_is_that_of_report(self):
        self.deliver(seed=1)
        for question in QUESTIONS:
            with self.subTest(question):
                local = self.json("report", question, "--since", "2026-01-05", "--until", "2026-01-19", **self.to)
                remote = self.get(f"/api/v1/metrics/{question}?{DAYS}&limit=1000")
                if "rows" in local:
                    self.assertEqual(remote.pop("data"), local.pop("rows"))
                else:
                    self.assertEqual(remote.pop("data"), local["totals"])
                for name in ("totals", "totals_before", "before", "period", "tools", "commands", "failures"):
                    self.assertEqual(remote.get(name), local.get(name), name)

    def test_a_team_is_the_sum_of_its_members(self):
        homes = {name: {"FORTIUM_USER_ID": name, "FORTIUM_DATA_DIR": f"{self.home}/{name}"} for name in ("ann", "bob")}
        for seed, variables in enumerate(homes.values(), 10):
            self.deliver(seed, **variables)
        both = self.get(f"/api/v1/metrics/summary?{DAYS}")["totals"]
        parts = [self.get(f"/api/v1/metrics/summary?{DAYS}&user_id={name}")["totals"] for name in homes]
        local = [self.json("report", "summary", "--since", "2026-01-05", "--until", "2026-01-19",
                           **{**self.to, **variables})["totals"] for variables in homes.values()]
        for name in ("sessions", "commands", "tools", "agents", "errors"):
            self.assertEqual([part[name] for part in parts], [one[name] for one in local], name)
            self.assertEqual(both[name], sum(part[name] for part in parts), name)
        for part, whole in ((parts, both),):
            self.assertEqual(whole["tokens"]["total"], sum(one["tokens"]["total"] for one in part))

    def test_a_spreadsheet_has_the_rows_of_the_answer(self):
        self.deliver(seed=2)
        rows = self.get(f"/api/v1/metrics/tools?{DAYS}")["data"]
        status, body = self.service.get(f"/api/v1/metrics/tools?{DAYS}&format=csv")
        self.assertEqual(status, 200)
        table = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
        self.assertEqual([row["tool"] for row in table], [row["tool"] for row in rows])
        self.assertEqual([int(row["calls"]) for row in table], [row["calls"] for row in rows])

    def test_what_is_exported_from_the_service_is_what_was_recorded(self):
        self.deliver(seed=3)
        local = [json.loads(line) for line in self.cli("export", code=DONE, **self.to).out.splitlines()]
        remote = []
        for kind in support.KINDS:
            _, body = self.service.get(f"/api/v1/metrics/export?kind={kind}&{DAYS}&limit=10000")
            remote += [json.loads(line) for line in body.decode().splitlines()]
        by_id = lambda records: sorted(records, key=lambda one: one["id"])
        self.assertEqual(by_id(remote), by_id(local))

    def test_the_description_is_true(self):
        described = self.get("/api/v1/openapi.json", authorized=False)
        self.assertTrue(described["openapi"].startswith("3.1"))
        for path, methods in described["paths"].items():
            if "get" not in methods or "{" in path:
                continue
            with self.subTest(path):
                status, _ = self.service.get(path, authorized=False)
                self.assertEqual(status in (401,), "security" in methods["get"], status)


if __name__ == "__main__":
    unittest.main()
