// One person's way through the apps in a browser: one trace id on every request, and a record of each.
import { randomUUID } from "node:crypto";
import { test, type BrowserContext, type Locator, type Page, type Request, type TestInfo } from "@playwright/test";
import { appAt } from "./apps";
import { causeOf, type Hop, type Press } from "./cause";

const hex32 = (): string => randomUUID().replaceAll("-", "");

/** A trace id: fresh, or with the first half of the one that the run was given. */
function traceId(): string {
  const given = process.env.HANDSHAKE_TRACE_ID;
  return given && /^[0-9a-f]{32}$/.test(given) ? given.slice(0, 16) + hex32().slice(16) : hex32();
}

/** App and path of an address, the query without its values. */
function place(url: string): { app: string | null; path: string } {
  const { pathname, searchParams } = new URL(url);
  const names = [...new Set(searchParams.keys())];
  return { app: appAt(url), path: pathname + (names.length > 0 ? `?${names.join("&")}` : "") };
}

/** Pages, forms and calls of scripts; not what a page is drawn with. */
function isHop(request: Request): boolean {
  const isAsked = ["document", "fetch", "xhr", "ping", "other"].includes(request.resourceType());
  return isAsked && !new URL(request.url()).pathname.startsWith("/assets/");
}

/** Name and attributes of a `Set-Cookie` line, without the value. */
const withoutValue = (line: string): string => line.replace(/=[^;]*/, "");

export class Journey {
  readonly traceId = traceId();
  /** A person nobody was before. */
  readonly person = {
    name: "Test Student",
    email: `test_student_${this.traceId.slice(16)}@example.test`,
    password: `a long password ${this.traceId.slice(0, 8)}`,
  };
  private readonly hops: Hop[] = [];
  private readonly presses: Press[] = [];
  private readonly blocked: string[] = [];
  private readonly reading: Promise<void>[] = [];

  /** What every request carries: its trace, and that it is a test's. */
  get headers(): Record<string, string> {
    return {
      traceparent: `00-${this.traceId}-${hex32().slice(16)}-01`,
      "x-trace-id": this.traceId,
      "x-test-run": "true",
      "x-source": "qa",
      "x-namespace": "perf_test",
      "x-tenant-id": "tenant_synthetic",
    };
  }

  /** Puts the trace on every request of the browser, and begins to record them. */
  async begin(context: BrowserContext): Promise<void> {
    await context.setExtraHTTPHeaders(this.headers);
    const open = new Map<Request, { hop: Hop; began: number }>();
    context.on("request", (request) => {
      if (!isHop(request)) return;
      const rest = { status: null, ms: null, redirects_to: null, set_cookies: [], sent_cookies: [], failure: null };
      const hop: Hop = { ...place(request.url()), method: request.method(), ...rest };
      this.hops.push(hop);
      open.set(request, { hop, began: performance.now() });
    });
    context.on("response", (response) => {
      const known = open.get(response.request());
      if (!known) return;
      known.hop.status = response.status();
      known.hop.ms = Math.round((performance.now() - known.began) * 10) / 10;
      this.reading.push(this.read(known.hop, response.request()).catch(() => {}));
    });
    context.on("requestfailed", (request) => {
      const known = open.get(request);
      if (known) known.hop.failure = request.failure()?.errorText ?? "no reason";
    });
    context.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) this.blocked.push(message.text());
    });
  }

  /** Adds what the headers say: cookies that went and came, and where it goes on. */
  private async read(hop: Hop, request: Request): Promise<void> {
    const response = await request.response();
    const lines = (await response?.headersArray()) ?? [];
    const of = (name: string) => lines.filter((line) => line.name.toLowerCase() === name).map((line) => line.value);
    // Several cookies arrive as lines of one header.
    hop.set_cookies = of("set-cookie").flatMap((value) => value.split("\n")).map(withoutValue);
    const [location] = of("location");
    if (location !== undefined) {
      const { app, path } = place(new URL(location, request.url()).href);
      hop.redirects_to = `${app ?? "elsewhere"} ${path}`;
    }
    const sent = (await request.allHeaders()).cookie ?? "";
    hop.sent_cookies = sent.split(";").map((pair) => pair.trim().split("=")[0]).filter(Boolean);
  }

  /** Presses a button or follows a link, and remembers it: one that leads nowhere is to be named. */
  async press(target: Locator): Promise<void> {
    const label = (await target.innerText()).trim();
    const { app, path } = place(target.page().url());
    this.presses.push({ label, on: `${app ?? "elsewhere"} GET ${path}`, after: this.hops.length });
    await target.click();
  }

  /** Requests so far, as told. */
  async told(): Promise<Hop[]> {
    await Promise.all(this.reading);
    return this.hops;
  }

  /** Attaches the record; a test that failed also gets the cause. */
  async end(testInfo: TestInfo): Promise<void> {
    const hops = await this.told();
    const isBroken = testInfo.status !== testInfo.expectedStatus || this.blocked.length > 0;
    const cause = isBroken ? causeOf({ hops, presses: this.presses, blocked: this.blocked }) : undefined;
    if (cause) testInfo.annotations.push({ type: "cause", description: cause });
    const body = JSON.stringify({ trace_id: this.traceId, hops, cause }, null, 1);
    await testInfo.attach("hops.json", { body, contentType: "application/json" });
  }
}

/** Fills in the form of A1 that is shown, and sends it. */
async function fillIn(page: Page, journey: Journey, fields: Record<string, string>, button: string): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
  await journey.press(page.getByRole("button", { name: button }));
}

/** Creates the person's account on A1's form, which is shown. */
export async function createAccount(page: Page, journey: Journey): Promise<void> {
  await test.step("create an account at A1", async () => {
    const { name, email, password } = journey.person;
    await fillIn(page, journey, { Name: name, "E-mail": email, Password: password }, "Create account");
  });
}

/** Logs the person in on A1's form, which is shown. */
export async function logIn(page: Page, journey: Journey): Promise<void> {
  await test.step("log in at A1", async () => {
    const { email, password } = journey.person;
    await fillIn(page, journey, { "E-mail or user name": email, Password: password }, "Log in");
  });
}
