// A plgd client gets its certificate by a person's browser: at the hub, or with a pre-shared key; devices are owned and onboarded by it.
// What the hub gives the person goes to the hub and the client, and never to our server.
import { mkdirSync } from 'node:fs';
import type { Locator, Page } from '@playwright/test';
import { expectAccessible } from '../support/axe.ts';
import { hydrated, open } from '../support/link.ts';
import { Hub, PlgdClient, addHub, answerHub, signInAtHub } from '../support/plgd.ts';
import { expect, test as base } from '../support/story.ts';

const folder = new URL('../screenshots/', import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

const test = base.extend<{ hub: Hub; client: PlgdClient }>({
  hub: async ({}, use, info) => {
    const hub = await Hub.start();
    await use(hub);
    if (info.status !== info.expectedStatus) await info.attach('asked of the hub', { body: JSON.stringify(await hub.told()) });
    await hub.stop();
  },
  client: async ({}, use, info) => {
    const client = await PlgdClient.start();
    await use(client);
    if (info.status !== info.expectedStatus) await info.attach('asked of the client', { body: JSON.stringify(await client.told()) });
    await client.stop();
  },
});

/** Everything that the browser tells the panel's server, by any window. */
function listen(page: Page, server: string): string[] {
  const told: string[] = [];
  page.context().on('request', (request) => {
    if (request.url().startsWith(server)) told.push(request.url(), request.postData() ?? '', JSON.stringify(request.headers()));
  });
  return told;
}

/** Types the client's address and connects to it. */
async function connect(page: Page, server: string, client: PlgdClient): Promise<void> {
  await open(page, `${server}/plgd-client`);
  await page.getByLabel('Address of the client').fill(client.url);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL('**/plgd-client?address=*');
  await hydrated(page);
  await page.getByRole('button', { name: `Connect to ${client.host}` }).click();
  await expect(page.getByText('Reachable', { exact: true })).toBeVisible();
}

async function initialise(page: Page, client: PlgdClient, owner = 'ada'): Promise<void> {
  await page.getByRole('button', { name: `Initialise ${client.host}` }).click();
  await signInAtHub(page, owner);
}

function device(page: Page, name: string): Locator {
  return page.getByRole('listitem').filter({ hasText: name });
}

/** Pictures to look at, light and dark, desktop and phone; axe-core finds nothing, and nothing scrolls sideways. */
async function portray(page: Page, name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    for (const width of [1280, 375]) {
      await page.setViewportSize({ width, height: 800 });
      await page.evaluate(() => scrollTo(0, 0));
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      await page.screenshot({ path: `${folder}plgd-client-${name}-${theme}-${width}.png`, fullPage: true });
      expect(await page.evaluate(() => document.documentElement.scrollWidth), `${name} at ${width} px`).toBeLessThanOrEqual(width);
    }
    await expectAccessible(page, `${name}, ${theme}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

// Threat model: ENR-31.
test('a client is initialised at the hub, and the hub’s token never comes to our server', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  const told = listen(owner, server.url);
  await connect(owner, server.url, client);
  expect((await client.told()).bearers, 'connecting takes no token').toEqual([]);
  await portray(owner, 'free');
  await initialise(owner, client);
  await expect(owner.getByText('The client is initialised, and it is yours.')).toBeVisible();
  await expect(owner.getByRole('listitem').filter({ hasText: 'The client says the same' })).toContainText('Done');
  await portray(owner, 'initialised');
  const { asked, bearers, mode, owner: named } = await client.told();
  expect(asked).toEqual([
    'GET /.well-known/configuration 200', 'POST /api/v1/initialize 200', 'POST /api/v1/initialize/* 200', 'GET /.well-known/configuration 200',
  ]);
  expect([mode, named]).toEqual(['X509', 'ada']);
  expect((await hub.told()).asked).toEqual(['POST token authorization_code', 'POST sign 200']);
  const token = bearers[0]!.replace('Bearer ', '');
  expect(token.length).toBeGreaterThan(100);
  expect(told.length).toBeGreaterThan(0);
  expect(told.join('\n')).not.toContain(token);
  expect(told.join('\n')).not.toContain('BEGIN CERTIFICATE');
  expect(server.log).not.toContain(token);
  const kept = await owner.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
  expect(kept).toContain(client.url);
  expect(kept).not.toContain(token);
});

// Threat model: ENR-31.
test('a link that presets an address sends nothing anywhere until the person presses a button that names the host', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  await open(owner, `${server.url}/plgd-client?address=${encodeURIComponent(client.url)}`);
  const button = owner.getByRole('button', { name: `Connect to ${client.host}` });
  await expect(button).toBeVisible();
  await expect(owner.getByText('Nothing has been sent there yet.')).toBeVisible();
  await portray(owner, 'preset');
  expect((await client.told()).asked).toEqual([]);
  await button.click();
  await expect(owner.getByText('Reachable', { exact: true })).toBeVisible();
  expect(await client.told()).toMatchObject({ asked: ['GET /.well-known/configuration 200'], bearers: [] });
});

test('an expired challenge is followed by a fresh one, and by another when the person tries again', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  await connect(owner, server.url, client);
  await client.set({ jumps: [61] });
  await initialise(owner, client);
  await expect(owner.getByText('The client’s challenge has expired (it lasts a minute); a new one was asked for.')).toBeVisible();
  await expect(owner.getByText('The client is initialised, and it is yours.')).toBeVisible();
  await client.restart();
  await connect(owner, server.url, client);
  await client.set({ jumps: [61, 61] });
  await initialise(owner, client);
  await expect(owner.getByRole('alert').filter({ hasText: 'has expired (it lasts a minute), and so has the one after it' })).toBeVisible();
  await owner.getByRole('button', { name: `Initialise ${client.host}` }).click();
  await expect(owner.getByText('The client is initialised, and it is yours.')).toBeVisible();
});

test('a client of another user says whose it is, and a reset frees it', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  await connect(owner, server.url, client);
  await initialise(owner, client, 'ben');
  await expect(owner.getByText('The client is initialised, and it is yours.')).toBeVisible();
  // The same browser, somebody else at the hub.
  await connect(owner, server.url, client);
  await owner.getByRole('button', { name: 'look for devices' }).click();
  await signInAtHub(owner, 'ada');
  await expect(owner.getByRole('alert').filter({ hasText: 'does not accept your sign-in (owner of token is not owner of client)' })).toBeVisible();
  await portray(owner, 'not-accepted');
  await open(owner, `${server.url}/plgd-client`);
  await owner.getByRole('link', { name: client.url }).click();
  await owner.waitForURL('**/plgd-client?address=*');
  await hydrated(owner);
  await owner.getByRole('button', { name: `Connect to ${client.host}` }).click();
  await owner.getByRole('button', { name: `Reset ${client.host}` }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Reset' }).click();
  await signInAtHub(owner, 'ben');
  await expect(owner.getByText('The client has forgotten its key and its owner.')).toBeVisible();
  // Somebody is faster.
  await owner.getByRole('button', { name: `Initialise ${client.host}` }).click();
  await expect(owner.getByText('The client is initialised, and it is yours.')).toBeVisible();
  expect((await client.told()).owner).toBe('ben');
});

test('whoever comes second is told that the client is occupied', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  await connect(owner, server.url, client);
  const other = await owner.context().newPage();
  await connect(other, server.url, client);
  await initialise(other, client, 'ben');
  await expect(other.getByText('The client is initialised, and it is yours.')).toBeVisible();
  await initialise(owner, client, 'ada');
  await expect(owner.getByRole('alert').filter({ hasText: 'was initialised by another user (ben)' })).toBeVisible();
  await expect(owner.getByText('Occupied', { exact: true })).toBeVisible();
});

// Threat model: ENR-31.
test('a client that asks for a certificate which may sign others gets none', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  await connect(owner, server.url, client);
  await client.set({ asks_for_ca: true });
  await initialise(owner, client);
  await expect(owner.getByRole('alert').filter({ hasText: 'it asks for a certificate that may sign others' })).toBeVisible();
  expect((await hub.told()).asked).toEqual(['POST token authorization_code']);
});

test('with a pre-shared key no hub has a part in it', async ({ owner, server, client }) => {
  await connect(owner, server.url, client);
  await expect(owner.getByText('a pre-shared key is what is left')).toBeVisible();
  await owner.getByLabel('Name of the client for its devices').fill('57b3e0a9-7a3e-4e7a-8f0e-2f5d5c7a1b2c');
  await owner.getByLabel('Pre-shared key').fill('too short');
  await owner.getByRole('button', { name: `Initialise ${client.host}` }).click();
  await expect(owner.getByRole('alert').filter({ hasText: 'at least 16 characters' })).toBeVisible();
  await portray(owner, 'key');
  await owner.getByLabel('Pre-shared key').fill('correct-horse-16');
  await owner.getByRole('button', { name: `Initialise ${client.host}` }).click();
  await expect(owner.getByText('The client is initialised with the key.')).toBeVisible();
  await owner.getByRole('button', { name: 'look for devices' }).click();
  await owner.getByRole('button', { name: 'Own Lamp' }).click();
  await expect(owner.getByText('Lamp is owned.')).toBeVisible();
  const { psk, bearers, mode } = await client.told();
  expect({ psk, bearers, mode }).toEqual({
    psk: { subjectId: '57b3e0a9-7a3e-4e7a-8f0e-2f5d5c7a1b2c', key: 'correct-horse-16', save: true }, bearers: [], mode: 'PRE_SHARED_KEY',
  });
  expect(server.log).not.toContain('correct-horse');
});

test('devices are owned, onboarded, offboarded and disowned by a client', async ({ owner, server, hub, client }) => {
  await addHub(owner, server.url, hub);
  await connect(owner, server.url, client);
  await initialise(owner, client);
  await expect(owner.getByText('The client is initialised, and it is yours.')).toBeVisible();
  await owner.getByRole('button', { name: 'look for devices' }).click();
  await expect(device(owner, 'Lamp')).toContainText('not owned');
  // The first challenge lasts no longer than anybody waits: a fresh one is asked for.
  await client.set({ jumps: [61] });
  await owner.getByRole('button', { name: 'Own Lamp' }).click();
  await expect(owner.getByText('Lamp is owned.')).toBeVisible();
  await expect(owner.getByText('a new one was asked for')).toBeVisible();
  await expect(device(owner, 'Lamp').getByText('owned', { exact: true })).toBeVisible();
  await owner.getByRole('button', { name: 'Onboard Lamp' }).click();
  await expect(owner.getByText('Lamp needs a code of yours to join the hub.')).toBeVisible();
  const told = listen(owner, server.url);
  const opened = owner.waitForEvent('popup');
  await owner.getByRole('link', { name: /^Get it at / }).click();
  await answerHub(await opened, 'ada');
  await expect(owner.getByText('Lamp is registered at the hub.')).toBeVisible();
  await portray(owner, 'devices');
  const { devices } = await client.told();
  const onboarded = devices.find((one) => one.name === 'Lamp')!.onboarded!;
  expect(onboarded).toMatchObject({ coapGatewayAddress: 'coaps+tcp://127.0.0.1:5684', authorizationProviderName: 'plgd' });
  expect(onboarded.certificateAuthorities).toContain('BEGIN CERTIFICATE');
  expect(told.length).toBeGreaterThan(0);
  expect(told.join('\n'), 'the device’s code').not.toContain(onboarded.authorizationCode);
  await owner.getByRole('button', { name: 'Offboard Lamp' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Offboard' }).click();
  await expect(owner.getByText('Lamp belongs to no hub.')).toBeVisible();
  await owner.getByRole('button', { name: 'Disown Lamp' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Disown' }).click();
  await expect(owner.getByText('Lamp has no owner any more.')).toBeVisible();
  await expect(device(owner, 'Lamp')).toContainText('not owned');
});

test('what a browser cannot reach is told with everything that may be the reason', async ({ owner, server, client }) => {
  await connect(owner, server.url, client);
  await client.stop();
  await owner.reload();
  await hydrated(owner);
  await owner.getByRole('button', { name: `Connect to ${client.host}` }).click();
  await expect(owner.getByText('Unreachable', { exact: true })).toBeVisible();
  for (const reason of ['It does not run at this address', 'does not trust its certificate', 'does not allow this page to ask (CORS)']) {
    await expect(owner.getByText(reason)).toBeVisible();
  }
  await expect(owner.getByRole('link', { name: 'Open the address' })).toHaveAttribute('href', client.url);
  await portray(owner, 'unreachable');
});

test('an address that a browser would block or that deceives is refused before anything is sent', async ({ owner, server }) => {
  const typed = async (address: string): Promise<Locator> => {
    await owner.goto(`${server.url}/plgd-client?address=${encodeURIComponent(address)}`);
    return owner.getByRole('alert');
  };
  await expect(await typed('http://192.168.1.5:8080')).toContainText('mixed content');
  await portray(owner, 'mixed-content');
  await expect(await typed('https://ada@client.example')).toContainText('before an @');
  await expect(await typed('https://client.example/ui')).toContainText('not an address that can be used');
  await expect(await typed(server.url)).toContainText('the address of Gangway');
  await expect(owner.getByRole('button', { name: /^Connect to / })).toHaveCount(0);
  await owner.context().addCookies([{ name: 'lang', value: 'de', url: server.url }]);
  await expect(await typed('http://192.168.1.5:8080')).toContainText('Mixed Content');
});
