#!/usr/bin/python3
"""What leaves this machine in files: every record for its owner, and the queue for a service that is never reached."""

import csv
import io
import json
import os
import unittest

import cli_test
import support
from support import CONFIGURATION, CREDENTIALS, DONE, FAILED, PARTLY, USAGE
from sync_test import WithService


class Export(support.Case):
    def everything(self):
        for kind, fields in cli_test.EXAMPLES.items():
            self.cli("record", kind, *fields, code=DONE, CLAUDE_CODE_SESSION_ID="s 1")
        odd = [support.tool_usage(1, tool_name='a "b", c', context={"deep": [1, {"x": None}], "ü": "é"},
                                  timestamp="2026-01-02T03:04:05.678Z"),
               support.tool_usage(2, tool_name="工具", execution_time_ms=0.1 + 0.2)]
        self.cli("record", "--json", "-", input="".join(json.dumps(one) + "\n" for one in odd), code=DONE)

    def test_jsonl_is_lossless(self):
        self.everything()
        lines = self.cli("export", code=DONE).out
        self.assertEqual(len(lines.splitlines()), 8)
        again = support.Case()
        again.setUp()
        self.addCleanup(again.doCleanups)
        again.cli("record", "--json", "-", input=lines, code=DONE)
        self.assertEqual(again.cli("export", code=DONE).out, lines)
        self.assertEqual(again.local_ledger(), self.local_ledger())
        # And here it is known already.
        self.cli("record", "--json", "-", input=lines, code=DONE)
        self.assertEqual(self.cli("export", code=DONE).out, lines)

    def test_json_and_csv_hold_the_same(self):
        self.everything()
        lines = [json.loads(line) for line in self.cli("export", "--format", "jsonl", code=DONE).out.splitlines()]
        self.assertEqual(json.loads(self.cli("export", "--format", "json", code=DONE).out)["records"], lines)
        rows = list(csv.DictReader(io.StringIO(self.cli("export", "--format", "csv", code=DONE).out, newline="")))
        self.assertEqual(len(rows), len(lines))
        for row, record in zip(rows, lines):
            self.assertLessEqual(set(record), set(row))
            for name, value in row.items():
                expected = record.get(name, "")
                self.assertEqual(value if isinstance(expected, str) else json.loads(value), expected)

    def test_a_part_of_it(self):
        self.everything()
        part = self.cli("export", "--since", "2026-01-02", "--until", "2026-01-03", code=DONE).out.splitlines()
        self.assertEqual([json.loads(line)["timestamp"] for line in part], ["2026-01-02T03:04:05.678Z"])
        for args in (["--since", "soon"], ["--since", "2026-01-02", "--until", "2026-01-01"], ["--format", "xml"],
                     ["--batch", "x", "--since", "7d"]):
            self.assertEqual(self.cli("export", *args).code, USAGE, args)

    def test_a_full_disk_is_told(self):
        self.record(2000)
        with open("/dev/full", "w") as full:
            process = self.start("export", env=self.env(), stdout=full, stderr=full)
            self.assertEqual(process.wait(support.DEADLINE), FAILED)


