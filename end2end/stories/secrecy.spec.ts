// What crosses the wire between device, server and browser: neither secret, CSR, facts, certificate nor key. And what the browser keeps: nothing.
import { hostname } from 'node:os';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, setUp, test } from '../support/story.ts';
import { addAuthenticator, withoutAutofill } from '../support/passkey.ts';
import { approve, hydrated, open, review } from '../support/link.ts';
import { invite } from '../support/people.ts';
import { Recorder } from '../support/recorder.ts';
import { Device } from '../support/device.ts';
import { Server } from '../support/server.ts';

// Threat model: ENR-12, SEA-5.
test('relayed frames show neither the code, nor the CSR, facts, certificate or private key', async ({ page, folder }) => {
  const atDevice = await Recorder.start();
  const server = await Server.start(folder, ['--device-origins', `http://localhost:${atDevice.port}`]);
  atDevice.target = server.port;
  const frames: string[] = [];
  const addresses: string[] = [];
  const titles: string[] = [];
  page.on('request', (request) => { addresses.push(request.url()); });
  page.on('framenavigated', (frame) => { addresses.push(frame.url()); });
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => { frames.push(String(payload)); });
    socket.on('framereceived', ({ payload }) => { frames.push(String(payload)); });
  });
  await addAuthenticator(page);
  await setUp(page, await server.setupLink());
  const device = Device.start(folder, `http://localhost:${atDevice.port}`);
  const code = await device.code();
  await review(page, server.url, code);
  titles.push(await page.title());
  await approve(page);
  const sha256 = String((await device.next('installed')).certificate_sha256);
  await device.next('online');
  await page.waitForURL('**/fleet/dev_*');
  titles.push(await page.title());
  const deviceId = new URL(page.url()).pathname.split('/').pop()!;
  const detail = await page.request.get(`${server.url}/api/v1/devices/${deviceId}`).then((r) => r.json());
  await device.stop();

  // The code stands on the device's screen, in the event that shows it, and nowhere that is kept.
  const secret = code.split('-')[1];
  expect(server.log).toContain('serving');
  const said = device.lines.filter((line) => !line.startsWith('{"event":"code"'));
  expect(said.length).toBe(device.lines.length - 1);
  for (const [where, text] of Object.entries({ 'the server’s log': server.log, 'an address': addresses.join('\n'), 'a title': titles.join('\n'), 'the device’s output': said.join('\n') })) {
    expect(text).not.toBe('');
    expect(text.toUpperCase().includes(secret), `the code stands in ${where}`).toBe(false);
  }
  await server.stop();

  // From the first claim on until the first session, only sealed boxes and handshakes cross the relay.
  const relayed = atDevice.transcript().split('gangway.session.v1')[0] + frames.join('\n');
  expect(frames.length, 'the browser’s frames were seen').toBeGreaterThan(4);
  expect(relayed).toContain('"type":"sealed"');
  const forbidden: Record<string, string> = {
    'the secret half of the code': secret,
    'the whole code': code.replace('-', ''),
    'a PEM block': '-----BEGIN',
    'the host name': `"hostname":"${hostname()}"`,
    'the certificate': detail.certificates[0].chain.split('\n')[1],
    'the digest of the certificate': sha256,
  };
  for (const name of readdirSync(device.stateDir)) {
    const path = join(device.stateDir, name);
    if (!statSync(path).isFile()) continue;
    const text = readFileSync(path, 'latin1');
    const key = /-----BEGIN (?:EC |RSA )?PRIVATE KEY-----\n([^\n]+)/.exec(text);
    if (key) forbidden[`the private key in ${name}`] = key[1];
  }
  expect(Object.keys(forbidden).some((what) => what.startsWith('the private key'))).toBe(true);
  for (const [what, text] of Object.entries(forbidden)) {
    expect(relayed.includes(text), `${what} crosses the relay`).toBe(false);
  }
  await atDevice.stop();
});

/** All that the page has put into the browser's stores. */
async function kept(page: Page): Promise<string[]> {
  return page.evaluate(() => [localStorage, sessionStorage].flatMap((store) => Object.entries(store).map(([name, value]) => `${name}: ${value}`)));
}

// Threat model: ENR-12.
test('the browser’s stores keep no code, no letter of one, no token and no link', async ({ page, server, startDevice }) => {
  await addAuthenticator(page);
  await open(page, await server.setupLink());
  await expect(page.getByLabel('Your name')).toBeVisible();
  expect(await kept(page), 'while the set-up link is read').toEqual([]);
  await setUp(page, await server.setupLink());
  await hydrated(page);
  expect(await kept(page), 'after the set-up').toEqual([]);

  const device = startDevice({ accept: 'ask' });
  const shown = await device.next('code');
  await open(page, `${server.url}/link`);
  await page.getByRole('textbox', { name: 'Code' }).pressSequentially(String(shown.user_code).slice(0, 6));
  expect(await kept(page), 'while a code is typed').toEqual([]);
  await open(page, String(shown.verification_uri_complete));
  await expect(page.getByRole('textbox', { name: 'Code' })).toHaveValue(String(shown.user_code));
  expect(await kept(page), 'with the code of a link').toEqual([]);
  await page.getByRole('button', { name: 'These letters are on the device in front of me' }).click();
  await approve(page);
  await device.next('approval_asked');
  expect(await kept(page), 'in the middle of a crossing').toEqual([]);
  device.answer(true);
  await device.next('online');
  await page.waitForURL('**/fleet/dev_*');
  await hydrated(page);
  expect(await kept(page), 'after a crossing').toEqual([]);

  await invite(page, server.url, 'Charles');
  await open(page, `${server.url}/account`);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByLabel('What it is for').fill('Assembly line');
  await page.getByRole('button', { name: 'Create token' }).click();
  await expect(page.getByRole('dialog').locator('code')).toHaveText(/^gw_/);
  expect(await kept(page), 'while a token is shown').toEqual([]);

  await page.context().clearCookies();
  await withoutAutofill(page);
  await open(page, String(shown.verification_uri_complete));
  expect(await kept(page), 'while somebody signs in on the way to a code').toEqual([]);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('textbox', { name: 'Code' })).toHaveValue(String(shown.user_code));
  await hydrated(page);
  expect(await kept(page), 'after the sign-in').toEqual([]);
});
