// What students do, step by step, so that the specs can speak of whole journeys.
import { randomUUID } from "node:crypto";
import { expect, test, type APIRequestContext, type Locator, type Page } from "@playwright/test";
import { directUrlOf, urlOf } from "./apps";
import { createAccount, type Journey } from "./journey";

/** The card that pays, and some that do something else. */
export const CARD = {
  pays: "4242 4242 4242 4242",
  declined: "4000 0000 0000 0002",
  toldLate: "4000 0000 0000 0077",
  toldThrice: "4000 0000 0000 0341",
};

/** A field of a page by the name that it is kept under. */
export const field = (page: Page, name: string): Locator => page.locator(`[data-field="${name}"]`).first();

/** Asks an app for JSON in the journey's trace. */
export async function ask(request: APIRequestContext, journey: Journey, app: string, path: string): Promise<any> {
  const answer = await request.get(`${directUrlOf(app)}${path}`, { headers: journey.headers });
  return answer.ok() ? answer.json() : {};
}

/** Has A3 publish a page on A7, and tells its slug when it is there. */
export async function publishPage(request: APIRequestContext, journey: Journey): Promise<string> {
  return test.step("A3 has A7 publish a page", async () => {
    const asked = await request.post(`${directUrlOf("a3")}/orchestration/run`, {
      headers: { ...journey.headers, "x-idempotency-key": randomUUID() },
      data: { title: "Awards for patient testers", summary: "Three awards, their deadlines, and what you need for each." },
    });
    expect(asked.status(), await asked.text()).toBe(202);
    const { run_id } = await asked.json();
    const run = async () => ask(request, journey, "a3", `/orchestration/runs/${run_id}`);
    await expect.poll(async () => (await run()).page_slug, { message: "the run's page", timeout: 20_000 }).toBeTruthy();
    return (await run()).page_slug;
  });
}

/** The call to action of a page of A7; its words are those of the page's arm. */
export const callToAction = (page: Page): Locator => page.locator("#cta");

/** Where the call to action leads: to A5, which learns of the page, and of the visit if A7 tells it. */
export const landingFrom = (slug: string) => (url: URL): boolean =>
  url.href.startsWith(`${urlOf("a5")}/?`) && url.searchParams.get("from") === slug;

/** Signs the person up at A5, beginning on its landing page, and ends on her dashboard. */
export async function signUp(page: Page, journey: Journey): Promise<void> {
  await test.step("sign up", async () => {
    await page.goto(`${urlOf("a5")}/`);
    await journey.press(page.getByRole("main").getByRole("link", { name: "Create a free account" }));
    await createAccount(page, journey);
    await expect(page.getByRole("heading", { level: 1, name: `Welcome, ${journey.person.name}` })).toBeVisible();
    await expect(page).toHaveURL(`${urlOf("a5")}/dashboard`);
  });
}

/** The control that buys the smallest purchase, button or link: whether it leads anywhere is to be seen. */
export const topUp = (page: Page): Locator => page.getByRole("region", { name: /^Top-up/ }).locator("a, button");

/** Goes to the prices and chooses the smallest purchase; ends on the payment page. */
export async function chooseTopUp(page: Page, journey: Journey): Promise<void> {
  await test.step("choose the top-up", async () => {
    await page.goto(`${urlOf("a5")}/pricing`);
    await journey.press(topUp(page));
    await expect(page.getByRole("heading", { level: 1, name: /Pay Scholar/ })).toBeVisible();
    await expect(field(page, "mode")).toContainText("Test mode");
    await expect(field(page, "total")).toHaveText("$0.50");
  });
}

/** Pays on the payment page with a card. */
export async function payWith(page: Page, journey: Journey, card: string): Promise<void> {
  await test.step("pay", async () => {
    await page.getByLabel("Card number").fill(card);
    await journey.press(page.getByRole("button", { name: "Pay $0.50" }));
  });
}

/** Events of the journey that have arrived in A8, as `A5 checkout_completed`. */
export async function eventsInA8(request: APIRequestContext, journey: Journey): Promise<string[]> {
  const { events = [] } = await ask(request, journey, "a8", `/api/lineage/${journey.traceId}`);
  return events.map(({ event }: any) => `${event.app_id} ${event.event}`);
}

/** Waits until events of these names have arrived in A8. */
export async function seenInA8(request: APIRequestContext, journey: Journey, names: string[]): Promise<void> {
  await test.step("look for the events in A8", async () => {
    const arrived = () => eventsInA8(request, journey);
    await expect.poll(arrived, { message: "events in A8", timeout: 20_000 }).toEqual(expect.arrayContaining(names));
  });
}

/** What A5 keeps of the journey. */
export const transactions = (request: APIRequestContext, journey: Journey): Promise<any> =>
  ask(request, journey, "a5", `/api/transactions/${journey.traceId}`);
