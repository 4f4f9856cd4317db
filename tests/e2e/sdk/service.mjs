// The real service, on a store of its own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const program = path.resolve(process.env.FORTIUM_SERVER_BIN ??
  path.join(here, "../../../build/dev/bin/fortium-metrics-server"));
assert.ok(existsSync(program), `${program} is not built`);

export async function startService() {
  const home = mkdtempSync(path.join(tmpdir(), "fortium-http-"));
  const process_ = spawn(program, ["serve", "--listen", "127.0.0.1:0", "--data", path.join(home, "store")],
    { env: { HOME: home, PATH: "/usr/bin:/bin", RATE_LIMIT_MAX_REQUESTS: "1000000" }, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  const [url, key] = await new Promise((resolve, reject) => {
    process_.on("exit", () => reject(new Error(`the service ended: ${said}`)));
    process_.stdout.on("data", (data) => {
      said += data;
      const found = said.match(/METRICS_URL=(\S+)\n.*API_KEY=(\S+)\n/);
      if (found) resolve([found[1], found[2]]);
    });
  });
  const ended = new Promise((resolve) => process_.on("exit", resolve));
  return {
    url, key,
    // How many records there are, by the ledger.
    async counted() {
      const answer = await fetch(`${url}/api/v1/metrics/ledger?from=2000-01-01&to=2100-01-01`,
        { headers: { Authorization: `Bearer ${key}` } });
      const { days } = await answer.json();
      return { records: days.reduce((sum, row) => sum + row.count, 0) };
    },
    async stop() {
      process_.kill("SIGTERM");
      assert.equal(await ended, 0);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
