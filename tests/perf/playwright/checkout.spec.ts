// Paying: cards that are declined or told late, the way back, and hands that click twice.
import { expect, test, urlOf } from "./ecosystem";
import { CARD, chooseTopUp, field, payWith, signUp, topUp, transactions } from "./students";

test("a declined card says so and charges nothing, and another card pays", { tag: "@quick" }, async ({ page, request, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  await payWith(page, journey, CARD.declined);
  await expect(page.getByRole("alert")).toContainText("was declined");
  expect((await transactions(request, journey)).orders).toMatchObject([{ state: "open" }]);
  await payWith(page, journey, CARD.pays);
  await expect(field(page, "payment")).toHaveText("paid");
  await expect(field(page, "balance")).toHaveText("15");
});

test("a payment that is told late is pending first, and then paid without a hand", async ({ page, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  await payWith(page, journey, CARD.toldLate);
  await expect(field(page, "payment")).toHaveText("pending");
  await expect(field(page, "balance")).toHaveText("5");
  await expect(field(page, "payment")).toHaveText("paid", { timeout: 15_000 });
  await expect(field(page, "balance")).toHaveText("15");
});

test("a payment that is told three times gives its credits once", async ({ page, request, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  await payWith(page, journey, CARD.toldThrice);
  await expect(field(page, "payment")).toHaveText("paid");
  await page.goto(`${urlOf("a5")}/credits`);
  await expect(field(page, "balance")).toHaveText("15");
  expect((await transactions(request, journey)).webhooks).toEqual({ accepted: 1, duplicates: 2 });
});

test("the way back from the payment page buys nothing", async ({ page, request, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  await journey.press(page.getByRole("link", { name: "Go back without paying" }));
  await expect(page).toHaveURL(`${urlOf("a5")}/checkout/cancelled`);
  await page.goto(`${urlOf("a5")}/credits`);
  await expect(field(page, "balance")).toHaveText("5");
  expect((await transactions(request, journey)).ledger).toHaveLength(1);
});

test("the back button after paying leads to a page that says it is paid", async ({ page, request, journey }) => {
  await signUp(page, journey);
  await chooseTopUp(page, journey);
  await payWith(page, journey, CARD.pays);
  await expect(field(page, "payment")).toHaveText("paid");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Already paid");
  await journey.press(page.getByRole("link", { name: "Back to Scholar" }));
  await expect(field(page, "payment")).toHaveText("paid");
  expect((await transactions(request, journey)).orders).toHaveLength(1);
});

test("a double click buys once", { tag: "@quick" }, async ({ page, request, journey }) => {
  await signUp(page, journey);
  await page.goto(`${urlOf("a5")}/pricing`);
  await topUp(page).dblclick();
  await expect(field(page, "total")).toHaveText("$0.50");
  await page.getByLabel("Card number").fill(CARD.pays);
  await page.getByRole("button", { name: "Pay $0.50" }).dblclick();
  await expect(field(page, "payment")).toHaveText("paid");
  await expect(field(page, "balance")).toHaveText("15");
  const { orders, ledger } = await transactions(request, journey);
  expect(orders).toMatchObject([{ state: "paid" }]);
  expect(ledger.filter(({ kind }: any) => kind === "purchase")).toHaveLength(1);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a student pays and has her credits all the same", async ({ page, journey }) => {
    await signUp(page, journey);
    await chooseTopUp(page, journey);
    await payWith(page, journey, CARD.pays);
    await expect(field(page, "payment")).toHaveText("paid");
    await expect(field(page, "balance")).toHaveText("15");
  });
});
