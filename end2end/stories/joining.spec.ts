// Devices that join without a person at the screen: a key made in the panel, a list of devices, the lobby, a ticket.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from '../support/link.ts';
import { portray } from '../support/portrait.ts';
import { expect, test } from '../support/story.ts';

test('an admin makes a key, a device joins by it alone, and a key that was revoked lets nobody in', async ({ owner, server, folder, startDevice }) => {
  await open(owner, `${server.url}/organisation`);
  await owner.getByRole('link', { name: 'Joining without a code' }).click();
  await expect(owner.getByRole('heading', { level: 1, name: 'Joining without a code' })).toBeVisible();
  await owner.locator('html[data-alive]').waitFor();
  await portray(owner, 'permits-none');

  await owner.getByRole('button', { name: 'Make a key' }).click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByLabel('What it is for').fill('Hall 3');
  await dialog.getByLabel('Labels for the devices').fill('hall 3');
  await portray(owner, 'permit-key');
  await dialog.getByLabel('Address ranges from which it works').fill('nowhere');
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  await expect(dialog.getByRole('alert')).toContainText('no range of addresses');
  await dialog.getByLabel('Address ranges from which it works').fill('');
  await dialog.getByRole('button', { name: 'Make a key' }).click();
  const key = await dialog.locator('code').innerText();
  expect(key).toMatch(/^[A-Z0-9]{8}-[A-Z0-9]{8}$/);
  await portray(owner, 'permit-shown-once');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(owner.getByText(key), 'it is shown once').toHaveCount(0);

  const file = join(folder, 'key');
  await writeFile(file, `${key}\n`);
  const device = startDevice({ accept: 'ask', extra: ['--registration-key-file', file] });
  await device.next('online');
  expect(device.events.map((event) => event.event)).not.toContain('code');

  await owner.reload();
  await owner.locator('html[data-alive]').waitFor();
  await expect(owner.getByText('devices so far: 1')).toBeVisible();
  await portray(owner, 'permits');
  await owner.getByRole('button', { name: 'Revoke Hall 3' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(owner.getByText('revoked', { exact: true })).toBeVisible();
  const late = startDevice({ name: 'late', extra: ['--registration-key-file', file] });
  expect((await late.next('error')).code).toBe('permit_refused');
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('row')).toHaveCount(2);
});

test('a list of devices is checked, entered, and each of them joins once', async ({ owner, server, folder, startDevice }) => {
  await open(owner, `${server.url}/organisation/permits`);
  await owner.locator('html[data-alive]').waitFor();
  await owner.getByRole('button', { name: 'Add devices' }).click();
  const dialog = owner.getByRole('dialog');
  const rows = dialog.getByLabel('One device on each line');
  await rows.fill('thermometer-7, 4Q7M-2KXB, Hall 3\nthermometer-8');
  await dialog.getByRole('button', { name: 'Check only' }).click();
  await expect(dialog.getByRole('alert').last()).toContainText('Line 2 has no secret');
  await rows.fill('thermometer-7, 4Q7M-2KXB, Hall 3\nthermometer-7\tsecond');
  await dialog.getByRole('button', { name: 'Add devices' }).click();
  await expect(dialog).toContainText('Line 2, thermometer-7');
  await portray(owner, 'preapproval-refused');
  await rows.fill('thermometer-7, 4Q7M-2KXB, Hall 3\nthermometer-8\tsecond');
  await dialog.getByRole('button', { name: 'Add devices' }).click();
  await expect(dialog).toContainText('2 added, 0 stood already.');
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(owner.getByText('thermometer-8').first()).toBeVisible();

  const secret = join(folder, 'secret');
  await writeFile(secret, '4Q7M-2KXB\n');
  const mine = startDevice({ extra: ['--device-id', 'thermometer-7', '--secret-file', secret] });
  await mine.next('online');
  const thief = startDevice({ name: 'thief', extra: ['--device-id', 'thermometer-7', '--secret-file', secret] });
  expect(String((await thief.next('not_joined')).reason)).toContain('works once');
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('link', { name: 'Hall 3' })).toBeVisible();
});

test('a device waits in the lobby, is looked at, and let in', async ({ owner, server, folder, startDevice }) => {
  const file = join(folder, 'key');
  await writeFile(file, await server.admin('registration-key', 'create', '--mode', 'lobby', '--name', 'Box of a hundred'));
  const device = startDevice({ extra: ['--registration-key-file', file, '--name', 'thermometer-9', '--serial', 'SN-9'] });
  await device.next('in_lobby');
  await open(owner, `${server.url}/fleet`);
  await owner.getByRole('link', { name: 'Lobby' }).click();
  await owner.locator('html[data-alive]').waitFor();
  const line = owner.getByRole('listitem').filter({ hasText: 'thermometer-9' });
  await expect(line).toContainText('came by Box of a hundred');
  await line.getByText('What it says about itself').click();
  await expect(line).toContainText('SN-9');
  await portray(owner, 'lobby');
  await owner.getByRole('button', { name: 'Reject thermometer-9' }).click();
  await expect(owner.getByText('Nobody waits.')).toBeVisible();
  await portray(owner, 'lobby-empty');
  await owner.getByRole('link', { name: 'Rejected' }).click();
  await owner.locator('html[data-alive]').waitFor();
  await owner.getByRole('button', { name: 'Let in thermometer-9' }).click();
  await expect(owner.getByText('Nobody was rejected.')).toBeVisible();
  // A restart of its software asks at once.
  await device.stop();
  device.start();
  await device.next('online');
});
