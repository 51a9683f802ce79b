// The record of an organisation: an admin reads who did what, narrows it, verifies it and takes it away.
import { readFileSync } from 'node:fs';
import { enrol, hydrated, open } from '../support/link.ts';
import { inviteHere, join } from '../support/people.ts';
import { portray } from '../support/portrait.ts';
import { expect, test } from '../support/story.ts';

test('an admin finds who did what, and what confirmed it', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await open(owner, `${server.url}/organisation`);
  await inviteHere(owner, 'Charles', 'Viewer');
  await open(owner, `${server.url}/organisation`);
  await owner.getByRole('link', { name: 'Its record' }).click();
  await expect(owner.getByRole('heading', { level: 1, name: 'Record of Analytical Engines' })).toBeVisible();
  const entries = owner.getByRole('table', { name: 'Entries' }).locator('tbody').getByRole('row');
  await expect(entries.first()).toContainText('Somebody invited');
  const approved = entries.filter({ hasText: 'confirmed with the passkey' });
  await expect(approved).toHaveCount(1);
  await expect(approved).toContainText('Approved');
  await expect(approved).toContainText('Ada Lovelace');
  await portray(owner, 'audit');

  await owner.getByLabel('What', { exact: true }).selectOption('Devices: all');
  await owner.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(entries.filter({ hasText: 'Somebody invited' })).toHaveCount(0);
  await expect(approved).toHaveCount(1);
  await approved.getByRole('link', { name: 'Only this: what was done to crane-1' }).click();
  await expect(owner.getByText(/Only what was done to dev_/)).toBeVisible();
  await approved.getByRole('link', { name: 'crane-1', exact: true }).click();
  await expect(owner.getByRole('heading', { level: 1, name: 'crane-1' })).toBeVisible();

  await open(owner, `${server.url}/organisation/audit?since=2001-01-01&until=2001-01-02`);
  await expect(owner.getByText('No entry fits')).toBeVisible();
  await portray(owner, 'audit-empty');
  await owner.getByRole('search').getByRole('link', { name: 'Show everything' }).click();
  await expect(approved).toHaveCount(1);
});

test('the chain is verified, and the record is taken away', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice());
  await open(owner, `${server.url}/organisation/audit`);
  await owner.getByRole('link', { name: 'Verify the chain' }).click();
  await expect(owner.getByRole('status').filter({ hasText: /\d+ entries hold/ })).toBeVisible();
  await portray(owner, 'audit-verified');
  for (const [name, begins] of [['Checkpoint', '-----BEGIN CMS-----'], ['CSV', 'organisation,seq,at'], ['JSON', '{"organisation":"org_']]) {
    const download = owner.waitForEvent('download');
    await owner.getByRole('link', { name, exact: true }).click();
    expect(readFileSync(await (await download).path(), 'utf8').startsWith(begins), name).toBe(true);
  }
});

test('the record reads in German, without scripts, and for admins alone', async ({ owner, server, browser, startDevice }) => {
  await enrol(owner, server.url, startDevice());
  await open(owner, `${server.url}/organisation`);
  const charles = await join(browser, await inviteHere(owner, 'Charles', 'Operator'), 'Charles Babbage');
  await open(charles, `${server.url}/organisation/audit`);
  await expect(charles.getByText('Only admins of an organisation read its record.')).toBeVisible();

  const storageState = await owner.context().storageState();
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState, locale: 'de-AT' });
  const page = await plain.newPage();
  await page.goto(`${server.url}/organisation/audit`);
  await expect(page.getByRole('heading', { level: 1, name: 'Protokoll von Analytical Engines' })).toBeVisible();
  await page.getByLabel('Was', { exact: true }).selectOption('Mitglieder: alles');
  await page.getByRole('button', { name: 'Anzeigen' }).click();
  const entries = page.getByRole('table', { name: 'Einträge' }).locator('tbody').getByRole('row');
  await expect(entries.filter({ hasText: 'Mit einer Einladung beigetreten' }).filter({ hasText: 'Charles Babbage' })).toHaveCount(1);
  await plain.close();

  await open(owner, `${server.url}/fleet`);
  await hydrated(owner);
  await owner.keyboard.press('Control+k');
  await owner.getByRole('combobox', { name: 'Search or jump' }).fill('record');
  await owner.keyboard.press('Enter');
  await expect(owner.getByRole('heading', { level: 1, name: 'Record of Analytical Engines' })).toBeVisible();
});
