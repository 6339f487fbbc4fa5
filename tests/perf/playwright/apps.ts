// Where the apps are, for browsers and for requests without one.

const APPS = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"];

function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the browser tests by \`cargo xtask test\``);
  return value;
}

/** Base URL of an app; the tests of an app that is not there fail with the variable to set. */
export const urlOf = (app: string): string => variable(`HANDSHAKE_${app.toUpperCase()}_URL`).replace(/\/$/, "");

/** The same for requests without a browser: only browsers take every name below `localhost` for this machine. */
export function directUrlOf(app: string): string {
  const url = new URL(urlOf(app));
  if (url.hostname.endsWith(".localhost")) url.hostname = "127.0.0.1";
  return url.origin;
}

export const secret = (name: string): string => variable(name);

/** Origins of the apps that are there. Where each has a host of its own, the payment page has one too, at A5's port. */
function origins(): Map<string, string> {
  const known = new Map<string, string>();
  for (const app of APPS) {
    const url = process.env[`HANDSHAKE_${app.toUpperCase()}_URL`];
    if (!url) continue;
    known.set(new URL(url).origin, app.toUpperCase());
    if (app === "a5") known.set(new URL(url.replace("//a5.", "//stripe.")).origin, "A5");
  }
  return known;
}

/** True if all apps are on this machine. What is kept of a failure holds cookies and forms: only made-up people have those here. */
export const onThisMachine = (): boolean =>
  [...origins().keys()].every((origin) => /^(127\.0\.0\.1|localhost|.+\.localhost)$/.test(new URL(origin).hostname));

/** The app that an address belongs to, as `A5`; null if it is none of theirs. */
export const appAt = (url: string): string | null => origins().get(new URL(url).origin) ?? null;
