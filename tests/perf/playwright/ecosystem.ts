// What the specs share: where the apps are, the labels of synthetic traffic, and a page that must stay at home.
import { randomUUID } from "node:crypto";
import { test as base, expect, type APIRequestContext } from "@playwright/test";

/** Base URL of an app; the tests of an app that is not there fail with the variable to set. */
export function urlOf(app: string): string {
  const name = `HANDSHAKE_${app.toUpperCase()}_URL`;
  const url = process.env[name];
  if (!url) throw new Error(`${name} is not set: run the browser tests by \`cargo xtask test\``);
  return url.replace(/\/$/, "");
}

function secret(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the browser tests by \`cargo xtask test\``);
  return value;
}

/** 32 hex digits that no other test uses. */
export const freshTrace = (): string => randomUUID().replaceAll("-", "");

const labels = { "x-test-run": "true", "x-source": "qa", "x-namespace": "perf_test", "x-tenant-id": "tenant_synthetic" };

/** Reports one event to the command center, as an app would, and tells its trace. */
export async function report(request: APIRequestContext, fields: Record<string, unknown>): Promise<string> {
  const trace = freshTrace();
  const event = {
    schema_version: 1,
    event_id: randomUUID(),
    timestamp: new Date().toISOString(),
    app_id: "A7",
    env: "embedded",
    namespace: "perf_test",
    tenant_id: "tenant_synthetic",
    release: "browser-test",
    event: "cta_impression",
    route: "/",
    method: "GET",
    status: 200,
    p95_ms: 1,
    trace_id: trace,
    idempotency_key: randomUUID(),
    test_run: true,
    source: "qa",
    sample_rate: 1,
    ...fields,
  };
  const answer = await request.post(`${urlOf("a8")}/api/telemetry`, {
    headers: { ...labels, "x-telemetry-key": secret("HANDSHAKE_TELEMETRY_KEY"), "x-idempotency-key": randomUUID(), "x-trace-id": trace },
    data: { events: [event] },
  });
  expect(answer.status(), await answer.text()).toBe(200);
  expect(await answer.json()).toMatchObject({ accepted: 1, duplicates: 0 });
  return trace;
}

/** A test whose page may talk to the ecosystem only, and whose scripts may not fail. */
export const test = base.extend<{ atHome: void }>({
  atHome: [
    async ({ page }, use) => {
      const known = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]
        .map((app) => process.env[`HANDSHAKE_${app.toUpperCase()}_URL`])
        .filter((url): url is string => Boolean(url))
        .map((url) => new URL(url).origin);
      const abroad: string[] = [];
      const errors: string[] = [];
      page.on("request", (request) => {
        const { protocol, origin } = new URL(request.url());
        if (/^(https?|wss?):$/.test(protocol) && !known.includes(origin)) abroad.push(request.url());
      });
      page.on("pageerror", (error) => errors.push(error.message));
      // What the content security policy blocked was tried all the same.
      page.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) errors.push(message.text());
      });
      await use();
      expect(abroad, "requests to foreign origins").toEqual([]);
      expect(errors, "errors of scripts").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
