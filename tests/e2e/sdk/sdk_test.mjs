// The official client library, newest and of 2024, and the official inspector, against the real program.
//
// The newest client validates every structured answer against the tool's own schema, which is why each tool is called.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
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

for (const [title, library, structured] of [["newest", "sdk-newest", true], ["of 2024", "sdk-2024", false]]) {
  describe(`the client library, ${title}`, () => {
    let place, client, transport, errors = "";
    const trouble = [];

    before(async () => {
      const { Client } = await import(`${library}/client/index.js`);
      const { StdioClientTransport } = await import(`${library}/client/stdio.js`);
      place = makeHome();
      transport = new StdioClientTransport({ command: program, args: ["mcp"], env: place.env, stderr: "pipe" });
      client = new Client({ name: "sdk-test", version: "1.0.0" }, { capabilities: {} });
      client.onerror = (error) => trouble.push(error);
      const connected = client.connect(transport);
      transport.stderr?.on("data", (data) => { errors += data; });
      await connected;
    });
    after(async () => {
      await client?.close();
      place?.remove();
      assert.deepEqual(trouble, []);
      assert.equal(errors, "");
    });

    test("the handshake names the server and what it can", () => {
      assert.equal(client.getServerVersion().name, "fortium-metrics-server");
      assert.deepEqual(Object.keys(client.getServerCapabilities()).sort(), ["prompts", "resources", "tools"]);
    });

    test("ping", async () => { await client.ping(); });

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
      for (const { uri } of resources) {
        const { contents } = await client.readResource({ uri });
        assert.equal(contents[0].uri, uri);
        JSON.parse(contents[0].text);
      }
      await assert.rejects(client.readResource({ uri: "metrics://nowhere" }), { code: -32002 });
      const { resourceTemplates } = await client.listResourceTemplates();
      assert.equal(resourceTemplates.length, 3);
    });

    test("the prompt", async () => {
      const { prompts } = await client.listPrompts();
      assert.deepEqual(prompts.map((prompt) => prompt.name), ["analyze-productivity"]);
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
    assert.equal((await inspect("--method", "prompts/list")).prompts.length, 1);
  });
});
