// What is said of a broken journey, without a browser.
import { expect, test } from "@playwright/test";
import { causeOf, type Hop, type Journal } from "./cause";

const hop = (app: string, request: string, fields: Partial<Hop> = {}): Hop => {
  const [method, path] = request.split(" ");
  const rest = { status: 200, ms: 1, redirects_to: null, set_cookies: [], sent_cookies: [], failure: null };
  return { app, method, path, ...rest, ...fields };
};
const to = (redirects_to: string): Partial<Hop> => ({ status: 303, redirects_to });
const journal = (hops: Hop[], more: Partial<Journal> = {}): Journal => ({ hops, presses: [], blocked: [], ...more });

const SIGNED_IN = "a5_session; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax";

test("a session cookie that other sites' requests do not carry is named with its attribute", () => {
  const set = { ...to("A5 /auth/callback"), set_cookies: ["a1_session; Path=/; Secure; HttpOnly; SameSite=Lax"] };
  expect(causeOf(journal([hop("A1", "POST /login", set)]))).toBe(
    "A1 POST /login: a1_session is SameSite=Lax, so no request that another site makes carries it",
  );
});

test("a session cookie that does not come back is named with what keeps it away", () => {
  const set = (cookie: string) => ({ ...to("A5 /dashboard"), set_cookies: [cookie] });
  const hops = (cookie: string) => [hop("A5", "GET /auth/callback?code", set(cookie)), hop("A5", "GET /dashboard", { status: 401 })];
  expect(causeOf(journal(hops("a5_session; Path=/auth; Secure")))).toContain("a5_session has Path=/auth");
  expect(causeOf(journal(hops("a5_session; Path=/; Domain=other.test; Secure")))).toContain("Domain=other.test");
  expect(causeOf(journal(hops("a5_session; Path=/; SameSite=Lax")))).toContain("is not Secure");
  expect(causeOf(journal(hops(SIGNED_IN)))).toContain("A5 GET /dashboard does not carry it");
});

test("cookies that come back, are deleted or are of no session explain nothing", () => {
  const set = (cookie: string) => ({ ...to("A5 /dashboard"), set_cookies: [cookie] });
  const back = { sent_cookies: ["a5_session"] };
  expect(causeOf(journal([hop("A5", "GET /auth/callback", set(SIGNED_IN)), hop("A5", "GET /dashboard", back)]))).toBeUndefined();
  const others = ["a5_session; Path=/; Max-Age=0", "a5_signin; Path=/auth"];
  for (const cookie of others) {
    expect(causeOf(journal([hop("A5", "POST /logout", set(cookie)), hop("A5", "GET /")])), cookie).toBeUndefined();
  }
});

test("a sign-in that goes in a circle is put down to the callback that sets no session", () => {
  const round = [
    hop("A5", "GET /dashboard", to("A5 /login")),
    hop("A5", "GET /login", to("A1 /oidc/auth?client_id")),
    hop("A1", "GET /oidc/auth?client_id", to("A5 /auth/callback?code")),
    hop("A5", "GET /auth/callback?code", to("A5 /dashboard")),
  ];
  const said = causeOf(journal([...round, ...round, ...round, ...round]));
  expect(said).toMatch(/^A5 GET \/auth\/callback\?code: sets no session cookie/);
  expect(said).toContain("A5 /dashboard → A5 /login → A1 /oidc/auth → A5 /auth/callback");
});

test("two addresses that redirect to each other are a circle, and three visits are not", () => {
  const pair = [hop("A7", "GET /p/a", to("A7 /p/b")), hop("A7", "GET /p/b", to("A7 /p/a"))];
  const circle = causeOf(journal([...pair, ...pair, ...pair, ...pair]));
  expect(circle).toBe("A7 GET /p/a: redirects in a circle: A7 /p/a → A7 /p/b");
  expect(causeOf(journal([...pair, ...pair, ...pair]))).toBeUndefined();
});

test("an origin that a policy blocks is named with its directive", () => {
  const said =
    "Sending form data to 'http://stripe.localhost:7105/pay/x' violates the following Content Security Policy directive: \"form-action 'self'\".";
  const cause = causeOf(journal([hop("A5", "GET /pricing")], { blocked: [said] }));
  expect(cause).toBe("A5 GET /pricing: form-action blocks the origin http://stripe.localhost:7105");
});

test("a button that sends nothing leads nowhere", () => {
  const presses = [{ label: "Choose Starter", on: "A5 GET /pricing", after: 1 }];
  const page = hop("A5", "GET /pricing");
  expect(causeOf(journal([page], { presses }))).toBe(
    'A5 GET /pricing: "Choose Starter" leads nowhere: pressing it sends no request',
  );
  expect(causeOf(journal([page, hop("A5", "POST /checkout")], { presses }))).toBeUndefined();
});

test("a server that fails is named before one that refuses", () => {
  const refused = hop("A5", "POST /checkout", { status: 409 });
  const failed = hop("A4", "POST /v1/chat/completions", { status: 503 });
  expect(causeOf(journal([refused, failed]))).toBe("A4 POST /v1/chat/completions: answered 503");
  expect(causeOf(journal([refused]))).toBe("A5 POST /checkout: answered 409");
});

test("a request without an answer is named, unless the page took it back", () => {
  const lost = (failure: string) => journal([hop("A7", "POST /api/cta", { status: null, failure })]);
  expect(causeOf(lost("net::ERR_CONNECTION_REFUSED"))).toBe("A7 POST /api/cta: no answer (net::ERR_CONNECTION_REFUSED)");
  expect(causeOf(lost("net::ERR_ABORTED"))).toBeUndefined();
});

test("a journey in which all is well has no cause", () => {
  expect(causeOf(journal([hop("A7", "GET /"), hop("A5", "GET /")]))).toBeUndefined();
});
