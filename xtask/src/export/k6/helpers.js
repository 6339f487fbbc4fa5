// -- base
// Where an app is: its environment variable, or the port of the embedded ecosystem.
function base(app, port) {
  return (__ENV[`${app}_BASE_URL`] || `http://127.0.0.1:${port}`).replace(/\/+$/, '');
}

// -- scaled
// A duration, shortened by K6_DURATION_SCALE (0.01 makes 15 minutes 9 seconds).
function scaled(duration) {
  const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(duration);
  return `${Math.max(1, Math.round(number * { ms: 1, s: 1000, m: 60000 }[unit] * SCALE))}ms`;
}

// -- dropped
// One iteration in a thousand may find no free user; beyond that the load was not what it is called.
function dropped(planned) {
  return [`count<=${Math.floor((planned * SCALE) / 1000)}`];
}

// -- guard
// Load goes to this machine, or to a host that HANDSHAKE_ALLOW_HOST names (several with commas between them); more than
// 60 virtual users need a person's approval, given by HANDSHAKE_APPROVED_VUS.
function guard(bases, vus) {
  const allowed = ['127.0.0.1', 'localhost', ...(__ENV.HANDSHAKE_ALLOW_HOST || '').split(',')];
  for (const [app, url] of Object.entries(bases)) {
    const [, host] = /^https?:\/\/([^/:?#@]+)(?::\d+)?(?:\/|$)/.exec(url) || [];
    if (!host || !allowed.includes(host)) {
      throw new Error(`${app} at ${url}: no load goes to this host unless HANDSHAKE_ALLOW_HOST names it`);
    }
  }
  if (!['perf_test', 'simulated_audit'].includes(NAMESPACE)) {
    throw new Error(`namespace ${NAMESPACE}: synthetic traffic is perf_test or simulated_audit`);
  }
  if (vus > 60 && vus > Number(__ENV.HANDSHAKE_APPROVED_VUS || 0)) {
    throw new Error(`${vus} virtual users: a person approves more than 60 with HANDSHAKE_APPROVED_VUS=${vus}`);
  }
}

// -- next
// What is fresh in each request: a span of the iteration's trace, and an idempotency key.
function next(trace) {
  return { trace, span: hex(8), key: uuid() };
}

// -- drawn
// What is drawn once for an iteration: an id, and a PKCE verifier with its S256 challenge (RFC 7636).
function drawn() {
  const verifier = b64encode(randomBytes(32), 'rawurl');
  return { id: hex(16), verifier, challenge: sha256(verifier, 'base64rawurl') };
}

// -- keep
// Browsers send a Secure cookie over plain http to this machine; k6 has to be told.
function keep(r) {
  if (!r.url.startsWith('http:')) return;
  for (const [name, cookies] of Object.entries(r.cookies || {})) {
    for (const { secure, value, path } of cookies) {
      if (secure) http.cookieJar().set(r.url, name, value, { path: path || '/' });
    }
  }
}

// -- params
// Parameters of a request: headers of its own, then those that mark and trace it.
function params(call, name, more) {
  return {
    redirects: 0,
    timeout: '10s',
    ...more,
    headers: {
      ...more.headers,
      ...LABELS,
      traceparent: `00-${call.trace}-${call.span}-01`,
      'x-trace-id': call.trace,
    },
    tags: { name },
  };
}

// -- judge
// Checks an answer and takes values from it. One unmet expectation makes the whole answer an unexpected one.
function judge(answer, name, expectations, vars, extracts) {
  const all = { ...expectations };
  for (const [variable, take] of Object.entries(extracts || {})) {
    all[`has ${variable}`] = (r) => {
      vars[variable] = take(r);
      return vars[variable] !== undefined;
    };
  }
  keep(answer);
  const right = check(answer, all, { name });
  unexpected.add(!right, { name });
  return right;
}

// -- at
// The JSON value at a pointer (RFC 6901); undefined if there is none.
function at(r, pointer) {
  if (parsed.r !== r) {
    parsed.r = r;
    try {
      parsed.value = JSON.parse(body(r));
    } catch (_) {
      parsed.value = undefined;
    }
  }
  const names = pointer.split('/').slice(1).map((name) => name.replace(/~1/g, '/').replace(/~0/g, '~'));
  return names.reduce((value, name) => (Object(value) === value ? value[name] : undefined), parsed.value);
}
const parsed = {};

// -- same
// Equal JSON, in whatever order the fields are.
function same(a, b) {
  if (Object(a) !== a || Object(b) !== b || Array.isArray(a) !== Array.isArray(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => name in b && same(a[name], b[name]));
}

// -- like
// True if there is a text, and it matches.
function like(text, pattern) {
  return text !== undefined && pattern.test(text);
}

// -- stars
// A pattern of these texts with anything between them.
function stars(texts) {
  return new RegExp(`^${texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('[^]*')}$`);
}

// -- scalar
// The text of a JSON text, number or boolean.
function scalar(value) {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

// -- body
function body(r) {
  return r.body || '';
}

// -- bytes
// The length of a body in UTF-8.
function bytes(r) {
  return [...body(r)].reduce((sum, c) => sum + [0x80, 0x800, 0x10000].filter((n) => c.codePointAt(0) >= n).length + 1, 0);
}

// -- header
// A header in whatever case; undefined if there is none.
function header(r, name) {
  const found = Object.keys(r.headers).find((own) => own.toLowerCase() === name);
  return found === undefined ? undefined : r.headers[found];
}

// -- setCookie
// The text of the Set-Cookie header of this cookie; k6 joins several headers with commas.
function setCookie(r, name) {
  const all = (header(r, 'set-cookie') || '').split(/,\s*(?=[^;,=\s]+=)/);
  return all.find((text) => text.split('=')[0].trim() === name);
}

// -- hasAttributes
function hasAttributes(cookie, attributes) {
  const own = (cookie || '').split(';').slice(1).map((attribute) => attribute.trim().toLowerCase());
  return cookie !== undefined && attributes.every((attribute) => own.includes(attribute));
}

// -- cookieValue
function cookieValue(cookie) {
  return cookie === undefined ? undefined : cookie.split(';')[0].split('=').slice(1).join('=').trim();
}

// -- formField
// The value of the input with this name.
function formField(r, name) {
  return parseHTML(body(r)).find(`input[name="${name}"]`).attr('value');
}

// -- group
// The first group of a regular expression.
function group(text, expression) {
  return (expression.exec(text) || [])[1];
}

// -- queryOf
// A parameter of the query of a URL.
function queryOf(url, name) {
  const query = (url || '').split('#')[0].split('?').slice(1).join('?');
  const pairs = query.split('&').map((pair) => pair.replace(/\+/g, ' ').split('='));
  const pair = pairs.find(([own]) => decodeURIComponent(own) === name);
  return pair && decodeURIComponent(pair.slice(1).join('='));
}

// -- records
// The records of a file of JSON lines, each field as text.
function records(file) {
  return new SharedArray(file, () => {
    const lines = open(file).split('\n').filter((line) => line.trim() !== '');
    const texts = (record) => Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]));
    return lines.map((line) => texts(JSON.parse(line)));
  });
}

// -- pick
// A record; running out of them ends the test, they are never used again.
function pick(all, index, file) {
  if (index >= all.length) exec.test.abort(`${file} has ${all.length} records, and record ${index + 1} was asked for`);
  return all[index];
}

// -- mixed
// A random index that depends on the seed and the iteration only.
function mixed(seed, iteration, length) {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(iteration + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  return ((h ^ (h >>> 15)) >>> 0) % length;
}

// -- form
// A form's body.
function form(fields) {
  return fields.map(([name, value]) => `${percent(name)}=${percent(value)}`).join('&');
}

// -- percent
// Percent-encodes all but RFC 3986's unreserved characters.
function percent(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

// -- uuid
// A random UUID (version 4).
function uuid() {
  const h = hex(16);
  const variant = ((parseInt(h[16], 16) & 3) | 8).toString(16);
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20)}`;
}

// -- hex
// Random bytes in hex.
function hex(count) {
  return Array.from(new Uint8Array(randomBytes(count)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
