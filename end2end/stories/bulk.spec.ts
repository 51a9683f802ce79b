// Something for many devices at once: chosen one by one, by a range, all that match; taken back in time; confirmed by somebody else.
import { Crowd } from '../support/crowd.ts';
import { expectAccessible } from '../support/axe.ts';
import { enrol, hydrated, open } from '../support/link.ts';
import { inviteHere, join } from '../support/people.ts';
import { portray } from '../support/portrait.ts';
import { expect, test } from '../support/story.ts';

test('labels are given to a range, filtered by, and taken again from all that match', async ({ owner, server }) => {
  const crowd = await Crowd.enrol(server, 55, 'pump');
  await open(owner, `${server.url}/fleet?sort=name`);
  await owner.getByLabel('Choose pump-00001').check();
  await owner.getByLabel('Choose pump-00004').click({ modifiers: ['Shift'] });
  const bar = owner.getByRole('region', { name: 'What to do with them' });
  await expect(bar).toContainText('4 chosen');
  await portray(owner, 'fleet-chosen');
  await bar.getByRole('combobox').selectOption('Add labels');
  await bar.getByRole('button', { name: 'Continue' }).click();
  const dialog = owner.getByRole('dialog', { name: 'Add labels: 4 devices?' });
  await dialog.getByLabel('Labels, with commas between').fill('hall 3, wet');
  await portray(owner, 'fleet-bulk-question');
  await dialog.getByRole('button', { name: 'Add labels' }).click();
  const asked = owner.getByRole('region', { name: 'Actions on many devices' });
  await expect(asked).toContainText('Begins in a moment');
  await expect(asked).toContainText('Done · 4 done', { timeout: 30_000 });
  await portray(owner, 'fleet-bulk-done');
  await expect(owner.getByRole('link', { name: 'wet' })).toHaveCount(4);

  await owner.getByRole('link', { name: 'wet' }).first().click();
  await hydrated(owner);
  await expect(owner.getByRole('rowheader')).toHaveCount(4);
  await expect(owner.getByLabel('Label', { exact: true })).toHaveValue('wet');
  await portray(owner, 'fleet-further');

  // All that match, on every page.
  await open(owner, `${server.url}/fleet?sort=name`);
  await owner.getByLabel('Choose all on this page').check();
  await expect(bar).toContainText('50 chosen');
  await bar.getByRole('button', { name: 'Choose all that match: 55 devices' }).click();
  await bar.getByRole('combobox').selectOption('Remove labels');
  await bar.getByRole('button', { name: 'Continue' }).click();
  await owner.getByLabel('Labels, with commas between').fill('wet');
  await owner.getByRole('dialog').getByRole('button', { name: 'Remove labels' }).click();
  await expect(asked).toContainText('4 done', { timeout: 30_000 });
  await expect(asked).toContainText('51 needed nothing');
  await crowd.stop();
});

test('what was asked for is taken back before it begins', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await open(owner, `${server.url}/fleet`);
  await owner.getByLabel('Choose crane-1').check();
  const bar = owner.getByRole('region', { name: 'What to do with them' });
  await bar.getByRole('combobox').selectOption('Retire');
  await bar.getByRole('button', { name: 'Continue' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Retire' }).click();
  const asked = owner.getByRole('region', { name: 'Actions on many devices' });
  await asked.getByRole('button', { name: 'Undo' }).click();
  await expect(asked).toContainText('Cancelled · By Ada Lovelace');
  await expect(owner.getByRole('row').filter({ hasText: 'crane-1' })).toContainText('Active');
  await asked.getByRole('link', { name: 'All actions' }).click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'Retire: 1 device' })).toContainText('Cancelled');
  await hydrated(owner);
  await expectAccessible(owner, 'the actions on many devices');
  await portray(owner, 'fleet-jobs');
});

