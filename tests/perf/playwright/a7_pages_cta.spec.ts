// A page of A7: what its head tells others, and that its call to action is counted, seen and clicked.
import { expect, test, urlOf } from "./ecosystem";
import { ask, callToAction, landingFrom, publishPage } from "./students";

test("the head of a published page is complete", async ({ page, request, journey }) => {
  const slug = await publishPage(request, journey);
  const address = `${urlOf("a7")}/p/${slug}`;
  await page.goto(address);
  await expect(page).toHaveTitle(/Awards for patient testers/);
  const of = (selector: string, attribute: string) => page.locator(`head ${selector}`).getAttribute(attribute);
  expect(await of('link[rel="canonical"]', "href")).toBe(address);
  expect(await of('meta[property="og:url"]', "content")).toBe(address);
  expect(await of('meta[name="robots"]', "content")).not.toContain("noindex");
  expect((await of('meta[name="description"]', "content"))?.length).toBeGreaterThan(20);
  const linked = await page.locator('head script[type="application/ld+json"]').textContent();
  expect(JSON.parse(linked ?? "")).toHaveProperty("@context");
  const image = await of('meta[property="og:image"]', "content");
  const loaded = await page.evaluate(async (url) => (await fetch(url as string)).headers.get("content-type"), image);
  expect(loaded).toBe("image/png");
  await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
});

test("a call to action that is seen and clicked arrives in A8 as one impression and one click", { tag: "@quick" }, async ({ page, request, journey }) => {
  const slug = await publishPage(request, journey);
  const counted = async () => {
    const { events = [] } = await ask(request, journey, "a8", `/api/lineage/${journey.traceId}`);
    const beacons = events.filter(({ event }: any) => event.event === "cta_impression");
    return beacons.map(({ event }: any) => event.business_metrics.ctr).sort();
  };
  await page.goto(`${urlOf("a7")}/p/${slug}`);
  await expect.poll(counted, { message: "click-through rates in A8", timeout: 20_000 }).toEqual([0]);
  await journey.press(callToAction(page));
  await expect(page).toHaveURL(landingFrom(slug));
  await expect.poll(counted, { message: "click-through rates in A8", timeout: 20_000 }).toEqual([0, 1]);
});

test("the newest page is found from the start page and in the sitemap", async ({ page, request, journey }) => {
  const slug = await publishPage(request, journey);
  await page.goto(urlOf("a7"));
  await journey.press(page.locator(`a[href="/p/${slug}"]`));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Awards for patient testers");
  const listed = async () => page.evaluate(async () => (await fetch("/sitemap.xml")).text());
  await expect.poll(listed, { timeout: 20_000 }).toContain(`/p/${slug}<`);
});
