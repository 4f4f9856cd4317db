#!/usr/bin/python3
"""`fortium-metrics verify`: anyone can check that what was recorded here is counted there, once."""

import http.client
import json
import os
import sqlite3
import time
import uuid

import support
from support import CONFIGURATION, CREDENTIALS, DONE, PARTLY, UNREACHABLE, USAGE
from sync_test import WithService

DAY = 86_400


def on_day(days_ago, number=0, **more):
    at = time.strftime("%Y-%m-%dT12:00:00.000Z", time.gmtime(time.time() - days_ago * DAY))
    return support.tool_usage(number, timestamp=at, **more)


class WithVerify(WithService):
    def verify(self, *args, code=DONE, **more):
        return self.json("verify", *args, code=code, **{**self.to, **more})

    def record_lines(self, lines, **more):
        text = "".join(json.dumps(one) + "\n" for one in lines)
        done = self.cli("record", "--json", "-", input=text, code=DONE, **{**self.to, **more})
        return [json.loads(line)["id"] for line in done.out.splitlines()]

    def post(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=support.DEADLINE)
        connection.request("POST", "/api/v1/metrics/batch", json.dumps(body),
                           {"Authorization": f"Bearer {self.service.key}", "Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def backup(self):
        """The service's data as it is now."""
        self.service.stop()
        copy = self.service.copied()
        self.service.serve()
        return copy

    def restore(self, copy):
        self.service.stop()
        self.service.store = copy
        self.service.serve()

    def service_store(self):
        """The file of the organization's records, to be changed while the service is stopped."""
        folder = os.path.join(self.service.data, "tenants")
        name = next(one for one in os.listdir(folder) if one.endswith(".db"))
        connection = sqlite3.connect(os.path.join(folder, name))
        self.addCleanup(connection.close)
        return connection


class Equal(WithVerify):
    def test_nothing_recorded_is_nothing_missing(self):
        told = self.verify()
        self.assertEqual((told["ok"], told["days"], told["missing"]), (True, [], 0))

    def test_everything_delivered(self):
        self.record_lines([on_day(n % 40, n) for n in range(400)])
        self.sync()
        told = self.verify()
        self.assertIs(told["ok"], True)
        self.assertEqual(sum(day["local"] for day in told["days"]), 400)
        self.assertEqual(sum(day["remote"] for day in told["days"]), 400)
        self.assertEqual(len(told["days"]), 40)
        self.assertLessEqual({"day", "kind", "local", "remote", "missing"}, set(told["days"][0]))
        said = self.cli("verify", code=DONE, **self.to)
        self.assertEqual(said.out, f"all 400 records that this machine recorded are counted at {self.service.url}\n")

    def test_what_waits_or_was_refused_is_no_error(self):
        self.record(5, **self.to)
        told = self.verify()
        self.assertEqual((told["ok"], told["waiting"], told["missing"], told["remote"]), (True, 5, 0, 0))
        said = self.cli("verify", code=DONE, **self.to)
        self.assertIn("5 wait to be delivered", said.out)
        self.sync()
        ids = self.record(3, **self.to)
        told = self.verify()
        self.assertEqual((told["ok"], told["waiting"], told["remote"], told["local"]), (True, 3, 5, 8))

        # One is refused: another record of the organization has its id.
        with_id = {**support.tool_usage(1), "id": ids[0], "tool_name": "Other", "timestamp": "2026-01-02T03:04:05.678Z"}
        body = {"batch_id": "b", "device_id": "elsewhere", "tool_usages": [{k: v for k, v in with_id.items()
                                                                          if k != "kind"}]}
        self.assertEqual(self.post(body)["results"][0]["status"], "accepted")
        self.sync(PARTLY)
        told = self.verify()
        self.assertEqual((told["ok"], told["set_aside"], told["waiting"], told["remote"]), (True, 1, 0, 7))
        self.assertIn("queue list --failed", self.cli("verify", code=DONE, **self.to).out)

    def test_ids_of_a_senders_own_and_of_either_case(self):
        self.record_lines([support.tool_usage(1, id="my-own-1"), support.tool_usage(2, id="my-own-2"),
                           support.tool_usage(3, id=str(uuid.uuid4()).upper())])
        self.sync()
        told = self.verify()
        self.assertEqual((told["ok"], told["local"], told["remote"]), (True, 3, 3))

    def test_a_key_that_may_only_ingest_is_enough(self):
        key = self.service.tell("key", "create", "--tenant", "acme", "--scope", "ingest")["key"]
        self.record(4, **self.to)
        self.sync()
        self.assertIs(self.verify(FORTIUM_API_KEY=key)["ok"], True)
        status, body = self.service.get("/api/v1/metrics/ledger?from=2026-01-01&to=2026-01-02", key=key)
        self.assertEqual(status, 403, body)

    def test_days_are_chosen_in_utc(self):
        self.record_lines([support.tool_usage(n, timestamp=at) for n, at in enumerate(
            ["2026-01-01T23:59:59.999Z", "2026-01-02T00:00:00.000Z", "2026-01-02T23:59:59.999Z",
             "2026-01-03T01:00:00.000+02:00", "2026-01-03T00:00:00.000Z"])])
        self.sync()
        told = self.verify("--since", "2026-01-02", "--until", "2026-01-02")
        self.assertEqual([(day["day"], day["local"], day["remote"]) for day in told["days"]], [("2026-01-02", 3, 3)])
        self.assertEqual(self.cli("verify", "--since", "soon", **self.to).code, USAGE)
        self.assertEqual(self.cli("verify", "--since", "2026-01-02", "--until", "2026-01-01", **self.to).code, USAGE)


class Missing(WithVerify):
    def test_a_service_restored_from_an_older_backup_gets_the_rest_again(self):
        before = self.record_lines([on_day(n % 30 + 3, n) for n in range(300)])
        self.sync()
        backup = self.backup()
        after = self.record_lines([on_day(n % 4, n) for n in range(80)])
        self.sync()
        self.assertIs(self.verify()["ok"], True)
        self.restore(backup)

        told = self.verify(code=PARTLY)
        self.assertEqual((told["ok"], told["missing"], told["lost"], told["extra"], told["remote"]),
                         (False, 80, 0, 0, 300))
        named = [one for day in told["days"] for one in day.get("missing_ids", [])]
        self.assertEqual(sorted(named), sorted(after))
        said = self.cli("verify", code=PARTLY, **self.to)
        self.assertIn("80 records missing", said.out)
        self.assertIn("--repair", said.out)

        told = self.verify("--repair")
        self.assertEqual((told["ok"], told["missing"], told["repaired"], told["remote"]), (True, 0, 80, 380))
        self.assertAgrees()
        self.assertOnce(before + after, self.stored_ids())

    @support.about_files
    def test_a_single_record_that_went_missing_is_named(self):
        ids = self.record_lines([on_day(1, n) for n in range(20)])
        self.sync()
        self.service.stop()
        store = self.service_store()
        row = store.execute("SELECT day, count, digest FROM ledger").fetchone()
        digest = (int(row[2], 16) - int(support.digest([ids[7]]), 16)) % (1 << 128)
        store.execute("UPDATE ledger SET count = count - 1, digest = ?", (f"{digest:032x}",))
        store.execute("DELETE FROM tool_usage WHERE id = ?", (ids[7],))
        store.commit()
        store.close()
        self.service.serve()
        told = self.verify(code=PARTLY)
        self.assertEqual([day["missing_ids"] for day in told["days"]], [[ids[7]]])
        self.assertIn(ids[7], self.cli("verify", code=PARTLY, **self.to).out)
        self.assertIs(self.verify("--repair")["ok"], True)

    def test_a_record_there_that_was_never_made_here_is_named(self):
        self.record_lines([on_day(1, n) for n in range(5)])
        self.sync()
        device = self.store().execute("SELECT value FROM meta WHERE name = 'device_id'").fetchone()[0]
        strange = str(uuid.uuid4())
        record = {k: v for k, v in on_day(1, 9, id=strange).items() if k != "kind"}
        self.post({"batch_id": "b", "device_id": device, "tool_usages": [record]})
        told = self.verify(code=PARTLY)
        self.assertEqual((told["ok"], told["missing"], told["extra"]), (False, 0, 1))
        self.assertEqual([day["extra_ids"] for day in told["days"]], [[strange]])
        self.assertIn(strange, self.cli("verify", code=PARTLY, **self.to).out)

    @support.about_files
    def test_many_missing_ids_of_one_day_are_paged(self):
        lines = [on_day(1, n) for n in range(25_000)]
        ids = self.record_lines(lines)
        self.sync()
        self.service.stop()
        store = self.service_store()
        gone = set(ids[::5])
        kept = [one for one in ids if one not in gone]
        store.executemany("DELETE FROM tool_usage WHERE id = ?", [(one,) for one in gone])
        store.execute("UPDATE ledger SET count = ?, digest = ?", (len(kept), support.digest(kept)))
        store.commit()
        store.close()
        self.service.serve()
        told = self.verify(code=PARTLY)
        self.assertEqual(told["missing"], len(gone))
        self.assertEqual(set(told["days"][0]["missing_ids"]), gone)
        self.assertIs(self.verify("--repair")["ok"], True)


class RemoteMode(WithVerify):
    def test_delivered_records_are_forgotten_and_still_verified(self):
        remote = {"FORTIUM_MODE": "remote"}
        ids = self.record_lines([on_day(1, n) for n in range(10)], **remote)
        backup = self.backup()
        self.sync(**remote)
        self.assertEqual(self.stored_ids(), [])
        told = self.verify(**remote)
        self.assertEqual((told["ok"], told["local"], told["remote"]), (True, 10, 10))

        # What is gone here cannot be sent again, and is said so.
        more = self.record_lines([on_day(1, n) for n in range(2)], **remote)
        self.restore(backup)
        told = self.verify("--repair", code=PARTLY, **remote)
        self.assertEqual((told["missing"], told["lost"], told["remote"]), (10, 10, 2))
        self.assertEqual(len(set(ids + more)), 12)

    def test_a_record_that_comes_again_after_its_delivery_counts_once(self):
        remote = {"FORTIUM_MODE": "remote"}
        lines = [on_day(1, n, id=str(uuid.uuid4())) for n in range(10)]
        self.record_lines(lines, **remote)
        self.sync(**remote)
        ledger = self.local_ledger()
        self.record_lines(lines, **remote)
        self.assertEqual(self.local_ledger(), ledger)
        self.assertEqual(self.stored_ids(), [])
        self.assertIs(self.verify(**remote)["ok"], True)
        self.record_lines([on_day(1, 1)], **remote)
        self.sync(**remote)
        told = self.verify(**remote)
        self.assertEqual((told["ok"], told["remote"]), (True, 11))


class Destinations(WithVerify):
    def test_only_records_for_this_organization_are_compared(self):
        key = self.service.add_organization("umbrella")
        other = self.service.settings(key=key, organization="umbrella")
        self.record(7)  # for nobody
        self.record(3, **other)
        self.record(2, **self.to)
        self.json("sync", code=PARTLY, **self.to)
        told = self.verify()
        self.assertEqual((told["ok"], told["local"], told["remote"], told["waiting"]), (True, 2, 2, 0))
        self.json("sync", "--adopt", code=DONE, **other)
        told = self.json("verify", code=DONE, **other)
        self.assertEqual((told["ok"], told["local"], told["remote"]), (True, 10, 10))
        self.assertIs(self.verify()["ok"], True)

    def test_a_record_that_a_person_dropped_is_not_missed(self):
        ids = self.record(3, **self.to)
        self.cli("queue", "drop", ids[0], "--yes", code=DONE, **self.to)
        self.sync()
        told = self.verify("--repair")
        self.assertEqual((told["ok"], told["local"], told["remote"]), (True, 2, 2))
        self.assertOnce(ids, self.stored_ids())

    def test_records_made_while_the_address_was_wrong(self):
        self.record(3, **{**self.to, "FORTIUM_METRICS_URL": "ftp://nonsense"})
        self.record(2, **self.to)
        self.sync()
        told = self.verify()
        self.assertEqual((told["ok"], told["local"], told["remote"]), (True, 5, 5))


class Trouble(WithVerify):
    def test_exit_codes(self):
        self.assertEqual(self.cli("verify").code, CONFIGURATION)
        self.record(1, **self.to)
        key = "fm_live_" + "0" * 16 + "_" + "0" * 72
        told = json.loads(self.cli("verify", "--json", code=CREDENTIALS, **{**self.to, "FORTIUM_API_KEY": key}).out)
        self.assertIs(told["ok"], False)
        self.assertIn("API key", told["error"])
        self.service.stop()
        done = self.cli("verify", code=UNREACHABLE, **self.to)
        self.assertEqual(done.out, "")

    def test_a_service_without_a_ledger(self):
        peer = support.Peer(self)
        self.record(1, **peer.settings())
        done = self.cli("verify", code=CONFIGURATION, **peer.settings())
        self.assertIn("keeps no ledger", done.err)
        for body in (b"<html>", b"", {"success": True}, {"success": False, "days": []},
                     {"success": True, "days": [{"day": "2026-01-02", "kind": "tool_usage", "count": -1}]}):
            peer.on("/api/v1/metrics/ledger", support.Reply(200, body))
            self.assertEqual(self.cli("verify", **peer.settings()).code, UNREACHABLE, body)


class Long(WithVerify):
    def test_years_are_compared_in_a_blink(self):
        self.record_lines([on_day(n, n) for n in range(4 * 365)])
        self.sync()
        said = self.cli("verify", code=DONE, **self.to)
        self.assertIn("1,460 records", said.out)
        self.assertLess(said.seconds, 2.0)

if __name__ == "__main__":
    support.main()
