// The official client libraries over Streamable HTTP, against the real service.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startService } from "./service.mjs";

const node = Number(process.versions.node.split(".")[0]);

async function first() {
  const { Client } = await import("sdk-newest/client/index.js");
  const { StreamableHTTPClientTransport } = await import("sdk-newest/client/streamableHttp.js");
  const { ResourceUpdatedNotificationSchema } = await import("sdk-newest/types.js");
  return { Client, StreamableHTTPClientTransport, updated: ResourceUpdatedNotificationSchema, options: {},
    call: (client, params, options) => client.callTool(params, undefined, options) };
}
async function second(options) {
  const { Client, StreamableHTTPClientTransport } = await import("sdk-2");
  return { Client, StreamableHTTPClientTransport, updated: "notifications/resources/updated", options,
    call: (client, params, how) => client.callTool(params, how) };
}
const libraries = [
  { title: "newest of the first generation", load: first, revision: "2025-11-25" },
  { title: "second generation, as it is", load: () => second({}), revision: "2025-11-25", needs: 20 },
  { title: "second generation, newest revision only",
    load: () => second({ versionNegotiation: { mode: { pin: "2026-07-28" } } }), revision: "2026-07-28", needs: 20 },
];

for (const { title, load, revision, needs } of libraries) {
  const alone = revision === "2026-07-28";
  describe(`the client library over HTTP, ${title}`, { skip: needs > node && `needs Node ${needs}` }, () => {
    let service, client, transport, updatedName, callTool;
    const updated = [];

    before(async () => {
      service = await startService();
      const { Client, StreamableHTTPClientTransport, updated: name, options, call } = await load();
      [updatedName, callTool] = [name, call];
      client = new Client({ name: "sdk-test", version: "1" }, options);
      transport = new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`),
        { requestInit: { headers: { Authorization: `Bearer ${service.key}` } } });
      await client.connect(transport);
    });
    after(async () => {
      await client?.close();
      await service?.stop();
    });

    test("it agrees on the revision", () => {
      if (!alone) assert.ok(transport.sessionId);
      assert.equal(client.getServerVersion().name, "fortium-metrics-server");
    });

    test("each tool that needs no more than a record is called, and its answer fits its schema", async () => {
      const { tools } = await client.listTools();
      assert.ok(tools.length >= 12);
      const calls = {
        "record-command-execution": { command_name: "/plan", execution_time_ms: 12.5, status: "success" },
        "record-tool-usage": { tool_name: "Read", execution_time_ms: 12.5, status: "success" },
        "collect_metrics": { command_name: "/plan", execution_time_ms: 1500, success: true },
        "get-tool-metrics": { tool_name: "Read", days: 7 },
        "query_dashboard": { timeframe: "24h", format: "markdown" },
      };
      for (const [name, args] of Object.entries(calls)) {
        const answer = await client.callTool({ name, arguments: args });
        assert.ok(!answer.isError, JSON.stringify(answer));
      }
      const { records } = await service.counted();
      assert.equal(records, 3);
    });

    test("resources and prompts are read", async () => {
      const { resources } = await client.listResources();
      for (const { uri } of resources) {
        const { contents } = await client.readResource({ uri });
        JSON.parse(contents[0].text);
      }
      const { prompts } = await client.listPrompts();
      for (const { name } of prompts)
        await client.getPrompt({ name, arguments: { user_id: "u", days: "7" } });
    });

    test("progress is asked for, and the answer comes", async () => {
      const answer = await callTool(client, { name: "query_dashboard", arguments: { timeframe: "7d" } },
        { onprogress: () => {} });
      assert.ok(!answer.isError);
    });

    test("who subscribes hears", { skip: alone && "has no resources/subscribe" }, async () => {
      const heard = new Promise((resolve) => client.setNotificationHandler(updatedName, (message) => {
        updated.push(message.params.uri);
        resolve();
      }));
      await client.subscribeResource({ uri: "metrics://dashboard/current" });
      await client.callTool({ name: "record-command-execution",
        arguments: { command_name: "/plan", execution_time_ms: 1, status: "success" } });
      await heard;
      assert.deepEqual(updated, ["metrics://dashboard/current"]);
    });

    test("it ends its session", { skip: alone && "has no sessions" }, async () => {
      await transport.terminateSession();
      await assert.rejects(client.listTools());
    });
  });
}
