// npm's oidc-provider, certified by the OpenID Foundation, on loopback, for tests and stories: it signs people in without asking them for a
// password, and what it says can be spoilt on purpose. It ends with its standard input, or after ten minutes.
//
// node identity_provider.mjs '{"clock":…,"redirect":…}' prints its address. Requests to /test/… are the tests' own:
// browse (a browser without a person: where does the provider send it?), people, spoil, redirect, rotate, clock, logout.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';

const given = JSON.parse(process.argv[2] ?? '{}');
const present = Date.now.bind(Date);
let ahead = given.clock ? given.clock - present() : 0;
Date.now = () => present() + ahead;

const { Provider } = await import('oidc-provider');
const { SignJWT, importJWK } = await import('jose');

const people = new Map(Object.entries(given.people ?? { ada: { name: 'Ada Lovelace', groups: ['operators'] } }));
let who = given.who ?? 'ada';
let spoil = null;
let keys = 0;
const logouts = [];

const newKey = () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  keys += 1;
  return { ...privateKey.export({ format: 'jwk' }), kid: `key-${keys}`, use: 'sig', alg: 'RS256' };
};
let key = newKey();

const server = createServer((request, response) => void answer(request, response));
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const issuer = `http://127.0.0.1:${server.address().port}`;

function make() {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'gangway',
      client_secret: 'a secret that only two know, with a + and a %',
      redirect_uris: [given.redirect ?? 'http://localhost:8080/single-sign-on/none'],
      backchannel_logout_uri: given.logout ?? `${issuer}/test/told`,
      backchannel_logout_session_required: true,
    }],
    jwks: { keys: [key] },
    cookies: { keys: ['a test'] },
    claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
    interactions: { url: (_, interaction) => `/test/interaction/${interaction.uid}` },
    findAccount: (_, sub) => people.has(sub) && { accountId: sub, claims: () => ({ sub, ...people.get(sub) }) },
    ttl: { Session: 86_400, Grant: 86_400, Interaction: 600, AuthorizationCode: 60, AccessToken: 600, IdToken: 600 },
    // Its own would not go to loopback.
    fetch: (address, { dispatcher: _, ...options }) => fetch(address, options),
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    await next();
    if (context.oidc?.route === 'token' && spoil && context.body?.id_token) {
      context.body.id_token = await spoilt(context.body.id_token, spoil);
    }
  });
  return provider;
}
let provider = make();

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
async function signed(claims, header = {}) {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header }).sign(await importJWK(key, 'RS256'));
}
// `claims` replace those that stand; `alg: none` signs nothing, `kid` names another key.
async function spoilt(token, { claims = {}, alg, kid }) {
  const said = { ...JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()), ...claims };
  return alg === 'none' ? `${encoded({ alg: 'none' })}.${encoded(said)}.` : signed(said, kid ? { kid } : {});
}

// A browser that follows where it is sent until that is not here; gives the last address. `jar` keeps its cookies for the next time.
const jars = new Map();
async function browse({ address, browser = 'one' }) {
  const jar = jars.get(browser) ?? new Map();
  jars.set(browser, jar);
  for (let left = 12; left > 0; left -= 1) {
    if (!address.startsWith(`${issuer}/`)) return address;
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const reply = await fetch(address, { redirect: 'manual', headers: { cookie } });
    for (const line of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value) jar.set(name, value); else jar.delete(name);
    }
    const next = reply.headers.get('location');
    if (!next) return `stopped with ${reply.status}: ${await reply.text()}`;
    address = new URL(next, address).href;
  }
  return 'went in circles';
}

async function ask(path, body) {
  if (path === 'browse') return { address: await browse(body) };
  if (path === 'people') { who = body.who; if (body.says) people.set(who, body.says); return {}; }
  if (path === 'spoil') { spoil = body.as ?? null; return {}; }
  if (path === 'redirect') { given.redirect = body.uri; provider = make(); return {}; }
  if (path === 'rotate') { key = newKey(); provider = make(); return {}; }
  if (path === 'clock') { ahead += body.millis; return {}; }
  if (path === 'sign') return { token: await signed(body.claims, body.header) };
  if (path === 'logout') {
    const client = await provider.Client.find('gangway');
    await client.backchannelLogout(body.sub, body.sid);
    return { token: logouts.at(-1) };
  }
  return { error: `there is no ${path}` };
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, issuer);
  if (!pathname.startsWith('/test/')) return provider.callback()(request, response);
  try {
    if (pathname.startsWith('/test/interaction/')) {
      await provider.interactionFinished(request, response, { login: { accountId: who } }, { mergeWithLastSubmission: false });
      return undefined;
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    if (pathname === '/test/told') {
      logouts.push(new URLSearchParams(text).get('logout_token'));
      return response.writeHead(200).end();
    }
    const reply = await ask(pathname.slice('/test/'.length), text ? JSON.parse(text) : {});
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  } catch (error) {
    return response.writeHead(500).end(String(error?.stack ?? error));
  }
}

process.stdin.resume().on('end', () => process.exit(0));
setTimeout(() => process.exit(0), 600_000).unref();
console.log(issuer);
