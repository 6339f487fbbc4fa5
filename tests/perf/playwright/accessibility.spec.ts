// Pages that everybody can use: axe on each page of A1, A5, A7 and the payment page, in light and dark colours.
import type { Page } from "@playwright/test";
import { expect, seriousViolations, test, urlOf } from "./ecosystem";
import type { Journey } from "./journey";
import { CARD, chooseTopUp, field, payWith, publishPage, signUp } from "./students";

/** Fails with every serious violation of the page that is shown, in both colours. */
async function isForEverybody(page: Page, name: string): Promise<void> {
  await test.step(name, async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect.soft(await seriousViolations(page), `${name}, ${colorScheme}`).toEqual([]);
    }
    const { content, view } = await page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      view: document.documentElement.clientWidth,
    }));
    expect.soft(content, `${name}: width of the content`).toBeLessThanOrEqual(view);
  });
}

/** Opens pages of an app one by one and looks at each. */
async function lookAt(page: Page, app: string, paths: string[]): Promise<void> {
  for (const path of paths) {
    await page.goto(`${urlOf(app)}${path}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
    await isForEverybody(page, `${app.toUpperCase()} ${path}`);
  }
}

async function answered(page: Page, journey: Journey): Promise<void> {
  await page.goto(`${urlOf("a5")}/onboarding`);
  await journey.press(page.getByRole("button", { name: "Ask" }));
  await expect(field(page, "answer")).toBeVisible();
}

test.describe.configure({ timeout: 90_000 });

test("axe finds nothing serious on the pages of A7", async ({ page, request, journey }) => {
  const slug = await publishPage(request, journey);
  await lookAt(page, "a7", ["/", "/browse", "/browse/states", "/browse/majors", `/p/${slug}`, "/p/there-is-no-such-page"]);
});

test("axe finds nothing serious on the pages that A5 and A1 show to everybody", async ({ page, journey }) => {
  await lookAt(page, "a5", ["/", "/pricing", "/signed-out", "/there-is-no-such-page"]);
  await lookAt(page, "a5", ["/signup", "/login"]);
  await page.getByLabel("E-mail or user name").fill(journey.person.email);
  await page.getByLabel("Password").fill("a wrong password");
  await journey.press(page.getByRole("button", { name: "Log in" }));
  await expect(page.getByRole("alert")).toBeVisible();
  await isForEverybody(page, "A1 login, refused");
});

test("axe finds nothing serious on the pages of a student", async ({ page, journey }) => {
  await signUp(page, journey);
  await isForEverybody(page, "A5 /dashboard");
  await lookAt(page, "a5", ["/onboarding", "/documents", "/credits", "/pricing", "/checkout/cancelled"]);
  await answered(page, journey);
  await isForEverybody(page, "A5 answer");
  await page.goto(`${urlOf("a5")}/documents`);
  await page.getByLabel("Title").fill("My activities");
  const file = { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("I tutor and volunteer.") };
  await page.getByLabel("File").setInputFiles(file);
  await journey.press(page.getByRole("button", { name: "Upload and read" }));
  await expect(field(page, "outcome")).toBeVisible();
  await isForEverybody(page, "A5 document");
});

test("axe finds nothing serious on the payment page, whatever it says", async ({ page, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  const address = page.url();
  await isForEverybody(page, "payment page");
  await page.getByText("All test cards").click();
  await isForEverybody(page, "payment page, cards shown");
  await payWith(page, journey, CARD.declined);
  await expect(page.getByRole("alert")).toBeVisible();
  await isForEverybody(page, "payment page, declined");
  await payWith(page, journey, CARD.pays);
  await expect(field(page, "payment")).toHaveText("paid");
  await isForEverybody(page, "A5 /checkout/return");
  await page.goto(address);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Already paid");
  await isForEverybody(page, "payment page, paid");
});

test("on a phone nothing scrolls sideways", async ({ page, journey }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await signUp(page, journey);
  for (const path of ["/dashboard", "/onboarding", "/documents", "/credits", "/pricing"]) {
    await page.goto(`${urlOf("a5")}${path}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect.soft(wide, `pixels that ${path} is too wide`).toBeLessThanOrEqual(0);
  }
  await chooseTopUp(page, journey);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide, "pixels that the payment page is too wide").toBeLessThanOrEqual(0);
});

test("the payment page can be used with the keyboard alone", async ({ page, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  await page.keyboard.press("Tab");
  await expect(page.getByLabel("Card number")).toBeFocused();
  await page.keyboard.type(CARD.pays);
  await page.keyboard.press("Enter");
  await expect(field(page, "payment")).toHaveText("paid");
});
