// Why a journey broke, worked out from what the browser did: one sentence that begins with the app and the request.

/** One request of the browser. */
export interface Hop {
  /** `A5`; null for an address that is none of the eight apps'. */
  app: string | null;
  method: string;
  /** Path, with the names of the query but not their values. */
  path: string;
  /** Null if there was no answer. */
  status: number | null;
  ms: number | null;
  /** Where the answer redirects: app and path, as `A5 /dashboard`. */
  redirects_to: string | null;
  /** Names and attributes of the cookies that the answer sets: `a5_session; Path=/; Secure`. */
  set_cookies: string[];
  /** Names of the cookies that the request carried. */
  sent_cookies: string[];
  /** Why there was no answer, in the browser's words. */
  failure: string | null;
}

/** A button or link that was pressed. */
export interface Press {
  label: string;
  /** The page it is on: app and path. */
  on: string;
  /** How many requests there had been. */
  after: number;
}

/** What the browser did and said. */
export interface Journal {
  hops: Hop[];
  presses: Press[];
  /** What its console said of a content security policy. */
  blocked: string[];
}

/** A page that is asked for so often without a person doing anything is in a circle. */
const CIRCLE = 4;

const named = (hop: Hop): string => `${hop.app ?? "elsewhere"} ${hop.method} ${hop.path}`;
const bare = (path: string): string => path.split("?")[0];
const isSession = (cookie: string): boolean => /^[a-z0-9]+_session(;|$)/.test(cookie);
const isDeleted = (cookie: string): boolean => /;\s*max-age=0\b/i.test(cookie);

/** The cause in one sentence; undefined if nothing that the browser did explains it. */
export function causeOf(journal: Journal): string | undefined {
  const rules = [blocked, dropped, circle, deadPress, brokenServer, unanswered, refused];
  for (const rule of rules) {
    const found = rule(journal);
    if (found) return found;
  }
  return undefined;
}

/** The content security policy of a page forbids what the page needs. */
function blocked({ hops, blocked }: Journal): string | undefined {
  const said = blocked.at(0);
  if (said === undefined) return undefined;
  const directive = /directive: "([a-z-]+)/.exec(said)?.[1] ?? "its content security policy";
  const target = /(https?:\/\/[^\s'"/]+)/.exec(said)?.[1];
  const page = hops.findLast((hop) => hop.app !== null && hop.status !== null && hop.status < 300);
  const what = target ? `the origin ${target}` : "what the page asks for";
  return `${page ? named(page) : "elsewhere"}: ${directive} blocks ${what}`;
}

/** A session cookie is set in a way that keeps it from coming back. */
function dropped({ hops }: Journal): string | undefined {
  for (const [at, hop] of hops.entries()) {
    for (const cookie of hop.set_cookies.filter((line) => isSession(line) && !isDeleted(line))) {
      const name = cookie.split(";")[0];
      const why = keepsAway(cookie, hop.app);
      const later = hops.slice(at + 1).find((next) => next.app === hop.app);
      const isBack = later === undefined || later.sent_cookies.includes(name);
      if (why && (why.always || !isBack)) return `${named(hop)}: ${name} ${why.text}`;
      if (!isBack) return `${named(hop)}: ${name} is set, but ${named(later)} does not carry it (${cookie})`;
    }
  }
  return undefined;
}

/** The attribute that keeps a cookie from where it is needed; `always` if it is wrong whoever looks. */
function keepsAway(cookie: string, app: string | null): { text: string; always: boolean } | undefined {
  const sameSite = /;\s*samesite=(\w+)/i.exec(cookie)?.[1];
  const path = /;\s*path=([^;]+)/i.exec(cookie)?.[1].trim() ?? "/";
  const domain = /;\s*domain=([^;]+)/i.exec(cookie)?.[1];
  if (app === "A1" && sameSite?.toLowerCase() !== "none") {
    const is = sameSite ? `SameSite=${sameSite}` : "without SameSite";
    return { text: `is ${is}, so no request that another site makes carries it`, always: true };
  }
  if (!/;\s*secure\b/i.test(cookie)) return { text: "is not Secure, so anybody on the way can read it", always: true };
  if (path !== "/") return { text: `has Path=${path}, so other pages do not get it`, always: false };
  if (domain) return { text: `has Domain=${domain}, which the browser does not take`, always: false };
  return undefined;
}

/** Redirects lead in a circle. */
function circle({ hops, presses }: Journal): string | undefined {
  const begins = presses.at(-1)?.after ?? 0;
  const visits = new Map<string, number[]>();
  for (const [at, hop] of hops.entries()) {
    if (at < begins || hop.redirects_to === null) continue;
    const seen = [...(visits.get(named(hop)) ?? []), at];
    visits.set(named(hop), seen);
    if (seen.length < CIRCLE) continue;
    const round = hops.slice(seen.at(-2), at);
    const names = round.map((one) => `${one.app ?? "elsewhere"} ${bare(one.path)}`);
    const callback = round.find((one) => bare(one.path).endsWith("/callback"));
    if (callback && !callback.set_cookies.some(isSession)) {
      return `${named(callback)}: sets no session cookie, so the sign-in goes in a circle: ${names.join(" → ")}`;
    }
    return `${named(hop)}: redirects in a circle: ${names.join(" → ")}`;
  }
  return undefined;
}

/** The last button that was pressed sent nothing. */
function deadPress({ hops, presses }: Journal): string | undefined {
  const last = presses.at(-1);
  if (!last || hops.length > last.after) return undefined;
  return `${last.on}: "${last.label}" leads nowhere: pressing it sends no request`;
}

function brokenServer({ hops }: Journal): string | undefined {
  const hop = hops.find((hop) => hop.status !== null && hop.status >= 500);
  return hop && `${named(hop)}: answered ${hop.status}`;
}

function unanswered({ hops }: Journal): string | undefined {
  // A page that is left takes its own requests back.
  const hop = hops.find((hop) => hop.failure !== null && !hop.failure.includes("ERR_ABORTED"));
  return hop && `${named(hop)}: no answer (${hop.failure})`;
}

function refused({ hops }: Journal): string | undefined {
  const hop = hops.findLast((hop) => hop.status !== null && hop.status >= 400);
  return hop && `${named(hop)}: answered ${hop.status}`;
}
