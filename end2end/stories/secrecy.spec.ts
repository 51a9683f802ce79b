// What crosses the wire between device, server and browser: neither secret, CSR, facts, certificate nor key.
import { hostname } from 'node:os';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, setUp, test } from '../support/story.ts';
import { addAuthenticator } from '../support/passkey.ts';
import { approve, review } from '../support/link.ts';
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
