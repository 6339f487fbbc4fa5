// What the specs share: where the apps are, the labels of synthetic traffic, and a page that must stay at home.
import { randomUUID } from "node:crypto";
import { unlink } from "node:fs/promises";
import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type APIRequestContext, type Page } from "@playwright/test";
import { appAt, directUrlOf, onThisMachine, secret, urlOf } from "./apps";
import { Journey } from "./journey";

export { directUrlOf, urlOf };

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

/** What axe finds of serious or critical impact on a page. */
export async function seriousViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`));
}

/**
 * A test whose page may talk to the ecosystem only, and whose scripts may not fail. With `journey`, each request carries
 * the test's trace and is recorded. What the browser sent and got is kept of a test that failed.
 */
export const test = base.extend<{ atHome: void; journey: Journey }>({
  // Set up before the browser's context, and taken down after it has written its archive.
  contextOptions: async ({ contextOptions }, use, testInfo) => {
    if (!onThisMachine()) return use(contextOptions);
    const path = testInfo.outputPath("journey.har");
    await use({ ...contextOptions, recordHar: { path } });
    const isKept = testInfo.status !== testInfo.expectedStatus;
    if (isKept) testInfo.attachments.push({ name: "journey.har", path, contentType: "application/json" });
    // A test without a browser leaves none.
    else await unlink(path).catch(() => {});
  },
  journey: async ({ context }, use, testInfo) => {
    const journey = new Journey();
    await journey.begin(context);
    await use(journey);
    await journey.end(testInfo);
  },
  atHome: [
    async ({ page }, use) => {
      const abroad: string[] = [];
      const errors: string[] = [];
      page.on("request", (request) => {
        if (/^(https?|wss?):/.test(request.url()) && appAt(request.url()) === null) abroad.push(request.url());
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
