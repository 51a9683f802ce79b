// Customers: by themselves where the operator lets everybody, by the operator's link, with the account somebody has.
import { join as path } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { hydrated, open } from '../support/link.ts';
import { addAuthenticator } from '../support/passkey.ts';
import { portray } from '../support/portrait.ts';
import { Server } from '../support/server.ts';
import { expect, setUp, test } from '../support/story.ts';

const story = test.extend<{ openServer: Server }>({
  openServer: async ({}, use) => {
    const folder = await mkdtemp(path(tmpdir(), 'gangway-story-'));
    const server = await Server.start(folder, ['--sign-up', 'open']);
    await use(server);
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  },
});

story('somebody signs up, owns an organisation, and sees nobody else’s', async ({ openServer, page, browser }) => {
  await addAuthenticator(page);
  await setUp(page, await openServer.setupLink());

  const grace = await (await browser.newContext()).newPage();
  await addAuthenticator(grace);
  await open(grace, openServer.url);
  await portray(grace, 'home-with-sign-up');
  await grace.getByRole('link', { name: 'Sign up' }).click();
  await hydrated(grace);
  await expect(grace.getByRole('heading', { level: 1, name: 'Sign up' })).toBeVisible();
  await portray(grace, 'sign-up');
  await grace.getByLabel('Your name').fill('Grace Hopper');
  await grace.getByLabel('Organisation').fill('Mark I');
  await grace.getByRole('button', { name: 'Create passkey' }).click();
  await grace.getByRole('link', { name: /continue/i }).click();
  await grace.waitForURL('**/fleet');
  await open(grace, `${openServer.url}/organisation`);
  await expect(grace.getByRole('heading', { level: 1, name: 'Mark I' })).toBeVisible();
  await expect(grace.getByText('Analytical Engines')).toHaveCount(0);

  const listed = await openServer.admin('customer', 'list', '--json');
  expect(JSON.parse(listed)).toMatchObject({ name: 'Mark I', devices: 0, device_quota: 25 });

  // Whoever has an account goes on with it.
  await open(page, `${openServer.url}/sign-up`);
  await portray(page, 'sign-up-with-account');
  await page.getByLabel('Organisation').fill('Difference Engines');
  await page.getByRole('button', { name: 'Make it as Ada Lovelace' }).click();
  await page.waitForURL('**/fleet');
  await open(page, `${openServer.url}/organisation`);
  const tree = page.getByRole('navigation', { name: 'Organisations' });
  await expect(tree.getByRole('link')).toHaveText(['Analytical Engines', 'Difference Engines']);
});

test('without an invitation nobody signs up, and with one they do', async ({ owner, server, browser }) => {
  const grace = await (await browser.newContext()).newPage();
  await addAuthenticator(grace);
  await open(grace, server.url);
  await expect(grace.getByRole('link', { name: 'Sign up' })).toHaveCount(0);
  await open(grace, `${server.url}/sign-up`);
  await expect(grace.getByRole('heading', { level: 1, name: 'Sign-up is by invitation only' })).toBeVisible();
  await portray(grace, 'sign-up-closed');

  await grace.goto(await server.admin('customer', 'invite', '--name', 'Mark I'));
  await hydrated(grace);
  await expect(grace.getByRole('heading', { level: 1, name: 'Make your organisation' })).toBeVisible();
  await expect(grace.getByLabel('Organisation')).toHaveValue('Mark I');
  await portray(grace, 'sign-up-invited');
  await grace.getByLabel('Your name').fill('Grace Hopper');
  await grace.getByRole('button', { name: 'Create passkey' }).click();
  await grace.getByRole('link', { name: /continue/i }).click();
  await grace.waitForURL('**/fleet');
  await open(owner, `${server.url}/organisation`);
  await expect(owner.getByText('Mark I')).toHaveCount(0);
});
