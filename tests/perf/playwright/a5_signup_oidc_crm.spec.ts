// Signing up at A1 lasts at A5, ends when the student says so, and reaches the CRM.
import { expect, test, urlOf } from "./ecosystem";
import { logIn } from "./journey";
import { field, signUp, transactions } from "./students";

test("a sign-up leads to the dashboard without a circle, and lasts over reloads", { tag: "@quick" }, async ({ page, journey }) => {
  await signUp(page, journey);
  const before = (await journey.told()).length;
  for (let times = 0; times < 3; times++) await page.reload();
  await expect(field(page, "email")).toHaveText(journey.person.email);
  const reloads = (await journey.told()).slice(before);
  expect(reloads.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual(Array(3).fill("GET /dashboard 200"));
});

test("the session cookies have what browsers ask of them", { tag: "@quick" }, async ({ page, context, journey }) => {
  await signUp(page, journey);
  const kept = (await context.cookies()).filter(({ name }) => name.endsWith("_session"));
  const shown = kept.map(({ name, path, secure, httpOnly, sameSite }) => ({ name, path, secure, httpOnly, sameSite }));
  const common = { path: "/", secure: true, httpOnly: true };
  expect(shown.sort((one, other) => one.name.localeCompare(other.name))).toEqual([
    { name: "a1_session", ...common, sameSite: "None" },
    { name: "a5_session", ...common, sameSite: "Lax" },
  ]);
});

test("logging out ends the session, and logging in begins another", async ({ page, journey }) => {
  await signUp(page, journey);
  await journey.press(page.getByRole("button", { name: "Log out" }));
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("You are logged out");
  await test.step("end the session at A1 too", async () => {
    await journey.press(page.getByRole("link", { name: "sign out of your Scholar account" }));
    await journey.press(page.getByRole("button", { name: /sign out|log out/i }));
    await expect(page.getByRole("button", { name: /sign out|log out/i })).toHaveCount(0);
  });
  await page.goto(`${urlOf("a5")}/dashboard`);
  await expect(page.getByLabel("Password")).toBeVisible();
  await logIn(page, journey);
  await expect(page).toHaveURL(`${urlOf("a5")}/dashboard`);
  await expect(field(page, "email")).toHaveText(journey.person.email);
});

test("a wrong password says so and signs nobody in", async ({ page, journey }) => {
  await page.goto(`${urlOf("a5")}/login`);
  await logIn(page, journey);
  await expect(page.getByRole("alert")).toBeVisible();
  await page.goto(`${urlOf("a5")}/dashboard`);
  await expect(page.getByLabel("Password")).toBeVisible();
});

test("the CRM hears of a sign-up once", async ({ page, request, journey }) => {
  await signUp(page, journey);
  const signUps = async () => (await transactions(request, journey)).sign_ups;
  await expect.poll(signUps, { timeout: 20_000 }).toMatchObject([{ crm: "recorded", plan: "free" }]);
});
