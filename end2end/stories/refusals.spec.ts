// Everything that must not end in a certificate.
import { spawnSync } from 'node:child_process';
import { expect, test } from '../support/story.ts';
import { approve, enterCode, open, review, wrong } from '../support/link.ts';
import { Child, GANGWAY_BIN } from '../support/process.ts';

async function certificates(page: import('@playwright/test').Page, server: string): Promise<unknown[]> {
  return page.request.get(`${server}/api/v1/certificates`).then(async (r) => (await r.json()).items);
}

// Threat model: ENR-7.
test('“not mine” ends the attempt on both screens and signs nothing', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const code = await device.code();
  await review(owner, server.url, code);
  await owner.getByRole('button', { name: 'Not mine' }).click();
  await device.next('refused');
  expect(await device.code(), 'the code is spent').not.toBe(code);
  await expect(owner.getByRole('textbox', { name: 'Code' })).toBeVisible();
  expect(await certificates(owner, server.url)).toEqual([]);
});

test('a wrong code is told as such, keeps what was typed, and the third one makes the device show a new code', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const code = await device.code();
  await open(owner, `${server.url}/link`);
  await enterCode(owner, wrong(code));
  await expect(owner.getByRole('alert')).toContainText(/wrong|does not match/i);
  expect((await device.next('attempt_failed')).count).toBe(1);
  await expect(owner.getByRole('textbox', { name: 'Code' })).toHaveValue(new RegExp(wrong(code).slice(0, 4)));

  // One account may fail twice per nameplate; the third guess comes from somebody else (a token on the command line).
  await enterCode(owner, '');
  await enterCode(owner, wrong(wrong(code)) === code ? `${code.slice(0, -2)}${code.at(-2) === 'B' ? 'CC' : 'BC'}` : wrong(wrong(code)));
  expect((await device.next('attempt_failed')).count).toBe(2);
  const token = await server.token();
  const link = spawnSync(GANGWAY_BIN, ['link', '--server', server.url, '--yes', '--json'], { input: `${wrong(code)}\n`, env: { ...process.env, GANGWAY_TOKEN: token }, timeout: 30_000 });
  expect(link.status).toBe(3);
  expect((await device.next('attempt_failed')).count).toBe(3);
  const fresh = await device.code();
  expect(fresh).not.toBe(code);

  await review(owner, server.url, fresh);
  await approve(owner);
  await device.next('online');
});

test('a code that expires while it is typed is told as such, and the new one works', async ({ owner, server, startDevice }) => {
  const device = startDevice({ extra: ['--code-life-secs', '5'] });
  const code = await device.code();
  await open(owner, `${server.url}/link`);
  await owner.getByRole('textbox', { name: 'Code' }).pressSequentially(code.slice(0, 6));
  const fresh = await device.code();
  await owner.getByRole('textbox', { name: 'Code' }).pressSequentially(code.slice(6));
  await expect(owner.getByRole('alert')).toContainText(/no device|expired/i);
  expect(fresh).not.toBe(code);
  await enterCode(owner, fresh);
  await expect(owner.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
});

test('a stranger who claims the device first is refused at the device, and nothing is signed', async ({ owner, server, startDevice }) => {
  const device = startDevice({ accept: 'ask' });
  const code = await device.code();
  const stranger = new Child(GANGWAY_BIN, ['link', '--server', server.url, '--yes', '--json'], { env: { GANGWAY_TOKEN: await server.token() } });
  stranger.write(`${code}\n`);
  stranger.closeInput();
  const question = await device.next('approval_asked');
  expect(question.organisation).toBe('Analytical Engines');
  expect(question.approver).toBe('Command line');
  device.answer(false);
  await device.next('refused');
  expect(await stranger.exited()).toBe(4);
  expect(await certificates(owner, server.url)).toEqual([]);
  const fresh = await device.code();
  expect(fresh).not.toBe(code);

  await review(owner, server.url, fresh);
  await approve(owner);
  await device.next('approval_asked');
  device.answer(true);
  await device.next('online');
});

test('whoever cancels while the device is being asked has signed nothing, and may start again', async ({ owner, server, startDevice }) => {
  const device = startDevice({ accept: 'ask' });
  await review(owner, server.url, await device.code());
  await approve(owner);
  await device.next('approval_asked');
  await owner.getByRole('button', { name: 'Cancel' }).click();
  expect((await device.next('refused')).by).toBe('claimant');
  await expect(owner.getByRole('status').filter({ hasText: 'You cancelled' })).toBeVisible();
  expect(await certificates(owner, server.url)).toEqual([]);

  await enterCode(owner, (await device.nextOf(['code', 'waiting'])).user_code as string);
  await expect(owner.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
  await approve(owner);
  await device.next('approval_asked');
  device.answer(true);
  await device.next('online');
});

test('whoever cancels while the page is still connecting is back at the field, and nothing is signed', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const code = await device.code();
  device.sleep();
  await open(owner, `${server.url}/link`);
  await enterCode(owner, code);
  await expect(owner.getByText('Connecting to the device')).toBeVisible();
  await owner.getByRole('button', { name: 'Cancel' }).click();
  await expect(owner.getByRole('status').filter({ hasText: 'You cancelled' })).toBeVisible();
  await expect(owner.getByText('Connecting to the device')).toHaveCount(0);
  await expect(owner.getByRole('button', { name: 'Cancel' })).toHaveCount(0);
  await expect(owner.getByRole('textbox', { name: 'Code' })).toBeFocused();
  device.wake();
  expect(await certificates(owner, server.url)).toEqual([]);
});
