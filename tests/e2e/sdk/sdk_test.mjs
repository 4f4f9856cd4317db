// The official client libraries, of 2024, of 2025 and of the newest revision, and the official inspector, against the real
// program.
//
// The newer clients validate every structured answer against the tool's own schema, which is why each tool is called.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = path.dirname(fileURLToPath(import.meta.url));
const program = path.resolve(process.env.FORTIUM_BIN ?? path.join(here, "../../../build/dev/bin/fortium-metrics"));
assert.ok(existsSync(program), `${program} is not built`);

const duration = { execution_time_ms: 12.5, status: "success" };
const calls = {
  "record-session-start": { metadata: { project_name: "web-app", user_timezone: "Europe/Berlin" } },
  "record-session-update": { commands_executed: 3, agents_used: ["reviewer"], productivity_score: 80 },
  "record-command-execution": { command_name: "/plan", ...duration, command_args: { type: "react" } },
  "record-tool-usage": { tool_name: "Read", ...duration, context: { language: "cpp", input_size: 120 } },
  "record-agent-interaction": { agent_name: "reviewer", interaction_type: "delegation", processing_time_ms: 5,
    success: true, input_tokens: 300, output_tokens: 800 },
  "record-productivity-metric": { metric_type: "completion_rate", value: 8.5, unit: "tasks_per_hour" },
  "record-model-usage": { model: "claude-sonnet", input_tokens: 1, output_tokens: 2, cost_usd: 0.01 },
  "collect_metrics": { command_name: "/plan", execution_time_ms: 1500, success: true,
    context: { agent_used: "reviewer" } },
  "get-session-metrics": {},
  "get-report": { question: "tools", days: 7, limit: 10 },
  "get-tool-metrics": { tool_name: "Read", days: 7 },
  "query_dashboard": { timeframe: "24h", format: "markdown" },
  "configure_integration": { sync_preferences: { batch_size: 20 } },
  "migrate_local_metrics": { preserve_local: true },
  "record-session-end": { session_id: "sdk-session", end_metadata: { completion_reason: "user_ended" } },
};