@unittest.skipUnless(support.Service.built(), f"{support.SERVER_BIN} is not built")
class ByHand(WithService):
    """The service runs elsewhere: the machine has its address and a key, and is never online."""

    def setUp(self):
        super().setUp()
        self.service.stop()
        self.batch = os.path.join(self.top, "laptop.fmb")
        self.receipts = os.path.join(self.top, "laptop.fmr")

    def export(self, code=DONE, **more):
        return self.json("export", "--batch", self.batch, code=code, **{**self.to, **more})

    def bring(self, code=DONE, file=None):
        done = self.cli("import-batch", file or self.batch, "--receipts", self.receipts, *self.service.store,
                        "--json", program=support.SERVER_BIN, env=self.service.env, code=code)
        return json.loads(done.out) if done.out else done

    def settle(self, code=DONE, **more):
        return self.json("queue", "settle", self.receipts, code=code, **{**self.to, **more})

    def test_the_whole_way_and_back(self):
        ids = self.record(2500, **self.to)
        told = self.export()
        self.assertEqual((told["files"], told["records"], told["batches"]), ([self.batch], 2500, 3))
        self.assertEqual(os.stat(self.batch).st_mode & 0o777, 0o600)
        with open(self.batch, "rb") as file:
            content = file.read()
        self.assertNotIn(self.service.key.encode(), content)
        header = json.loads(content.split(b"\n", 1)[0])
        self.assertEqual((header["organization_id"], header["encoding"]), ("acme", "gzip"))
        self.assertEqual(self.pending(), 2500)  # nothing leaves the queue by being written down
        later = self.record(3, **self.to)

        told = self.bring()
        self.assertEqual((told["accepted"], told["duplicates"], told["rejected"]), (2500, 0, 0))
        told = self.bring()  # importing twice changes nothing
        self.assertEqual((told["accepted"], told["duplicates"], told["rejected"]), (0, 2500, 0))

        self.assertEqual(self.settle(), {"delivered": 2500, "set_aside": 0, "remaining": 3})
        self.assertEqual(self.settle(), {"delivered": 0, "set_aside": 0, "remaining": 3})
        self.service.serve()
        self.sync()
        self.assertAgrees()
        self.assertIs(self.json("verify", code=DONE, **self.to)["ok"], True)
        self.assertOnce(ids + later, self.stored_ids())

    def test_import_works_while_the_service_runs_and_knows_what_came_online(self):
        self.record(30, **self.to)
        self.export()
        self.service.serve()
        self.sync()
        told = self.bring()
        self.assertEqual((told["accepted"], told["duplicates"]), (0, 30))
        self.assertEqual(self.settle()["remaining"], 0)
        self.assertAgrees()

    def test_what_the_service_refuses_is_set_aside_with_its_words(self):
        ids = self.record(3, **self.to)
        self.export()
        self.bring()
        # The same ids with other content, from a machine that lost its store.
        other = support.Case()
        other.setUp()
        self.addCleanup(other.doCleanups)
        line = json.dumps({**support.tool_usage(5), "tool_name": "Other", "id": ids[0]})
        other.cli("record", "--json", "-", input=line, code=DONE, **self.to)
        other.cli("export", "--batch", self.batch, code=DONE, **self.to)
        self.assertEqual(self.bring(code=PARTLY)["rejected"], 1)
        told = other.json("queue", "settle", self.receipts, code=PARTLY, **self.to)
        self.assertEqual(told, {"delivered": 0, "set_aside": 1, "remaining": 0})
        self.assertIn("id_conflict", other.cli("queue", "list", "--failed", code=DONE, **self.to).out)
        # Receipts of another machine say nothing about this one's records.
        self.assertIn("another machine", self.cli("queue", "settle", self.receipts, code=FAILED, **self.to).err)
        self.assertEqual(self.pending(), 3)

    def test_nothing_waits(self):
        told = self.export()
        self.assertEqual((told["files"], told["records"]), ([], 0))
        self.assertFalse(os.path.exists(self.batch))

    def test_remote_mode_forgets_what_the_receipts_name(self):
        remote = {"FORTIUM_MODE": "remote"}
        self.record(4, **{**self.to, **remote})
        self.export(**remote)
        self.bring()
        self.assertEqual(self.settle(**remote)["delivered"], 4)
        self.assertEqual(self.stored_ids(), [])

    def refused(self, content, *words):
        path = os.path.join(self.top, "changed.fmb")
        with open(path, "wb") as file:
            file.write(content)
        before = self.counted()
        done = self.cli("import-batch", path, *self.service.store, program=support.SERVER_BIN,
                        env=self.service.env)
        self.assertIn(done.code, (FAILED, CREDENTIALS), done)
        self.assertEqual(done.out, "")
        for word in ("nothing was taken", *words):
            self.assertIn(word, done.err)
        self.assertEqual(self.counted(), before)

    def counted(self):
        return self.service.tell("tenant", "show", "acme")["records"]["total"]

    def test_files_that_were_tampered_with_or_cut_are_refused_whole(self):
        self.record(50, **self.to)
        self.export()
        with open(self.batch, "rb") as file:
            content = file.read()
        for at in (*range(0, 300, 37), *range(300, len(content), max(1, len(content) // 40))):
            with self.subTest(changed=at):
                self.refused(content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
        for size in (0, 1, 100, len(content) // 2, len(content) - 70, len(content) - 1):
            with self.subTest(cut=size):
                self.refused(content[:size])
        self.refused(content + b"x", "not whole")
        self.refused(b"hello\n")
        self.assertEqual(self.bring()["accepted"], 50)

    def test_a_file_of_another_organization_or_key_is_refused(self):
        key = self.service.add_organization("umbrella", scopes="ingest")
        self.record(2, **self.to)
        # The organization is one, the key of another.
        self.record(2, **{**self.to, "FORTIUM_API_KEY": key})
        self.export(FORTIUM_API_KEY=key)
        with open(self.batch, "rb") as file:
            self.refused(file.read(), "another organization")
        stranger = support.Service(self, organization="strangers")
        self.export(FORTIUM_API_KEY=stranger.key)
        with open(self.batch, "rb") as file:
            self.refused(file.read(), "not signed by a key of this service")
        revoked = self.service.tell("key", "create", "--tenant", "acme", "--scope", "ingest")
        self.export(FORTIUM_API_KEY=revoked["key"])
        self.service.tell("key", "revoke", revoked["id"])
        with open(self.batch, "rb") as file:
            self.refused(file.read(), "revoked")
        reader = self.service.tell("key", "create", "--tenant", "acme", "--scope", "read")["key"]
        self.export(FORTIUM_API_KEY=reader)
        with open(self.batch, "rb") as file:
            self.refused(file.read(), "ingest")

    def test_receipts_that_were_tampered_with_empty_nothing(self):
        self.record(5, **self.to)
        self.export()
        self.bring()
        with open(self.receipts, "rb") as file:
            content = file.read()
        for changed in (content.replace(b"accepted", b"rejected", 1), content[:-10], content.replace(b"key_id", b"kay_id"),
                        b"", content.replace(b'"results":[', b'"results": ', 1)):
            with open(self.receipts, "wb") as file:
                file.write(changed)
            self.assertEqual(self.cli("queue", "settle", self.receipts, **self.to).code, FAILED)
            self.assertEqual(self.pending(), 5)
        with open(self.receipts, "wb") as file:
            file.write(content)
        other = self.service.tell("key", "create", "--tenant", "acme", "--scope", "ingest")["key"]
        done = self.cli("queue", "settle", self.receipts, code=FAILED, **{**self.to, "FORTIUM_API_KEY": other})
        self.assertIn("another key", done.err)
        # A batch file is no receipt, and the other way round.
        self.assertEqual(self.cli("queue", "settle", self.batch, **self.to).code, FAILED)
        self.refused(content, "none of fortium-metrics batches")
        self.assertEqual(self.settle()["delivered"], 5)

    def test_what_is_missing_to_sign(self):
        self.record(1, **self.to)
        self.assertEqual(self.cli("export", "--batch", self.batch).code, CONFIGURATION)
        done = self.cli("export", "--batch", self.batch, code=CONFIGURATION,
                        **{**self.to, "FORTIUM_API_KEY": "no_key_of_a_service"})
        self.assertNotIn("no_key_of_a_service", done.err)


if __name__ == "__main__":
    support.main()
