// How the browser tests run. `cargo xtask test` sets the environment: HANDSHAKE_CHROMIUM names the browser, HANDSHAKE_A8_URL
// and its like say where the apps are.
import { defineConfig } from "@playwright/test";
import { onThisMachine } from "./apps";

const chromium = process.env.HANDSHAKE_CHROMIUM || undefined;
const asRoot = process.getuid?.() === 0;
// The browser can look up the apps' hosts and no other: what is not listed gets no byte.
const hosts = Object.entries(process.env)
  .filter(([name, url]) => /^HANDSHAKE_A[1-8]_URL$/.test(name) && url)
  .map(([, url]) => new URL(url!).hostname);
const allowed = [...new Set([...hosts, "127.0.0.1", "localhost", "*.localhost"])].map((host) => `EXCLUDE ${host}`);

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.ts",
  outputDir: "test-results",
  // A test that passes at the second try has failed once.
  retries: 0,
  workers: 1,
  forbidOnly: true,
  timeout: 30_000,
  globalTimeout: 10 * 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    browserName: "chromium",
    headless: true,
    locale: "en-US",
    timezoneId: "UTC",
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    trace: onThisMachine() ? "retain-on-failure" : "off",
    screenshot: "only-on-failure",
    video: "off",
    launchOptions: {
      executablePath: chromium,
      args: [
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        `--host-resolver-rules=MAP * ~NOTFOUND, ${allowed.join(", ")}`,
        // Chromium's sandbox refuses root.
        ...(asRoot ? ["--no-sandbox"] : []),
      ],
    },
  },
});