// A home of its own for each test; nothing of ours is in the environment but what a client gives.
function makeHome() {
  const home = mkdtempSync(path.join(tmpdir(), "fortium-sdk-"));
  const env = { HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", CLAUDE_CODE_SESSION_ID: "sdk-session" };
  return { home, env, remove: () => rmSync(home, { recursive: true, force: true }) };
}

// The libraries, and how a client of each is made. The second generation speaks the newest revision, if asked to find out,
// and tells its caller of a resource that is not there in the newest words, whatever the server said.
async function first(library, options) {
  const { Client } = await import(`${library}/client/index.js`);
  const { StdioClientTransport } = await import(`${library}/client/stdio.js`);
  const { ResourceUpdatedNotificationSchema } = await import(`${library}/types.js`);
  return { Client, StdioClientTransport, updated: ResourceUpdatedNotificationSchema, options };
}
async function second(options) {
  const { Client } = await import("sdk-2");
  const { StdioClientTransport } = await import("sdk-2/stdio");
  return { Client, StdioClientTransport, updated: "notifications/resources/updated", options };
}
const node = Number(process.versions.node.split(".")[0]);
const libraries = [
  { title: "of 2024", load: () => first("sdk-2024", {}), revision: "2024-11-05", structured: false,
    notFound: -32002 },
  { title: "newest of the first generation", load: () => first("sdk-newest", {}), revision: "2025-11-25", structured: true,
    notFound: -32002 },
  { title: "second generation, as it is", load: () => second({}), revision: "2025-11-25", structured: true, needs: 20 },
  { title: "second generation, finding out", load: () => second({ versionNegotiation: { mode: "auto" } }),
    revision: "2026-07-28", structured: true, needs: 20 },
  { title: "second generation, newest revision only",
    load: () => second({ versionNegotiation: { mode: { pin: "2026-07-28" } } }), revision: "2026-07-28", structured: true,
    needs: 20 },
];

for (const { title, load, revision, structured, needs, notFound = -32602 } of libraries) {
  const stateless = revision === "2026-07-28";
  describe(`the client library, ${title}`, { skip: needs > node && `needs Node ${needs}` }, () => {
    let place, client, transport, updatedName, errors = "";
    const trouble = [], updated = [];

    before(async () => {
      const { Client, StdioClientTransport, updated: name, options } = await load();
      place = makeHome();
      transport = new StdioClientTransport({ command: program, args: ["mcp"], env: place.env, stderr: "pipe" });
      client = new Client({ name: "sdk-test", version: "1.0.0" }, { capabilities: {}, ...options });
      client.onerror = (error) => trouble.push(error);
      updatedName = name;
      const connected = client.connect(transport);
      transport.stderr?.on("data", (data) => { errors += data; });
      await connected;
      client.setNotificationHandler(updatedName, (notification) => { updated.push(notification.params.uri); });
    });
    after(async () => {
      await client?.close();
      place?.remove();
      assert.deepEqual(trouble, []);
      assert.equal(errors, "");
    });

    test("the handshake names the server and what it can", () => {
      assert.equal(client.getServerVersion().name, "fortium-metrics-server");
      assert.deepEqual(Object.keys(client.getServerCapabilities()).sort(),
        [...(revision === "2024-11-05" ? [] : ["completions"]), "logging", "prompts", "resources", "tools"]);
      if (client.getNegotiatedProtocolVersion) assert.equal(client.getNegotiatedProtocolVersion(), revision);
      assert.match(client.getInstructions?.() ?? "record-", /record-/);
    });

    test("ping", { skip: stateless && "the revision has none" }, async () => { await client.ping(); });

    test("every tool that is listed can be called", async () => {
      const { tools } = await client.listTools();
      assert.deepEqual(tools.map((tool) => tool.name).sort(), Object.keys(calls).sort());
      for (const [name, args] of Object.entries(calls)) {
        const result = await client.callTool({ name, arguments: args });
        assert.ok(!result.isError, `${name}: ${JSON.stringify(result)}`);
        assert.equal(result.content[0].type, "text");
        assert.equal(result.structuredContent !== undefined, structured, name);
      }
      const told = await client.callTool({ name: "get-tool-metrics", arguments: { tool_name: "Read" } });
      const answer = JSON.parse(told.content[0].text);
      assert.equal(answer.usage_stats.total_executions, 1);
      if (structured) assert.deepEqual(told.structuredContent, answer);
    });

    test("a wrong call is a result that says what is wrong", async () => {
      const result = await client.callTool({ name: "record-tool-usage", arguments: { tool_name: "Read" } });
      assert.equal(result.isError, true);
      assert.match(result.content[0].text, /execution_time_ms/);
      await assert.rejects(client.callTool({ name: "no-such-tool", arguments: {} }), { code: -32602 });
    });

    test("every resource that is listed can be read", async () => {
      const { resources } = await client.listResources();
      assert.equal(resources.length, 8);
      for (const { uri } of [...resources, { uri: "fortium://metrics/tool/Read" }]) {
        const { contents } = await client.readResource({ uri });
        assert.equal(contents[0].uri, uri);
        JSON.parse(contents[0].text);
      }
      await assert.rejects(client.readResource({ uri: "metrics://nowhere" }), { code: notFound });
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.equal(resourceTemplates.length, 5);
    });

    test("a change is heard by who subscribed", async () => {
      const uri = "fortium://metrics/tools/local";
      const record = () => client.callTool({ name: "record-tool-usage", arguments: calls["record-tool-usage"] });
      const heard = async () => {
        for (const end = Date.now() + 30_000; updated.length === 0;) {
          assert.ok(Date.now() < end, "nothing was heard");
          await new Promise((resolve) => { setTimeout(resolve, 10); });
        }
      };
      if (stateless) {
        const subscription = await client.listen({ resourceSubscriptions: [uri], toolsListChanged: true });
        assert.deepEqual(subscription.honoredFilter, { resourceSubscriptions: [uri] });
        await record();
        await heard();
        await subscription.close();
      } else {
        await client.subscribeResource({ uri });
        await record();
        await heard();
        await client.unsubscribeResource({ uri });
      }
      assert.deepEqual([...new Set(updated)], [uri]);
    });

    test("arguments are completed", async () => {
      const { completion } = await client.complete({
        ref: { type: "ref/resource", uri: "fortium://metrics/tool/{tool_name}" }, argument: { name: "tool_name", value: "re" } });
      assert.deepEqual(completion.values, ["Read"]);
    });

    test("the log can be listened to", { skip: stateless && "by request only" }, async () => {
      await client.setLoggingLevel("warning");
      await assert.rejects(client.setLoggingLevel("loud"));
    });

    test("a call that is over in no time is no matter for progress", async () => {
      const steps = [];
      const prompt = await client.getPrompt({ name: "analyze-productivity", arguments: { user_id: "tester" } },
        { onprogress: (step) => steps.push(step) });
      assert.equal(prompt.messages.length, 1);
      assert.deepEqual(steps, []);
    });

    test("long work tells how far it is, and can be cancelled", { skip: !structured && "it has no way to cancel" }, async () => {
      const folder = path.join(place.home, ".agent-os/metrics");
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, "tool-metrics.jsonl"), Array.from({ length: 40_000 }, (_, n) =>
        `{"event_type":"tool_execution","timestamp":"2026-01-02T03:04:05Z","tool_name":"Old","success":true,"n":${n}}\n`).join(""));
      const steps = [], stop = new AbortController();
      await assert.rejects(client.callTool({ name: "migrate_local_metrics", arguments: {} }, ...(title.startsWith("second") ? [] : [undefined]),
        { signal: stop.signal, onprogress: ({ progress }) => { steps.push(progress); stop.abort("enough"); } }));
      assert.ok(steps.length > 0);
      const { structuredContent } = await client.callTool({ name: "migrate_local_metrics", arguments: {} });
      assert.equal(structuredContent.metrics_migrated + structuredContent.duplicates, 40_000);
      assert.ok(structuredContent.metrics_migrated > 0, "it was not stopped");
      // What was on its way when the client lost interest is nobody's mistake.
      trouble.splice(0, trouble.length, ...trouble.filter(({ message }) => !/progress.*unknown token/.test(message)));
    });

    test("the prompt", async () => {
      const { prompts } = await client.listPrompts();
      assert.deepEqual(prompts.map((prompt) => prompt.name),
        ["analyze-productivity", "standup", "weekly-review", "what-slows-me-down"]);
      const prompt = await client.getPrompt({ name: "analyze-productivity", arguments: { user_id: "tester", days: "7" } });
      assert.equal(prompt.messages[0].role, "user");
    });

    test("calls without waiting are all answered", async () => {
      const results = await Promise.all(Array.from({ length: 100 }, (_, n) =>
        client.callTool({ name: "record-tool-usage", arguments: { tool_name: "Bash", execution_time_ms: n, status: "success" } })));
      const ids = new Set(results.map((result) => JSON.parse(result.content[0].text).id));
      assert.equal(ids.size, 100);
    });
  });
}

