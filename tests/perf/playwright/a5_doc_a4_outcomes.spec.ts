// A document goes up, A4 reads it, and its outcome is shown.
import { expect, test, urlOf } from "./ecosystem";
import { field, seenInA8, signUp, transactions } from "./students";

const TEXT = `I volunteer at the food bank every Saturday and tutor two classmates in mathematics.
Last year I led our robotics club to the regional final. I want to study engineering because our town floods.`;

test("a document is uploaded, read, and its outcome shown", { tag: "@quick" }, async ({ page, request, journey }) => {
  await signUp(page, journey);
  await journey.press(page.getByRole("navigation").getByRole("link", { name: "Documents" }));
  await page.getByLabel("Title").fill("My activities");
  await page.getByLabel("File").setInputFiles({ name: "activities.md", mimeType: "text/markdown", buffer: Buffer.from(TEXT) });
  await journey.press(page.getByRole("button", { name: "Upload and read" }));
  await expect(page).toHaveURL(/\/documents\/[0-9a-z_-]+$/);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("My activities");
  await expect(field(page, "words")).toHaveText(String(TEXT.split(/\s+/).length));
  await expect(field(page, "next_steps").getByRole("listitem").first()).toBeVisible();

  await journey.press(page.getByRole("link", { name: "Your documents" }));
  await expect(page.getByRole("main").getByRole("link", { name: "My activities" })).toHaveCount(1);
  expect((await transactions(request, journey)).documents).toHaveLength(1);
  await seenInA8(request, journey, ["A5 document_ingested"]);
});

test("a file that is no text is refused with a reason, and nothing is kept", async ({ page, request, journey }) => {
  await signUp(page, journey);
  await page.goto(`${urlOf("a5")}/documents`);
  await page.getByLabel("Title").fill("A picture");
  await page.getByLabel("File").setInputFiles({ name: "picture.png", mimeType: "image/png", buffer: Buffer.from([0x89, 0x50, 0, 1]) });
  await journey.press(page.getByRole("button", { name: "Upload and read" }));
  await expect(page.getByRole("alert")).toBeVisible();
  expect((await transactions(request, journey)).documents).toHaveLength(0);
});
