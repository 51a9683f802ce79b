// The fleet while it is looked at: filters and the way back through them, order and pages, rows that change, devices that
// come, a server that goes away, a sign-in that ends.
import { readFileSync } from 'node:fs';
import { Crowd } from '../support/crowd.ts';
import { enrol, hydrated, open } from '../support/link.ts';
import { withoutAutofill } from '../support/passkey.ts';
import { elsewhere } from '../support/people.ts';
import { expect, test } from '../support/story.ts';

test('back and forward lead through filters, and the controls show those that are on', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice({ name: 'crane-1' }));
  await open(owner, `${server.url}/fleet`);
  const state = owner.getByLabel('State', { exact: true });
  const rows = owner.getByRole('row').filter({ hasText: 'Active' });
  await state.selectOption('suspended');
  await expect(owner.getByText('Nothing found')).toBeVisible();
  await state.selectOption('active');
  await expect(rows).toHaveCount(1);
  await owner.goBack();
  await expect(state).toHaveValue('suspended');
  await expect(owner.getByText('Nothing found')).toBeVisible();
  await owner.goBack();
  await expect(state).toHaveValue('');
  await expect(rows).toHaveCount(1);
  await owner.goForward();
  await expect(state).toHaveValue('suspended');
  await owner.getByRole('link', { name: 'Clear search and filters' }).click();
  await expect(state).toHaveValue('');
  await expect(rows).toHaveCount(1);
});

test('a row follows its device, and a device that comes waits to be shown', async ({ owner, server, startDevice }) => {
  const first = startDevice({ name: 'crane-1' });
  await enrol(owner, server.url, first);
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
  const drawn = await owner.evaluate(() => performance.timeOrigin);
  await first.stop();
  await expect(owner.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);

  const other = await owner.context().newPage();
  await enrol(other, server.url, startDevice({ name: 'crane-2' }));
  await other.close();
  await owner.getByRole('button', { name: '1 new' }).click();
  await expect(owner.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
  await expect(owner.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);
  expect(await owner.evaluate(() => performance.timeOrigin), 'the page was not loaded anew').toBe(drawn);
});

test('a click on a column turns the order, and the address keeps it', async ({ owner, server }) => {
  const crowd = await Crowd.enrol(server, 3, 'pump');
  await open(owner, `${server.url}/fleet`);
  const names = owner.getByRole('rowheader');
  const column = owner.getByRole('columnheader', { name: 'Name' });
  await column.getByRole('link').click();
  await expect(names).toHaveText(['pump-00000', 'pump-00001', 'pump-00002']);
  await expect(column).toHaveAttribute('aria-sort', 'ascending');
  await column.getByRole('link').click();
  await expect(names).toHaveText(['pump-00002', 'pump-00001', 'pump-00000']);
  await expect(column).toHaveAttribute('aria-sort', 'descending');
  await owner.reload();
  await expect(names).toHaveText(['pump-00002', 'pump-00001', 'pump-00000']);
  await crowd.stop();
});

test('a fleet that is longer than a page is turned page by page', async ({ owner, server }) => {
  const crowd = await Crowd.enrol(server, 51, 'pump');
  await open(owner, `${server.url}/fleet?sort=name`);
  const names = owner.getByRole('rowheader');
  await expect(names).toHaveCount(50);
  await expect(owner.getByText('50 of 51 devices')).toBeVisible();
  const hidden = await owner.evaluate(() => document.documentElement.scrollHeight - document.documentElement.clientHeight);
  expect(hidden, 'the table scrolls, and the page does not as well').toBeLessThanOrEqual(0);
  await owner.getByRole('link', { name: 'Next page' }).click();
  await expect(names).toHaveText(['pump-00050']);
  await expect(owner.getByRole('link', { name: 'Next page' })).toHaveCount(0);
  await owner.getByRole('link', { name: 'First page' }).click();
  await expect(names).toHaveCount(50);
  await expect(names.first()).toContainText('pump-00000');
  await owner.goBack();
  await expect(names).toHaveText(['pump-00050']);
  await crowd.stop();
});

test('the file for a spreadsheet holds what is listed, in the same order', async ({ owner, server }) => {
  const crowd = await Crowd.enrol(server, 12, 'pump');
  await open(owner, `${server.url}/fleet?sort=-name`);
  await owner.getByRole('searchbox', { name: 'Search devices' }).fill('pump-0001');
  await expect(owner.getByRole('rowheader')).toHaveText(['pump-00011', 'pump-00010']);
  const download = owner.waitForEvent('download');
  await owner.getByRole('link', { name: 'CSV' }).click();
  const lines = readFileSync(await (await download).path(), 'utf8').trim().split(/\r?\n/);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('name');
  expect(lines[1]).toContain('pump-00011');
  expect(lines[2]).toContain('pump-00010');
  await crowd.stop();
});

test('when nothing is found, one press shows all again, in the order that was chosen', async ({ owner, server }) => {
  const crowd = await Crowd.enrol(server, 2, 'pump');
  await open(owner, `${server.url}/fleet?sort=-name`);
  await owner.getByLabel('Presence', { exact: true }).selectOption('Offline');
  await owner.getByRole('searchbox', { name: 'Search devices' }).fill('crane');
  await expect(owner.getByText('Nothing found')).toBeVisible();
  await owner.getByRole('link', { name: 'Clear search and filters' }).click();
  await expect(owner.getByRole('rowheader')).toHaveText(['pump-00001', 'pump-00000']);
  await expect(owner.getByRole('searchbox', { name: 'Search devices' })).toBeFocused();
  await expect(owner.getByRole('searchbox', { name: 'Search devices' })).toHaveValue('');
  await expect(owner.getByLabel('Presence', { exact: true })).toHaveValue('');
  await crowd.stop();
});

test('a fleet page outlives its server: it says so, keeps its rows, and follows again', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await enrol(owner, server.url, device);
  await open(owner, `${server.url}/fleet`);
  const row = owner.getByRole('row').filter({ hasText: 'Active' });
  await expect(row).toContainText('Online');
  const drawn = await owner.evaluate(() => performance.timeOrigin);
  await server.crash();
  await expect(owner.getByRole('alert')).toContainText('The server cannot be reached', { timeout: 30_000 });
  await expect(row).toContainText('last known');

  device.skipToNow();
  await server.start();
  // By then it may pause for three quarters of a minute between two attempts.
  await device.next('online', 60_000);
  await expect(owner.getByRole('alert')).toHaveCount(0, { timeout: 30_000 });
  await expect(row).toContainText('Online');
  await expect(row).not.toContainText('last known');
  await device.stop();
  await expect(row).toContainText('Offline');
  expect(await owner.evaluate(() => performance.timeOrigin), 'the page was not loaded anew').toBe(drawn);
});

