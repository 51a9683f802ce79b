// Putting a device out: the person sees what it will do, the device's screen says that it happened.
import { readdirSync } from 'node:fs';
import { expect, test } from '../support/story.ts';
import { approve, enrol, hydrated, open, review } from '../support/link.ts';

// Threat model: SES-5.
test('a revoked device says so, sets its key aside and shows a new code', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await enrol(owner, server.url, device);
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Revoke' }).click();
  const dialog = owner.getByRole('dialog');
  await expect(dialog).toBeVisible();
  const pressed = Date.now();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await device.next('revoked');
  expect(Date.now() - pressed, 'the live session ends within a second or so').toBeLessThan(3_000);

  const code = await device.code();
  expect(readdirSync(device.stateDir).filter((name) => /^key-set-aside-.+\.pem$/.test(name))).toHaveLength(1);
  await open(owner, `${server.url}/fleet?state=retired`);
  await expect(owner.getByRole('row').filter({ hasText: 'Revoked' }), 'not merely retired').toHaveCount(1);
  await review(owner, server.url, code);
  await approve(owner);
  await device.next('online');
});

test('a suspended device is kept out until it is resumed', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const { deviceId } = await enrol(owner, server.url, device);
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Suspend' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await device.next('offline');
  await device.stop();
  device.skipToNow();
  device.start();
  expect((await device.next('error')).code).toBe('suspended');
  await owner.goto(`${server.url}/fleet/${deviceId}`);
  await hydrated(owner);
  await expect(owner.getByText(/suspended/i).first()).toBeVisible();
  await owner.getByRole('button', { name: 'Resume' }).click();
  await expect(owner.getByRole('button', { name: 'Suspend' })).toBeVisible();
  await device.stop();
  device.start();
  await device.next('online');
});
