// The page of an organisation: what is below it, who belongs to it, what holds in it; and devices that go from one to another.
import { type Page } from '@playwright/test';
import { approve, enrol, hydrated, open, review } from '../support/link.ts';
import { inviteHere, join } from '../support/people.ts';
import { portray } from '../support/portrait.ts';
import { expect, test } from '../support/story.ts';

/** Makes an organisation below the one whose page is open; its page stands then. */
async function make(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'New organisation' }).click();
  await page.getByLabel('Name of the organisation').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Make' }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await hydrated(page);
}

/** Goes to the page of an organisation by the tree. */
async function visit(page: Page, server: string, name: string): Promise<void> {
  await open(page, `${server}/organisation`);
  await page.getByRole('navigation', { name: 'Organisations' }).getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await hydrated(page);
}

test('a member of the household sees the devices there and no others', async ({ owner, server, browser, startDevice }) => {
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await open(owner, `${server.url}/organisation`);
  await make(owner, 'Household');
  await visit(owner, server.url, 'Analytical Engines');
  await make(owner, 'Power plant');
  await visit(owner, server.url, 'Household');
  const link = await inviteHere(owner, 'Charles', 'Operator');

  const device = startDevice({ name: 'second', accept: 'ask', extra: ['--name', 'boiler-1'] });
  await review(owner, server.url, await device.code());
  await owner.getByLabel('Organisation').selectOption('Analytical Engines / Household');
  await approve(owner);
  expect((await device.next('approval_asked')).organisation).toBe('Household');
  device.answer(true);
  await owner.waitForURL('**/fleet/dev_*');

  const charles = await join(browser, link, 'Charles Babbage');
  await expect(charles.getByRole('rowheader')).toHaveText(['boiler-1']);
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('rowheader')).toHaveText(['boiler-1', 'crane-1']);
  await owner.getByLabel('Organisation').selectOption('Analytical Engines / Household');
  await expect(owner.getByRole('rowheader')).toHaveText(['boiler-1']);
});