test('a fleet page says that its sign-in was ended in another tab, and leads back in', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice());
  await withoutAutofill(owner);
  await open(owner, `${server.url}/fleet?state=active`);
  const other = await owner.context().newPage();
  await open(other, `${server.url}/account`);
  await other.getByRole('button', { name: 'Sign out' }).click();
  await other.waitForURL(`${server.url}/`);
  await expect(owner.getByRole('alert')).toContainText('You are signed out', { timeout: 30_000 });
  await owner.getByRole('link', { name: 'Try again' }).click();
  await expect(owner.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(owner.getByRole('row').filter({ hasText: 'Active' })).toHaveCount(1);
  await expect(owner.getByLabel('State', { exact: true })).toHaveValue('active');
});

test('a browser that was signed out from another one says so on the fleet page', async ({ owner, server, startDevice, browser }) => {
  await enrol(owner, server.url, startDevice());
  await open(owner, `${server.url}/fleet`);
  const page = await elsewhere(browser, owner, server.url);
  await open(page, `${server.url}/account`);
  await page.getByRole('button', { name: /^End the sign-in of/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End sign-in' }).click();
  await expect(page.getByRole('button', { name: /^End the sign-in of/ })).toHaveCount(0);
  await expect(owner.getByRole('alert')).toContainText('You are signed out', { timeout: 30_000 });
  // What it may not see any more does not stay.
  await expect(owner.getByRole('row').filter({ hasText: 'Active' })).toHaveCount(0);
});

test('what happens while the page is on its way shows once it is there', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const { deviceId } = await enrol(owner, server.url, device);
  let release = () => {};
  const released = new Promise<void>((resolve) => { release = resolve; });
  await owner.route('**/api/v1/fleet/changes', async (route) => {
    await released;
    await route.continue();
  });
  await owner.goto(`${server.url}/fleet`, { waitUntil: 'commit' });
  await device.stop();
  await expect.poll(async () => (await (await owner.request.get(`${server.url}/api/v1/devices/${deviceId}`)).json()).presence.name).toBe('offline');
  release();
  await expect(owner.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);
});
