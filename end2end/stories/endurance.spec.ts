// What is acknowledged is kept: browsers close, devices and servers die at every step, and there is never a second certificate.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '../support/story.ts';
import { approve, enrol, hydrated, review } from '../support/link.ts';

async function certificates(page: Page, server: string): Promise<{ sha256: string; spki_sha256: string }[]> {
  return page.request.get(`${server}/api/v1/certificates`).then(async (r) => (await r.json()).items);
}

test('the browser is closed when the certificate is signed, and opened again: the same certificate arrives', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const code = await device.code();
  let signed = '';
  const signedOnce = new Promise<void>((resolve) => {
    void owner.route('**/api/v1/devices/*/certificates', async (route) => {
      const response = await route.fetch();
      signed = (await response.json()).sha256;
      await route.abort();
      resolve();
    });
  });
  await review(owner, server.url, code);
  await approve(owner);
  await signedOnce;
  await owner.goto('about:blank');
  await owner.unroute('**/api/v1/devices/*/certificates');

  await review(owner, server.url, code);
  await approve(owner);
  expect((await device.next('installed')).certificate_sha256).toBe(signed);
  await device.next('online');
  expect(await certificates(owner, server.url)).toHaveLength(1);
});

test('a device that is killed after approval finishes when it is started again', async ({ owner, server, startDevice }) => {
  const device = startDevice({ accept: 'ask' });
  await review(owner, server.url, await device.code());
  await approve(owner);
  await device.next('approval_asked');
  await device.crash();
  await expect(owner.getByRole('alert')).toBeVisible();

  device.start();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await device.next('approval_asked');
  device.answer(true);
  await device.next('online');
  expect(await certificates(owner, server.url)).toHaveLength(1);
});

// Threat model: SES-4.
test('a copied state directory on a second machine raises the clone alarm', async ({ owner, server, startDevice }) => {
  const first = startDevice();
  const { deviceId } = await enrol(owner, server.url, first);
  cpSync(first.stateDir, join(first.stateDir, '..', 'copy'), { recursive: true });
  const second = startDevice({ name: 'copy' });
  await second.next('online');
  await owner.goto(`${server.url}/fleet/${deviceId}`);
  await hydrated(owner);
  await expect(owner.getByRole('alert').filter({ hasText: /copied|clone/i })).toBeVisible({ timeout: 30_000 });
});

// Each step of a crossing, by the request or event that begins it; the server dies there as in a power cut.
const steps: { name: string; at: (page: Page, crash: () => Promise<void>) => Promise<void> }[] = [
  { name: 'approval is on its way', at: onRequest('**/api/v1/enrolments/*/approval', 'before') },
  { name: 'approval was recorded', at: onRequest('**/api/v1/enrolments/*/approval', 'after') },
  { name: 'consent was recorded', at: onRequest('**/api/v1/enrolments/*/consent', 'after') },
  { name: 'signature is asked for', at: onRequest('**/api/v1/devices/*/certificates', 'before') },
  { name: 'certificate was recorded', at: onRequest('**/api/v1/devices/*/certificates', 'after') },
  { name: 'delivery is reported', at: onRequest('**/api/v1/certificates/*/delivery', 'before') },
];

function onRequest(pattern: string, when: 'before' | 'after') {
  return async (page: Page, crash: () => Promise<void>): Promise<void> => {
    await page.route(pattern, async (route) => {
      if (route.request().method() === 'GET') { await route.continue(); return; }
      if (when === 'after') await route.fetch();
      await crash();
      await route.abort();
      await page.unroute(pattern);
    });
  };
}

for (const step of steps) {
  test(`the server dies when ${step.name}: the crossing can be repeated, with one certificate`, async ({ owner, server, startDevice }) => {
    const device = startDevice();
    await review(owner, server.url, await device.code());
    let crashed: () => void;
    const dead = new Promise<void>((resolve) => { crashed = resolve; });
    await step.at(owner, async () => { await server.crash(); crashed(); });
    await approve(owner);
    await dead;
    device.skipToNow();
    await server.start();

    // Either it went far enough for the device to finish by itself, or it shows a code again.
    const code = await device.codeUnlessOnline();
    if (code) {
      await review(owner, server.url, code);
      await approve(owner);
      await device.next('online');
    }
    const all = await certificates(owner, server.url);
    expect(new Set(all.map((c) => c.spki_sha256)).size).toBe(1);
    expect(all).toHaveLength(1);
  });
}