test('above a number somebody else confirms it, and it tells for which devices it failed', async ({ owner, server, browser, startDevice }) => {
  await open(owner, `${server.url}/organisation`);
  const rules = owner.getByRole('region', { name: 'Rules' });
  await rules.getByLabel('A second person confirms actions on more devices than').fill('1');
  await rules.getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByText('The rules are saved.')).toBeVisible();
  const charles = await join(browser, await inviteHere(owner, 'Charles', 'Operator'), 'Charles Babbage');
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await enrol(owner, server.url, startDevice({ name: 'second', extra: ['--name', 'crane-2'] }));
  await open(owner, `${server.url}/fleet`);
  await owner.getByLabel('Choose all on this page').check();
  const bar = owner.getByRole('region', { name: 'What to do with them' });
  await bar.getByRole('combobox').selectOption('Let in again');
  await bar.getByRole('button', { name: 'Continue' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Let in again' }).click();
  await expect(owner.getByText('The rules here ask for a second person.')).toBeVisible();
  await portray(owner, 'fleet-second-person');

  await open(charles, `${server.url}/fleet/jobs`);
  await portray(charles, 'fleet-jobs-unconfirmed');
  await charles.getByRole('button', { name: 'Confirm' }).click();
  const line = charles.getByRole('listitem').filter({ hasText: 'Let in again: 2 devices' });
  // They were never shut out.
  await expect(line).toContainText('2 needed nothing', { timeout: 30_000 });

  await owner.getByLabel('Choose crane-1').check();
  await bar.getByRole('combobox').selectOption('Retire');
  await bar.getByRole('button', { name: 'Continue' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Retire' }).click();
  await expect(owner.getByText('Done · 1 done')).toBeVisible({ timeout: 30_000 });
  await open(owner, `${server.url}/fleet?state=retired`);
  await owner.getByLabel('Choose crane-1').check();
  await bar.getByRole('combobox').selectOption('Suspend');
  await bar.getByRole('button', { name: 'Continue' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await expect(owner.getByText('Done · 1 failed')).toBeVisible({ timeout: 30_000 });
  await owner.getByText('What failed').click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'crane-1' })).toBeVisible();
  await portray(owner, 'fleet-bulk-failed');
});

test('the fleet at a glance leads to the devices that it counts', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await enrol(owner, server.url, startDevice({ name: 'second', extra: ['--name', 'crane-2'] }));
  await open(owner, `${server.url}/fleet`);
  await owner.getByRole('link', { name: 'Overview' }).click();
  await expect(owner.getByText('2 online of 2 devices')).toBeVisible();
  await expect(owner.getByRole('table', { name: 'How far enrolments of the last 30 days got' }).getByRole('row', { name: 'Came online' })).toContainText('2');
  await hydrated(owner);
  await expectAccessible(owner, 'the overview');
  await portray(owner, 'fleet-overview');
  await owner.getByRole('table', { name: 'Devices by state' }).getByRole('link', { name: 'Active' }).click();
  await expect(owner.getByRole('rowheader')).toHaveCount(2);
});

test('a view is kept under a name, shared, gone back to and removed', async ({ owner, server, browser, startDevice }) => {
  const charles = await join(browser, await (async () => { await open(owner, `${server.url}/organisation`); return inviteHere(owner, 'Charles'); })(), 'Charles Babbage');
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await open(owner, `${server.url}/fleet?state=suspended&sort=name`);
  await owner.getByText('Views', { exact: true }).click();
  await owner.getByRole('button', { name: 'Keep this view' }).click();
  await owner.getByLabel('Name of the view').fill('Shut out');
  await owner.getByLabel('For everybody who sees the fleet of Analytical Engines').check();
  await portray(owner, 'fleet-keep-view');
  await owner.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByRole('link', { name: 'Shut out' })).toBeVisible();
  await portray(owner, 'fleet-views');

  await open(charles, `${server.url}/fleet`);
  await expect(charles.getByRole('rowheader')).toHaveText(['crane-1']);
  await charles.getByText('Views', { exact: true }).click();
  await charles.getByRole('link', { name: 'Shut out' }).click();
  await expect(charles.getByText('Nothing found')).toBeVisible();
  await expect(charles).toHaveURL(/state=suspended/);
  await expect(charles.getByRole('button', { name: 'Remove the view Shut out' })).toHaveCount(0);
  await owner.getByRole('button', { name: 'Remove the view Shut out' }).click();
  await expect(owner.getByText('No view is kept yet.')).toBeVisible();
});
