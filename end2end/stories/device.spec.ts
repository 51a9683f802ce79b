// What is done with one device from its page: each thing shows on the page, and the device says it too.
import { cpSync, rmSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { enrol, hydrated, open } from '../support/link.ts';
import { expect, test } from '../support/story.ts';

async function enrolled(owner: Page, server: string, device: Parameters<typeof enrol>[2]): ReturnType<typeof enrol> {
  const enrolment = await enrol(owner, server, device);
  await hydrated(owner);
  return enrolment;
}

test('a device gets another name and labels, and is found by them', async ({ owner, server, startDevice }) => {
  await enrolled(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await owner.getByRole('button', { name: 'Name and labels' }).click();
  const dialog = owner.getByRole('dialog');
  await expect(dialog.getByLabel('Name', { exact: true })).toHaveValue('crane-1');
  await dialog.getByLabel('Name', { exact: true }).fill('harbour crane');
  await dialog.getByLabel('Labels').fill('quay 3, outside');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(owner.getByRole('heading', { name: 'harbour crane', level: 1 })).toBeVisible();
  await expect(owner).toHaveTitle(/harbour crane/);
  await expect(owner.getByText('Name or labels changed')).toBeVisible();
  await open(owner, `${server.url}/fleet?query=quay+3`);
  await expect(owner.getByRole('rowheader')).toContainText(['harbour crane']);
});

test('a device that is looked for shows itself', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await enrolled(owner, server.url, device);
  await owner.getByRole('button', { name: 'Identify' }).click();
  await device.next('identify');
  await expect(owner.getByText('The device has been asked to show itself')).toBeVisible();
  await device.stop();
  await expect(owner.getByRole('button', { name: 'Identify' }), 'who is not there cannot show itself').toHaveCount(0);
});

test('a device renews its certificate when it is asked to, and goes on', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const { sha256 } = await enrolled(owner, server.url, device);
  await owner.getByRole('button', { name: 'Renew certificate' }).click();
  const renewed = await device.next('renewed');
  expect(renewed.certificate_sha256).not.toBe(sha256);
  await expect(owner.getByText('Asked to renew its certificate', { exact: true })).toBeVisible();
  await expect(owner.getByText('Earlier certificate of')).toBeVisible();
  await expect(owner.getByText('Online').first()).toBeVisible();
});

// Threat model: SES-4.
test('a device restored from a backup is in alarm until somebody says that it was restored', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await enrolled(owner, server.url, device);
  await device.stop();
  const backup = `${device.stateDir}-backup`;
  cpSync(device.stateDir, backup, { recursive: true });
  device.start();
  await device.next('online');
  await device.stop();
  rmSync(device.stateDir, { recursive: true });
  cpSync(backup, device.stateDir, { recursive: true });
  device.skipToNow();
  device.start();
  await device.nextOf(['online', 'limited']);

  const alarm = owner.getByRole('alert').filter({ hasText: 'This device may have been copied' });
  await expect(alarm).toBeVisible();
  await owner.getByRole('button', { name: 'Restored from backup' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Restored from backup' }).click();
  await expect(alarm).toBeHidden();
  await expect(owner.getByRole('heading', { level: 1 })).toBeFocused();
  await expect(owner.getByText('Clone alarm answered')).toBeVisible();
  await expect(owner.getByText('Online').first()).toBeVisible();
});

test('a copied device that is revoked puts both machines out', async ({ owner, server, startDevice }) => {
  const first = startDevice();
  await enrolled(owner, server.url, first);
  cpSync(first.stateDir, `${first.stateDir}-copy`, { recursive: true });
  const second = startDevice({ name: 'device-copy' });
  await second.next('online');
  const alarm = owner.getByRole('alert').filter({ hasText: 'This device may have been copied' });
  await expect(alarm).toBeVisible();
  await owner.getByRole('button', { name: 'Revoke' }).first().click();
  await owner.getByRole('dialog').getByLabel('Reason').selectOption('The key may be known to others');
  await owner.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await Promise.all([first.next('revoked'), second.next('revoked')]);
  await expect(owner.getByText('The key may be known to others').first()).toBeVisible();
});

test('a retired device is out of the fleet, and says so', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await enrolled(owner, server.url, device);
  await owner.getByRole('button', { name: 'Retire' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(owner.getByText('Online').first()).toBeVisible();
  await owner.getByRole('button', { name: 'Retire' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Retire' }).click();
  expect((await device.next('error')).code).toBe('retired');
  await expect(owner.getByText('Retired').first()).toBeVisible();
  await expect(owner.getByRole('heading', { level: 1 })).toBeFocused();
  for (const name of ['Identify', 'Renew certificate', 'Suspend', 'Retire', 'Revoke']) {
    await expect(owner.getByRole('button', { name, exact: true }), name).toHaveCount(0);
  }
});