describe("the inspector", () => {
  const cli = path.join(here, "node_modules/.bin/mcp-inspector-cli");
  let place;
  before(() => { place = makeHome(); });
  after(() => place.remove());

  async function inspect(...args) {
    const { stdout } = await promisify(execFile)(process.execPath, [cli, "--cli", program, "mcp", ...args],
      { env: place.env, cwd: place.home, timeout: 60_000 });
    return JSON.parse(stdout);
  }

  test("lists the tools", async () => {
    const { tools } = await inspect("--method", "tools/list");
    assert.deepEqual(tools.map((tool) => tool.name).sort(), Object.keys(calls).sort());
  });

  test("calls a tool", async () => {
    const result = await inspect("--method", "tools/call", "--tool-name", "record-tool-usage", "--tool-arg",
      "tool_name=Read", "execution_time_ms=12", "status=success");
    assert.equal(result.structuredContent.success, true);
    const told = await inspect("--method", "tools/call", "--tool-name", "get-tool-metrics", "--tool-arg", "tool_name=Read");
    assert.equal(told.structuredContent.usage_stats.total_executions, 1);
  });

  test("lists resources and prompts", async () => {
    assert.equal((await inspect("--method", "resources/list")).resources.length, 8);
    assert.equal((await inspect("--method", "prompts/list")).prompts.length, 4);
  });
});