test('a device is moved, and whoever watched it there watches it no more', async ({ owner, server, browser, startDevice }) => {
  await open(owner, `${server.url}/organisation`);
  await make(owner, 'Household');
  const charles = await join(browser, await inviteHere(owner, 'Charles', 'Operator'), 'Charles Babbage');
  const device = startDevice({ extra: ['--name', 'boiler-1'] });
  await review(owner, server.url, await device.code());
  await owner.getByLabel('Organisation').selectOption('Analytical Engines / Household');
  await approve(owner);
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  await hydrated(owner);
  await expect(charles.getByRole('rowheader')).toHaveText(['boiler-1']);
  await expect(charles.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);

  await owner.getByRole('button', { name: 'Move' }).click();
  await portray(owner, 'device-move');
  await owner.getByRole('dialog').getByLabel('To which organisation').selectOption('Analytical Engines');
  await owner.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
  await expect(owner.getByRole('region', { name: 'Membership' })).toContainText('Analytical Engines');
  await expect(owner.getByText('moved', { exact: true }).first()).toBeVisible();
  await expect(charles.getByRole('rowheader')).toHaveCount(0);

  // The session stands; what becomes of it is told to those who see the device now.
  const watcher = await owner.context().newPage();
  await open(watcher, `${server.url}/fleet`);
  await expect(watcher.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
  await device.stop();
  await expect(watcher.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);
});

test('an organisation is renamed, moved, archived and opened again', async ({ owner, server }) => {
  await open(owner, `${server.url}/organisation`);
  await make(owner, 'North');
  await make(owner, 'Hall');
  await visit(owner, server.url, 'Analytical Engines');
  await make(owner, 'South');
  await visit(owner, server.url, 'Hall');
  await owner.getByRole('button', { name: 'Rename' }).click();
  await owner.getByLabel('Name of the organisation').fill('Great hall');
  await owner.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByRole('heading', { level: 1, name: 'Great hall' })).toBeVisible();
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Move' }).click();
  const where = owner.getByLabel('Below which organisation');
  await expect(where.getByRole('option')).toHaveText(['Analytical Engines', 'Analytical Engines / South']);
  await where.selectOption('Analytical Engines / South');
  await owner.getByRole('dialog').getByRole('button', { name: 'Move' }).click();
  await expect(owner.locator('.crumb')).toContainText('South');
  await hydrated(owner);
  await portray(owner, 'organisation');

  await owner.getByRole('button', { name: 'Archive' }).click();
  await portray(owner, 'organisation-archive');
  await owner.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await expect(owner.getByText('This organisation is archived')).toBeVisible();
  await hydrated(owner);
  await expect(owner.getByRole('button', { name: 'Invite somebody' })).toHaveCount(0);
  await portray(owner, 'organisation-archived');
  await owner.getByRole('button', { name: 'Open again' }).click();
  await expect(owner.getByRole('button', { name: 'Invite somebody' })).toBeVisible();

  await visit(owner, server.url, 'Analytical Engines');
  await expect(owner.getByRole('button', { name: 'Archive' }), 'a customer stays').toHaveCount(0);
  await visit(owner, server.url, 'South');
  await owner.getByRole('button', { name: 'Archive' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await expect(owner.getByRole('alert')).toContainText('there are organisations below it');
});

test('members get another role, come from elsewhere, and leave', async ({ owner, server, browser }) => {
  await open(owner, `${server.url}/organisation`);
  const charles = await join(browser, await inviteHere(owner, 'Charles', 'Viewer'), 'Charles Babbage');
  await open(owner, `${server.url}/organisation`);
  const members = owner.getByRole('region', { name: 'Members' });
  const line = members.getByRole('listitem').filter({ hasText: 'Charles Babbage' });
  await owner.getByRole('button', { name: 'Change the role of Charles Babbage' }).click();
  await owner.getByRole('dialog').getByLabel('Role').selectOption('Installer');
  await owner.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(line).toContainText('Installer');

  await make(owner, 'Household');
  await expect(members.getByRole('listitem').filter({ hasText: 'Charles Babbage' }), 'from above').toContainText('by Analytical Engines');
  await owner.getByRole('button', { name: 'Add somebody you know' }).click();
  await owner.getByRole('dialog').getByLabel('Who').selectOption('Charles Babbage');
  await owner.getByRole('dialog').getByLabel('Role').selectOption('Operator');
  await portray(owner, 'member-add');
  await owner.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await expect(members.getByRole('listitem').filter({ hasText: 'Operator' })).toContainText('Charles Babbage');

  await visit(owner, server.url, 'Analytical Engines');
  await owner.getByRole('button', { name: 'Remove Charles Babbage' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(line).toHaveCount(0);
  await open(charles, `${server.url}/fleet`);
  await expect(charles.getByText('No device is aboard yet'), 'of the household, where he still belongs').toBeVisible();
  await owner.getByRole('button', { name: 'Leave' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await expect(owner.getByRole('alert'), 'the last owner stays').toContainText('last owner');
});

test('rules come from above, and are only tightened below', async ({ owner, server }) => {
  await open(owner, `${server.url}/organisation`);
  const rules = owner.getByRole('region', { name: 'Rules' });
  const validity = rules.getByLabel('Days for which certificates are issued');
  await validity.fill('60');
  await rules.getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByText('The rules are saved.')).toBeVisible();
  await make(owner, 'Household');
  await expect(validity).toHaveValue('60');
  await expect(rules).toContainText('from above');
  await validity.fill('61');
  await rules.getByRole('button', { name: 'Save' }).click();
  expect(await validity.evaluate((field: HTMLInputElement) => field.validity.rangeOverflow), 'said by the browser').toBe(true);
  await validity.fill('30');
  await rules.getByLabel('API tokens may approve devices').uncheck();
  await rules.getByRole('button', { name: 'Save' }).click();
  await expect(rules).toContainText('set here; above: 60');
  await portray(owner, 'organisation-rules');
  await visit(owner, server.url, 'Analytical Engines');
  await expect(rules.getByLabel('API tokens may approve devices')).toBeChecked();
});

test('what a sub-organisation signs with comes from above', async ({ owner, server }) => {
  await open(owner, `${server.url}/organisation`);
  await make(owner, 'Household');
  await owner.getByRole('link', { name: 'Its signers' }).click();
  await hydrated(owner);
  const line = owner.getByRole('listitem').filter({ hasText: 'Built-in CA' });
  await expect(line).toContainText('from above');
  await expect(owner.getByRole('button', { name: 'Change Built-in CA' })).toHaveCount(0);
  await portray(owner, 'signers-below');
});
