// The command center's dashboard, as a person meets it.
import type { APIRequestContext, Page } from "@playwright/test";
import { expect, freshTrace, report, seriousViolations, test, urlOf } from "./ecosystem";

const dashboard = () => `${urlOf("a8")}/?namespace=perf_test`;

test("the dashboard has a title, its landmarks and one first heading", async ({ page }) => {
  await page.goto(dashboard());
  await expect(page).toHaveTitle(/Command center/);
  for (const landmark of ["banner", "main", "contentinfo", "search"] as const) {
    await expect(page.getByRole(landmark), landmark).toHaveCount(1);
  }
  await expect(page.getByRole("navigation", { name: "Namespace" })).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
});

test("the matrix of service levels has a row for each of the eight apps", { tag: "@quick" }, async ({ page }) => {
  await page.goto(dashboard());
  const table = page.getByRole("table", { name: /eight apps/ });
  const names = await table.getByRole("rowheader").allInnerTexts();
  expect(names.map((name) => name.trim().slice(0, 2))).toEqual(["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"]);
});

test("an event appears in the live feed without a reload", async ({ page, request }) => {
  await page.goto(dashboard());
  const feed = page.getByRole("region", { name: "Live events" });
  await expect(feed).toContainText("Connected");
  const route = `/seen-live/${freshTrace().slice(0, 8)}`;
  await expect(feed).not.toContainText(route);
  const trace = await report(request, { route });
  const entry = feed.getByRole("link").filter({ hasText: route });
  await expect(entry).toBeVisible();
  await expect(entry).toHaveAttribute("href", `/lineage?trace_id=${trace}`);
});

test("an event leads to the lineage of its trace", { tag: "@quick" }, async ({ page, request }) => {
  const trace = await report(request, { route: "/followed" });
  await page.goto(dashboard());
  await page.getByRole("searchbox", { name: "Trace a request" }).fill(trace);
  await page.getByRole("button", { name: "Trace" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Lineage" })).toBeVisible();
  await expect(page.getByRole("row").filter({ hasText: "/followed" })).toHaveCount(1);
});

async function axeFindsNothingSerious(page: Page, request: APIRequestContext, colorScheme: "light" | "dark") {
  await report(request, { route: "/for-axe" });
  await report(request, { route: "/for-axe", status: 503 });
  await page.emulateMedia({ colorScheme });
  await page.goto(dashboard());
  await expect(page.getByRole("button", { name: /colours/ })).toBeVisible();
  expect(await seriousViolations(page)).toEqual([]);
}

test("axe finds nothing serious in light colours", async ({ page, request }) => {
  await axeFindsNothingSerious(page, request, "light");
});

test("axe finds nothing serious in dark colours", async ({ page, request }) => {
  await axeFindsNothingSerious(page, request, "dark");
});

test("the keyboard reaches the skip link first and the theme switch soon", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto(dashboard());
  const theme = page.getByRole("button", { name: /colours/ });
  await expect(theme).toBeVisible();
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: /^Skip/ });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();

  let presses = 0;
  while (!(await theme.evaluate((button) => button === document.activeElement))) {
    expect(presses++, "presses of Tab until the theme switch").toBeLessThan(8);
    await page.keyboard.press("Tab");
  }
  const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).not.toBe(before);
  await page.reload();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test("the skip link moves the focus past the header", async ({ page }) => {
  await page.goto(dashboard());
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator("#main")).toBeFocused();
});

test("at 375 pixels nothing scrolls sideways", async ({ page, request }) => {
  await report(request, { route: `/a/rather/long/route/${"x".repeat(60)}` });
  await page.setViewportSize({ width: 375, height: 812 });
  await page.goto(dashboard());
  await expect(page.getByRole("table").first()).toBeVisible();
  const { content, view } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    view: document.documentElement.clientWidth,
  }));
  expect(content).toBeLessThanOrEqual(view);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the page is complete", async ({ page }) => {
    await page.goto(dashboard());
    await expect(page.getByRole("table")).toHaveCount(1);
    await expect(page.getByRole("heading", { name: "Finance" })).toBeVisible();
  });
});
