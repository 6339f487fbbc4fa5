// A visitor of a page becomes a student who asks, pays and is counted: one way through six apps, in one trace.
import { expect, test, urlOf } from "./ecosystem";
import { createAccount } from "./journey";
import { CARD, callToAction, field, landingFrom, payWith, publishPage, seenInA8, topUp, transactions } from "./students";

test("a visitor of a page becomes a paying student", { tag: "@quick" }, async ({ page, request, journey }) => {
  test.setTimeout(60_000);
  const slug = await publishPage(request, journey);

  await test.step("read the page and follow its call to action", async () => {
    await page.goto(`${urlOf("a7")}/p/${slug}`);
    await journey.press(callToAction(page));
    await expect(page).toHaveURL(landingFrom(slug));
  });

  await test.step("sign up", async () => {
    await journey.press(page.getByRole("main").getByRole("link", { name: "Create a free account" }));
    await createAccount(page, journey);
    await expect(page).toHaveURL(`${urlOf("a5")}/dashboard`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`Welcome, ${journey.person.name}`);
    await expect(field(page, "balance")).toHaveText("5");
  });

  await test.step("ask the first question", async () => {
    await journey.press(page.getByRole("main").getByRole("link", { name: "Ask the assistant" }));
    await page.getByRole("radio").nth(1).check();
    await journey.press(page.getByRole("button", { name: "Ask" }));
    await expect(field(page, "answer")).toBeVisible();
    await expect(field(page, "balance")).toHaveText("4");
  });

  await test.step("choose a purchase", async () => {
    await journey.press(page.getByRole("navigation").getByRole("link", { name: "Pricing" }));
    await journey.press(topUp(page));
    await expect(field(page, "total")).toHaveText("$0.50");
  });

  await payWith(page, journey, CARD.pays);
  await expect(page).toHaveURL(/\/checkout\/return\?session_id=cs_/);
  await expect(field(page, "payment")).toHaveText("paid");
  await expect(field(page, "balance")).toHaveText("14");

  await test.step("look at what A5 keeps of it", async () => {
    const kept = await transactions(request, journey);
    expect(kept.sign_ups).toMatchObject([{ source_slug: slug, plan: "free" }]);
    expect(kept.orders).toMatchObject([{ plan: "micro", amount_minor: 50, currency: "usd", state: "paid", credits: 10 }]);
    expect(kept.activations).toHaveLength(1);
    expect(kept.ledger.map(({ kind, credits }: any) => `${kind} ${credits}`).sort()).toEqual(["grant 5", "purchase 10", "spend 1"]);
  });
  await seenInA8(request, journey, [
    "A1 identity_ok",
    "A5 activation_first_use",
    "A5 checkout_completed",
    "A5 checkout_started",
    "A5 credit_decrement",
    "A5 revenue_settled",
    "A7 cta_impression",
    "A7 page_published",
  ]);
});

test("each request of the journey carries its trace, through redirects and scripts", async ({ page, request, journey }) => {
  const slug = await publishPage(request, journey);
  const astray: string[] = [];
  page.on("response", async (response) => {
    const echoed = response.headers()["x-trace-id"];
    if (echoed !== journey.traceId) astray.push(`${response.request().method()} ${response.url()}: ${echoed}`);
  });
  await page.goto(`${urlOf("a7")}/p/${slug}`);
  await journey.press(callToAction(page));
  await journey.press(page.getByRole("main").getByRole("link", { name: "Create a free account" }));
  await createAccount(page, journey);
  await expect(page).toHaveURL(`${urlOf("a5")}/dashboard`);
  const apps = new Set((await journey.told()).map((hop) => hop.app));
  expect([...apps].sort()).toEqual(["A1", "A5", "A7"]);
  expect(astray, "answers in another trace").toEqual([]);
});
