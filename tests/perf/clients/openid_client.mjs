// npm's openid-client signs in at A1 with its strict defaults, and refuses what it must.

import * as client from 'openid-client'

const ISSUER = new URL(needed('HANDSHAKE_A1_URL'))
const ADMIN_KEY = needed('HANDSHAKE_ADMIN_KEY')
const REDIRECT = 'http://127.0.0.1:49321/callback'
const SCOPE = 'openid profile email offline_access'
const PERSON = { username: 'test_student_e2e_01', password: 'embedded-password-01' }

function needed(name) {
  const value = process.env[name]
  if (!value) {
    console.log(`FAILED: the script is told what it needs: set ${name}`)
    process.exit(1)
  }
  return value
}

/** The library, set up by discovery; plain http is allowed because it goes to this machine. */
function configured(id = 'harness', metadata = undefined, proof = client.None()) {
  const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks]
  return client.discovery(ISSUER, id, metadata, proof, { execute })
}

/** Goes on with a request as a browser would: cookies are kept, the form is filled in, redirects are followed. */
async function browse(url) {
  const cookies = new Map()
  const send = async (to, form = undefined) => {
    const headers = { accept: 'text/html', cookie: [...cookies].map((pair) => pair.join('=')).join('; ') }
    const body = form && new URLSearchParams(form)
    const answer = await fetch(to, { method: form ? 'POST' : 'GET', headers, body, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      cookies.set(name, value)
    }
    return answer
  }
  const page = await send(url)
  const html = await page.text()
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1]
  const nonce = /name="form_nonce" value="([^"]+)"/.exec(html)?.[1]
  if (!action || !nonce) throw new Error(`no login form but ${page.status}: ${html.slice(0, 200)}`)
  const answer = await send(new URL(action, url), { form_nonce: nonce, ...PERSON })
  const location = answer.headers.get('location')
  if (!location?.startsWith(`${REDIRECT}?`)) throw new Error(`the login leads to ${location} (${answer.status})`)
  return new URL(location)
}

/** A request in the making, and what the library must find in its answer. */
async function begin(config) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const checks = {
    pkceCodeVerifier,
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return { url, checks }
}

/** Signs in; `instead` replaces some of what the library checks. */
async function signIn(config, instead = {}) {
  const { url, checks } = await begin(config)
  const returned = await browse(url)
  const tokens = await client.authorizationCodeGrant(config, returned, { ...checks, ...instead })
  return { tokens, returned, checks }
}

/** Changes the ID token of every token answer on its way to the library. */
function tampered(config, change) {
  config[client.customFetch] = async (url, options) => {
    const answer = await fetch(url, options)
    if (!answer.ok || !url.endsWith('/oidc/token')) return answer
    const body = await answer.json()
    return Response.json({ ...body, id_token: change(body.id_token.split('.')).join('.') })
  }
  return config
}

/** Flips the lowest bit of one byte of a base64url part. */
function flipped(part, at) {
  const bytes = Buffer.from(part, 'base64url')
  bytes[at] ^= 1
  return bytes.toString('base64url')
}

/** What makes an error the expected one: each property, and what the message has to contain. */
async function refusedWith(expected, attempt) {
  let error
  try {
    await attempt()
  } catch (caught) {
    error = caught
  }
  if (!error) throw new Error('it was accepted')
  const causes = [error, error.cause].filter(Boolean)
  for (const [name, value] of Object.entries(expected)) {
    const fits = causes.some((one) => (name === 'message' ? one.message?.includes(value) : one[name] === value))
    if (!fits) throw new Error(`expected ${name} ${value}, saw ${error.code} ${error.error ?? ''}: ${error.message}`)
  }
}

function equal(what, expected, seen) {
  if (expected !== seen) throw new Error(`${what} is ${seen}, expected ${expected}`)
}

