// What the review warns of before anything is signed, and whose question stands on the device.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join as path } from 'node:path';
import type { Page } from '@playwright/test';
import { approve, enrol, open, review } from '../support/link.ts';
import { addAuthenticator } from '../support/passkey.ts';
import { invite, join } from '../support/people.ts';
import { Recorder } from '../support/recorder.ts';
import { Server } from '../support/server.ts';
import { Device } from '../support/device.ts';
import { expect, setUp, test, type StartDevice } from '../support/story.ts';

// Threat model: ENR-9.
test('a device on another network is told as such, and the person has to say where it is', async ({ page, folder }) => {
  const away = await Recorder.start('127.0.0.2');
  const server = await Server.start(folder, ['--device-origins', `http://localhost:${away.port}`]);
  away.target = server.port;
  await addAuthenticator(page);
  await setUp(page, await server.setupLink());
  const device = Device.start(folder, `http://localhost:${away.port}`);
  await review(page, server.url, await device.code());
  await expect(page.getByText('A different network from yours')).toBeVisible();
  await expect(page.getByText('Is it really in front of you?')).toBeVisible();
  await approve(page);
  await expect(page.getByRole('alert').filter({ hasText: 'Say first where the device is' })).toBeVisible();
  await page.getByRole('radio', { name: 'Somewhere else' }).check();
  await expect(page.getByText('Whoever sends you a code')).toBeVisible();
  await approve(page);
  await device.next('online');
  await device.stop();
  await server.stop();
  await away.stop();
});

/** Starts a device that kept its key and nothing else of what an enrolled one had. */
async function reinstalled(owner: Page, server: Server, folder: string, startDevice: StartDevice): Promise<{ deviceId: string; again: Device }> {
  const former = startDevice({ extra: ['--name', 'crane-1'] });
  const { deviceId } = await enrol(owner, server.url, former);
  await former.stop();
  mkdirSync(path(folder, 'reinstalled'), { mode: 0o700 });
  copyFileSync(path(former.stateDir, 'key.pem'), path(folder, 'reinstalled', 'key.pem'));
  const again = startDevice({ name: 'reinstalled', extra: ['--name', 'crane-1'] });
  await review(owner, server.url, await again.code());
  await approve(owner);
  await expect(owner.getByRole('alert').filter({ hasText: 'This key already belongs to your device “crane-1”' })).toBeVisible();
  return { deviceId, again };
}

test('a key that is known is told with its device, and may be left alone', async ({ owner, server, folder, startDevice }) => {
  const { deviceId, again } = await reinstalled(owner, server, folder, startDevice);
  await expect(owner.getByRole('link', { name: 'Look at the device' })).toHaveAttribute('href', `/fleet/${deviceId}`);
  await owner.getByRole('button', { name: 'Another device: approve nothing' }).click();
  expect((await again.next('refused')).by).toBe('claimant');
  await expect(owner.getByRole('status').filter({ hasText: 'You cancelled' })).toBeVisible();
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);
});

test('a reinstalled device that kept its key takes its former place, once somebody says that it is the same', async ({ owner, server, folder, startDevice }) => {
  const { deviceId, again } = await reinstalled(owner, server, folder, startDevice);
  await owner.getByRole('button', { name: 'Same device: give it a new certificate' }).click();
  expect((await again.next('online')).device).toBe(deviceId);
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('rowheader')).toHaveCount(1);
  await expect(owner.getByRole('rowheader')).toContainText('crane-1');
});

test('a reinstalled device that somebody has let in again is not taken for a copy', async ({ owner, server, folder, startDevice }) => {
  const { deviceId, again } = await reinstalled(owner, server, folder, startDevice);
  await owner.getByRole('button', { name: 'Same device: give it a new certificate' }).click();
  await again.next('online');
  await open(owner, `${server.url}/fleet/${deviceId}`);
  await expect(owner.getByText('Online').first()).toBeVisible();
  await expect(owner.getByRole('alert').filter({ hasText: 'may have been copied' })).toHaveCount(0);
});

test('the page follows a reinstalled device to its first session', async ({ owner, server, folder, startDevice }) => {
  const { deviceId, again } = await reinstalled(owner, server, folder, startDevice);
  await owner.getByRole('button', { name: 'Same device: give it a new certificate' }).click();
  await again.next('online');
  await owner.waitForURL(`**/fleet/${deviceId}*`);
});

test('each question on the device is one person’s: an answer to the former one counts for nobody', async ({ owner, server, browser, startDevice }) => {
  const installer = await join(browser, await invite(owner, server.url, 'Charles', 'Installer'), 'Charles Babbage');
  const device = startDevice({ accept: 'ask' });
  await review(owner, server.url, await device.code());
  await approve(owner);
  const first = await device.next('approval_asked');
  expect(first.approver).toBe('Ada Lovelace');
  await owner.getByRole('button', { name: 'Cancel' }).click();
  await device.next('refused');

  await review(installer, server.url, await device.code());
  await approve(installer);
  const second = await device.next('approval_asked');
  expect(second.approver).toBe('Charles Babbage');
  device.answer(true, first);
  expect((await device.next('answer_refused')).claim).toBe(first.claim);
  device.answer(true, second);
  await device.next('online');
  expect(device.events.filter((event) => event.event === 'approval_asked')).toHaveLength(2);
  await installer.context().close();
});
