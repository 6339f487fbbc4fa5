// npm's stripe, Stripe's own library, sells something at A5's payment provider and verifies the webhooks of it.

import { createServer } from 'node:http'
import { randomUUID } from 'node:crypto'

import Stripe from 'stripe'

const BASE = new URL(needed('HANDSHAKE_A5_URL'))
const KEY = process.env.HANDSHAKE_STRIPE_KEY ?? 'sk_test_embedded'
const LOOKUP_KEY = 'foreign_client_micro'
const COMPLETED = 'checkout.session.completed'
/** How long a webhook may take. */
const PATIENCE_MS = 20_000

function needed(name) {
  const value = process.env[name]
  if (!value) {
    console.log(`FAILED: the script is told where A5 is: set ${name}`)
    process.exit(1)
  }
  return value
}

/** The library, pointed at A5's port. */
function library(key = KEY) {
  const [protocol, port] = [BASE.protocol.replace(':', ''), BASE.port || undefined]
  return new Stripe(key, { host: BASE.hostname, port, protocol, maxNetworkRetries: 0, telemetry: false })
}

const stripe = library()

function equal(what, expected, seen) {
  if (expected !== seen) throw new Error(`${what} is ${seen}, expected ${expected}`)
}

/** What makes an error the expected one: its class, and each property. */
async function refusedWith(kind, expected, attempt) {
  let error
  try {
    await attempt()
  } catch (caught) {
    error = caught
  }
  if (!error) throw new Error('it was accepted')
  if (!(error instanceof kind)) throw new Error(`expected a ${kind.name}, saw ${error.type ?? error.name}: ${error.message}`)
  for (const [name, value] of Object.entries(expected)) equal(name, value, error[name])
}

/** The micro price: found by its lookup key, or made. */
async function microPrice() {
  const found = await stripe.prices.list({ lookup_keys: [LOOKUP_KEY], active: true, limit: 1 })
  if (found.data.length > 0) return found.data[0]
  const product_data = { name: 'Credits', metadata: { made_by: 'stripe-node' } }
  return stripe.prices.create({ currency: 'usd', unit_amount: 50, lookup_key: LOOKUP_KEY, product_data })
}

async function checkout(more = {}) {
  const price = await microPrice()
  return stripe.checkout.sessions.create({
    mode: 'payment',
    line_items: [{ price: price.id, quantity: 2 }],
    success_url: 'http://127.0.0.1:49322/thanks?session_id={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://127.0.0.1:49322/',
    metadata: { 'order id': 'a&b=c' },
    ...more,
  })
}

/** Pays a session on its page, as a browser without scripts would. */
async function pay(session, card) {
  const html = await (await fetch(session.url)).text()
  const nonce = /name="form_nonce" value="([^"]+)"/.exec(html)?.[1]
  if (!nonce) throw new Error(`no form at ${session.url}`)
  const body = new URLSearchParams({ card, form_nonce: nonce })
  return fetch(session.url, { method: 'POST', body, redirect: 'manual' })
}

