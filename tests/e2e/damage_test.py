#!/usr/bin/python3
"""Whatever happens to the store's files: recording goes on, nothing readable is lost, and the person is told what to do."""

import json
import os
import random
import shutil
import sqlite3

import support
from support import DONE, FAILED, STORE
from sync_test import WithService


class WithFindings(support.Case):
    def doctor(self, *args, code=DONE, **more):
        told = self.json("doctor", *args, code=code, **more)
        return {one["name"]: one for one in told["checks"]}

    def fold_log(self):
        connection = sqlite3.connect(self.database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def overwrite(self, at, data):
        with open(self.database, "r+b") as file:
            file.seek(at)
            file.write(data)


class Doctor(WithFindings):
    def test_a_healthy_machine(self):
        self.doctor()  # nothing recorded: nothing is made
        self.assertFalse(os.path.exists(self.data))
        self.record(3)
        found = self.doctor()
        self.assertEqual({one["status"] for name, one in found.items() if name != "Claude Code"}, {"ok"})
        said = self.cli("doctor", code=DONE)
        for name in ("data directory", "files", "file system", "SQLite", "integrity", "settings", "network module"):
            self.assertIn(name, said.out)
        self.assertRegex(found["SQLite"]["detail"], r"^3\.\d+\.\d+; .*metrics\.db\.lock")

    def test_wiring_into_claude_code_is_looked_at_and_left_alone(self):
        found = self.doctor()["Claude Code"]
        self.assertEqual(found["status"], "warning")
        self.assertIn("fortium-metrics install claude-code", found["hint"])
        path = os.path.join(self.home, ".claude.json")
        for content in ({"mcpServers": {"fortium-metrics": {"command": "x"}}},
                        {"projects": {"/p": {"mcpServers": {"m": {"command": support.BIN}}}}}):
            with open(path, "w") as file:
                json.dump(content, file)
            before = os.stat(path)
            self.assertEqual(self.doctor()["Claude Code"]["status"], "ok")
            self.assertEqual((os.stat(path).st_mtime_ns, os.stat(path).st_size), (before.st_mtime_ns, before.st_size))
        with open(path, "w") as file:
            json.dump({"mcpServers": {"fortium-metrics": {"command": "/nowhere/fortium-metrics"}}}, file)
        found = self.doctor()["Claude Code"]
        self.assertEqual(found["status"], "warning")
        self.assertIn("/nowhere/fortium-metrics, which cannot be run", found["detail"])
        with open(path, "w") as file:
            file.write("not JSON")
        self.assertEqual(self.doctor()["Claude Code"]["status"], "warning")

    def test_modes_and_owners(self):
        self.record()
        os.chmod(self.data, 0o755)
        os.chmod(self.database, 0o644)
        found = self.doctor()
        self.assertIn("0755", found["data directory"]["detail"])
        self.assertIn("metrics.db 0644", found["files"]["detail"])
        self.assertIn("chmod", found["files"]["hint"])

    def test_links_are_not_followed(self):
        self.record()
        elsewhere = os.path.join(self.top, "elsewhere.db")
        os.rename(self.database, elsewhere)
        os.symlink(elsewhere, self.database)
        with open(elsewhere, "rb") as file:
            before = file.read()
        self.record()
        found = self.doctor(code=STORE)
        self.assertIn("link", found["files"]["detail"])
        with open(elsewhere, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_settings_and_key(self):
        found = self.doctor(code=FAILED, FORTIUM_BATCH_SIZE="many")
        self.assertIn("FORTIUM_BATCH_SIZE", found["settings"]["detail"])
        secret = "fm_live_a_secret_that_nobody_sees_9876"
        path = os.path.join(self.home, "key")
        with open(path, "w") as file:
            file.write(secret)
        os.chmod(path, 0o644)
        done = self.cli("doctor", "--json", FORTIUM_API_KEY_FILE=path, FORTIUM_METRICS_URL="http://127.0.0.1:9")
        self.assertNotIn(secret, done.out + done.err)
        self.assertIn("9876", self.cli("doctor", FORTIUM_API_KEY=secret, FORTIUM_METRICS_URL="http://127.0.0.1:9").out)
        found = {one["name"]: one for one in json.loads(done.out)["checks"]}
        self.assertEqual(found["key"]["status"], "warning")
        self.assertIn("0644", found["key"]["detail"])

    def test_a_newer_store_is_a_problem_of_the_store(self):
        self.record()
        connection = sqlite3.connect(self.database)
        connection.execute("PRAGMA user_version = 99")
        connection.close()
        self.record(2)
        found = self.doctor(code=STORE)
        self.assertIn("99", found["store"]["detail"])
        self.assertEqual(found["spool"]["status"], "warning")


class Damage(WithFindings):
    def test_a_destroyed_header(self):
        before = self.record(200)
        self.fold_log()
        self.overwrite(0, b"garbage")
        done = self.cli("record", "tool_usage", "tool_name=Read", "execution_time_ms=1", "status=success", "--json",
                        code=DONE)
        during = [json.loads(done.out)["id"]]
        self.assertIn("was moved to", done.err)
        self.assertEqual(done.err.count("\n"), 1, done.err)
        self.assertEqual(self.cli("status", code=DONE).err, "")  # told once
        self.assertIn("moved to", self.cli("status", code=DONE).out)
        self.assertEqual(self.doctor()["quarantine"]["status"], "warning")
        found = self.doctor("--repair")
        self.assertIn("200 records were brought over", found["quarantine"]["detail"])
        self.assertOnce(before + during, self.stored_ids())
        self.assertEqual(self.local_ledger(), self.counted_ledger())

    def test_damage_that_doctor_finds(self):
        before = self.record(400)
        self.fold_log()
        with open(self.database, "rb") as file:
            content = file.read()
        page = content.index(before[200].encode()) // 2048
        self.overwrite(page * 2048, bytes(64))
        found = self.doctor(code=STORE)
        self.assertEqual(found["integrity"]["status"], "problem")
        self.assertIn("--repair", found["integrity"]["hint"])
        self.doctor("--repair")
        self.assertEqual(self.doctor()["integrity"]["status"], "ok")
        kept = self.stored_ids()
        self.assertGreater(len(kept), 350)
        self.assertLessEqual(set(kept), set(before))

    def test_slices_that_are_not_what_the_records_add_up_to(self):
        self.record(7)
        connection = sqlite3.connect(self.database)
        connection.execute("UPDATE slice SET count = count + 5 WHERE name = (SELECT min(name) FROM slice)")
        connection.commit()
        connection.close()
        self.assertEqual(self.json("report", "summary")["totals"]["tools"], 12)
        found = self.doctor(code=STORE)["slices"]
        self.assertEqual(found["status"], "problem")
        self.assertIn("--repair", found["hint"])
        self.assertEqual(self.doctor("--repair")["slices"]["status"], "warning")
        self.assertEqual(self.doctor()["slices"]["status"], "ok")
        self.assertEqual(self.json("report", "summary")["totals"]["tools"], 7)

    def test_a_session_goes_on_while_its_store_is_destroyed_under_it(self):
        session = self.mcp()
        session.initialize()
        for number in range(50):
            session.record(number)
        with open(self.database, "r+b") as file:
            file.truncate(8192)
            file.seek(0)
            file.write(os.urandom(8192))
        with open(self.database + "-wal", "r+b") as file:
            file.write(os.urandom(64))
        later = [session.record(n) for n in range(50)]
        other = self.mcp()
        other.initialize()
        later += [other.record(n) for n in range(20)] + [session.record(n) for n in range(5)]
        self.assertEqual(session.end()[0], 0)
        self.assertEqual(other.end()[0], 0)
        self.cli("doctor", "--repair")
        # What was in the destroyed file is lost where its pages are; nothing else is.
        self.assertLessEqual(set(later), set(self.stored_ids()))

    def test_a_session_brings_records_over_when_it_is_idle(self):
        before = self.record(3000)
        self.fold_log()
        self.overwrite(0, b"garbage")
        session = self.mcp()
        session.initialize()
        during = [session.record()]
        support.until(lambda: self.status()["store"]["quarantine"][0]["salvaged"], "the records are brought over")
        during.append(session.record())
        self.assertEqual(session.end()[0], 0)
        self.assertOnce(before + during, self.stored_ids())

    def test_a_removed_directory(self):
        session = self.mcp()
        session.initialize()
        session.record()
        shutil.rmtree(self.data)
        support.until(lambda: b"was removed" in session.errors or not session.record(), "it is noticed", deadline=10)
        after = [session.record(n) for n in range(3)]
        self.assertEqual(session.end()[0], 0)
        self.assertLessEqual(set(after), set(self.stored_ids()))

    def test_random_damage(self):
        chance = random.Random(os.environ.get("FORTIUM_TEST_SEED", "11"))
        before = self.record(300)
        self.fold_log()
        with open(self.database, "rb") as file:
            whole = file.read()
        for _ in range(12):
            shutil.rmtree(self.data)
            os.makedirs(self.data, mode=0o700)
            damaged = bytearray(whole)
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(damaged))
                damaged[at:at + chance.choice((1, 16, 2048))] = os.urandom(chance.choice((1, 16, 2048)))
            with open(self.database, "wb") as file:
                file.write(damaged)
            ids = self.record(5)
            self.cli("doctor", "--repair")
            ids += self.record(5)
            if not os.path.exists(os.path.join(self.data, "spool")) or not os.listdir(os.path.join(self.data, "spool")):
                kept = self.stored_ids()
                self.assertOnce(ids, kept)
                self.assertLessEqual(set(kept) - set(ids), set(before))


class Delivery(WithService):
    def test_what_waited_in_a_damaged_store_is_delivered_and_what_was_delivered_is_not_missed(self):
        delivered = self.record(50, **self.to)
        self.sync()
        waiting = self.record(30, **self.to)
        connection = sqlite3.connect(self.database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        with open(self.database, "r+b") as file:
            file.write(b"garbage")
        more = self.record(5, **self.to)
        told = self.json("verify", code=DONE, **self.to)
        self.assertEqual(self.sync()["remaining"], 0)
        self.assertOnce(delivered + waiting + more, self.stored_ids())
        self.assertAgrees()
        told = self.json("verify", code=DONE, **self.to)
        self.assertEqual((told["ok"], told["local"], told["remote"]), (True, 85, 85))


if __name__ == "__main__":
    support.main()