const cases = {
  'discovery, sign-in, signature of the ID token, userinfo': async () => {
    const config = await configured()
    const { tokens } = await signIn(config)
    const claims = tokens.claims()
    equal('iss', ISSUER.origin, claims.iss)
    equal('aud', 'harness', claims.aud)
    const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
    equal('the e-mail at userinfo', claims.email, person.email)
    equal('the name at userinfo', 'Test Student 01', person.name)
  },
  'a refresh token gives new tokens, once': async () => {
    const config = await configured()
    const { tokens } = await signIn(config)
    const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
    equal('sub', tokens.claims().sub, renewed.claims().sub)
    if (renewed.refresh_token === tokens.refresh_token) throw new Error('the refresh token is not replaced')
    const refused = { error: 'invalid_grant', status: 400 }
    await refusedWith(refused, () => client.refreshTokenGrant(config, tokens.refresh_token))
    await refusedWith(refused, () => client.refreshTokenGrant(config, renewed.refresh_token))
  },
  'a code is not redeemed twice (invalid_grant)': async () => {
    const config = await configured()
    const { returned, checks } = await signIn(config)
    const again = () => client.authorizationCodeGrant(config, returned, checks)
    await refusedWith({ error: 'invalid_grant', status: 400 }, again)
  },
  'a code is not redeemed with another verifier (invalid_grant)': async () => {
    const config = await configured()
    const other = { pkceCodeVerifier: client.randomPKCECodeVerifier() }
    await refusedWith({ error: 'invalid_grant', status: 400 }, () => signIn(config, other))
  },
  'a request without PKCE comes back refused (invalid_request)': async () => {
    const config = await configured()
    const url = client.buildAuthorizationUrl(config, { redirect_uri: REDIRECT, scope: SCOPE, state: 's' })
    const answer = await fetch(url, { redirect: 'manual' })
    const returned = new URL(answer.headers.get('location'))
    const grant = () => client.authorizationCodeGrant(config, returned, { expectedState: 's' })
    await refusedWith({ error: 'invalid_request' }, grant)
  },
  'an ID token with a flipped byte in its claims is refused': async () => {
    // A digit of `iat`, so that the token says nothing else that is wrong.
    const change = ([head, claims, signature]) => {
      const at = Buffer.from(claims, 'base64url').indexOf('"iat":') + '"iat":'.length + 9
      return [head, flipped(claims, at), signature]
    }
    const config = tampered(await configured(), change)
    await refusedWith({ message: 'JWT signature verification failed' }, () => signIn(config))
  },
  'an ID token with a flipped byte in its signature is refused': async () => {
    const config = tampered(await configured(), ([head, claims, signature]) => [head, claims, flipped(signature, 7)])
    await refusedWith({ message: 'JWT signature verification failed' }, () => signIn(config))
  },
  'an expired ID token is refused': async () => {
    const config = await configured('harness', { [client.clockSkew]: 60 * 60 })
    const expired = { code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED', message: '"exp"' }
    await refusedWith(expired, () => signIn(config))
  },
  'an ID token with another nonce is refused': async () => {
    const other = { expectedNonce: client.randomNonce() }
    const refused = { code: 'OAUTH_JWT_CLAIM_COMPARISON_FAILED', message: '"nonce"' }
    await refusedWith(refused, async () => signIn(await configured(), other))
  },
  'an answer with another state is refused': async () => {
    const other = { expectedState: client.randomState() }
    const refused = { code: 'OAUTH_INVALID_RESPONSE', message: '"state"' }
    await refusedWith(refused, async () => signIn(await configured(), other))
  },
  'an answer of another issuer is refused (iss)': async () => {
    const config = await configured()
    const { url, checks } = await begin(config)
    const returned = await browse(url)
    returned.searchParams.set('iss', 'http://127.0.0.1:1')
    const grant = () => client.authorizationCodeGrant(config, returned, checks)
    await refusedWith({ code: 'OAUTH_INVALID_RESPONSE', message: '"iss"' }, grant)
  },
  'a client that has just fetched the keys signs people in across a rotation of them': async () => {
    const config = await configured()
    await signIn(config)
    const rotate = { method: 'POST', headers: { 'x-admin-key': ADMIN_KEY } }
    const rotated = await fetch(new URL('/admin/keys/rotate', ISSUER), rotate)
    equal('the status of the rotation', 200, rotated.status)
    const { tokens } = await signIn(config)
    const head = JSON.parse(Buffer.from(tokens.id_token.split('.')[0], 'base64url'))
    equal('the key that signs', (await rotated.json()).kid, head.kid)
  },
  'an access token that is not ours is challenged at userinfo (invalid_token)': async () => {
    const config = await configured()
    const { tokens } = await signIn(config)
    const [head, claims, signature] = tokens.access_token.split('.')
    const forged = [head, claims, flipped(signature, 7)].join('.')
    const challenged = { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 401 }
    await refusedWith(challenged, () => client.fetchUserInfo(config, forged, tokens.claims().sub))
  },
  'a service gets a token for its secret, by header and by body, and for no other': async () => {
    const secret = 'embedded-secret-harness-service'
    for (const proof of [client.ClientSecretBasic, client.ClientSecretPost]) {
      const config = await configured('harness-service', undefined, proof(secret))
      const tokens = await client.clientCredentialsGrant(config)
      equal('the type of the token', 'bearer', tokens.token_type)
      const wrong = await configured('harness-service', undefined, proof('wrong'))
      await refusedWith({ status: 401 }, () => client.clientCredentialsGrant(wrong))
    }
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