/** An endpoint that is registered while `use` runs; it gives the next delivery that `wanted` accepts. */
async function withEndpoint(use) {
  const [arrived, waiting] = [[], []]
  const server = createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      response.end('{}')
      arrived.push({ body: Buffer.concat(parts), signature: request.headers['stripe-signature'] })
      waiting.forEach((look) => look())
    })
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${server.address().port}/hook`
  const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: [COMPLETED] })
  const next = (wanted) =>
    new Promise((found, lost) => {
      const over = setTimeout(() => lost(new Error(`no such webhook within ${PATIENCE_MS} ms`)), PATIENCE_MS)
      const look = () => {
        const delivery = arrived.find(wanted)
        if (!delivery) return
        clearTimeout(over)
        found(delivery)
      }
      waiting.push(look)
      look()
    })
  try {
    return await use(next, endpoint)
  } finally {
    await stripe.webhookEndpoints.del(endpoint.id)
    server.close()
    server.closeAllConnections()
  }
}

/** A webhook of a payment that was really made, and the endpoint's secret. */
async function delivered() {
  return withEndpoint(async (next, endpoint) => {
    const session = await checkout()
    const paid = await pay(session, '4242424242424242')
    equal('the status after paying', 303, paid.status)
    const delivery = await next(({ body }) => body.includes(session.id))
    return { ...delivery, session, secret: endpoint.secret }
  })
}

const errors = Stripe.errors

const cases = {
  'the micro price is made once, and found by its lookup key from then on': async () => {
    const [made, found] = [await microPrice(), await microPrice()]
    equal('the price found', made.id, found.id)
    equal('the amount', 50, found.unit_amount)
    const product = await stripe.products.retrieve(found.product)
    equal('the product', 'Credits', product.name)
    const again = { currency: 'usd', unit_amount: 60, lookup_key: LOOKUP_KEY, product: product.id }
    await refusedWith(errors.StripeInvalidRequestError, { param: 'lookup_key' }, () => stripe.prices.create(again))
  },
  'the same idempotency key makes one product, and says that it answers again': async () => {
    const idempotencyKey = randomUUID()
    const first = await stripe.products.create({ name: 'once' }, { idempotencyKey })
    const second = await stripe.products.create({ name: 'once' }, { idempotencyKey })
    equal('the second product', first.id, second.id)
    equal('the replay header', 'true', second.lastResponse.headers['idempotent-replayed'])
  },
  'an idempotency key with other parameters is refused (StripeIdempotencyError)': async () => {
    const idempotencyKey = randomUUID()
    await stripe.products.create({ name: 'one' }, { idempotencyKey })
    const other = () => stripe.products.create({ name: 'two' }, { idempotencyKey })
    await refusedWith(errors.StripeIdempotencyError, { statusCode: 400 }, other)
  },
  'a checkout session is made, retrieved with what it holds, and expired': async () => {
    const made = await checkout()
    const session = await stripe.checkout.sessions.retrieve(made.id, { expand: ['line_items'] })
    equal('the total', 100, session.amount_total)
    equal('the metadata', 'a&b=c', session.metadata['order id'])
    equal('the quantity', 2, session.line_items.data[0].quantity)
    equal('livemode', false, session.livemode)
    const lines = await stripe.checkout.sessions.listLineItems(made.id)
    equal('the line', session.line_items.data[0].id, lines.data[0].id)
    equal('the status', 'expired', (await stripe.checkout.sessions.expire(made.id)).status)
    const again = () => stripe.checkout.sessions.expire(made.id)
    await refusedWith(errors.StripeInvalidRequestError, { statusCode: 400 }, again)
    equal('the status of its page', 410, (await fetch(made.url)).status)
  },
  'lists page by themselves, without gap or repetition': async () => {
    const made = []
    for (let number = 0; number < 7; number++) made.unshift((await stripe.products.create({ name: `p${number}` })).id)
    const walked = []
    for await (const product of stripe.products.list({ limit: 3 })) {
      walked.push(product.id)
      if (walked.length === made.length) break
    }
    equal('the walk', made.join(), walked.join())
    const all = await stripe.products.list({ limit: 3 }).autoPagingToArray({ limit: 10_000 })
    equal('the number of different ids', all.length, new Set(all.map((product) => product.id)).size)
  },
  'a wrong key is refused (StripeAuthenticationError)': async () => {
    for (const key of ['sk_test_wrong', 'sk_live_wrong']) {
      await refusedWith(errors.StripeAuthenticationError, { statusCode: 401 }, () => library(key).prices.list())
    }
  },
  'a missing object and an unknown parameter are refused (StripeInvalidRequestError)': async () => {
    const missing = { statusCode: 404, code: 'resource_missing', param: 'id' }
    await refusedWith(errors.StripeInvalidRequestError, missing, () => stripe.prices.retrieve('price_none'))
    const unknown = { statusCode: 400, code: 'parameter_unknown', param: 'colour' }
    const create = () => stripe.products.create({ name: 'x', colour: 'red' })
    await refusedWith(errors.StripeInvalidRequestError, unknown, create)
  },
  'a declined card is refused (StripeCardError)': async () => {
    const payment = { amount: 500, currency: 'usd', confirm: true, payment_method: 'pm_card_visa' }
    equal('the payment', 'succeeded', (await stripe.paymentIntents.create(payment)).status)
    const declined = { statusCode: 402, code: 'card_declined', decline_code: 'generic_decline' }
    const attempt = () => stripe.paymentIntents.create({ ...payment, payment_method: 'pm_card_chargeDeclined' })
    await refusedWith(errors.StripeCardError, declined, attempt)
  },
  'a webhook of a real payment verifies, and tells of the session': async () => {
    const { body, signature, secret, session } = await delivered()
    const event = stripe.webhooks.constructEvent(body, signature, secret)
    equal('the type', COMPLETED, event.type)
    equal('the session', session.id, event.data.object.id)
    equal('the payment', 'paid', event.data.object.payment_status)
    const known = await stripe.events.retrieve(event.id)
    equal('the event at the API', event.data.object.id, known.data.object.id)
    const listed = await stripe.events.list({ type: COMPLETED, limit: 1 })
    equal('the newest such event', event.id, listed.data[0].id)
  },
  'a webhook that was changed, signed by somebody else or old is refused': async () => {
    const { body, signature, secret } = await delivered()
    const verify = (...given) => () => stripe.webhooks.constructEvent(...given)
    const changed = Buffer.from(body.toString().replace('"amount_total": 100', '"amount_total": 1'))
    if (changed.equals(body)) throw new Error(`the amount is not in ${body}`)
    const refusal = errors.StripeSignatureVerificationError
    await refusedWith(refusal, {}, verify(changed, signature, secret))
    await refusedWith(refusal, {}, verify(body, signature, 'whsec_other'))
    const inSixMinutes = Math.floor(Date.now() / 1_000) + 360
    await refusedWith(refusal, {}, verify(body, signature, secret, undefined, undefined, inSixMinutes * 1_000))
  },
}

for (const [title, attempt] of Object.entries(cases)) {
  try {
    await attempt()
    console.log(`ok: ${title}`)
  } catch (error) {
    console.log(`FAILED: ${title}: ${error.message.replaceAll('\n', ' ')}`)
    process.exitCode = 1
  }
}
