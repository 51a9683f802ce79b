// What each role is offered: nobody is led to what would only be refused.
import type { Browser, Page } from '@playwright/test';
import { approve, enrol, enterCode, hydrated, open } from '../support/link.ts';
import { invite, join } from '../support/people.ts';
import { expect, test, type StartDevice } from '../support/story.ts';

const DEEDS = ['Name and labels', 'Identify', 'Renew certificate', 'Suspend', 'Retire', 'Revoke'];

/** What a token may do, as the form offers it. */
async function expectScopes(page: Page, offered: RegExp, kept: RegExp): Promise<void> {
  await page.getByRole('button', { name: 'New token' }).click();
  await expect(page.getByRole('checkbox', { name: offered })).toBeChecked();
  await expect(page.getByRole('checkbox', { name: kept })).toHaveCount(0);
}

test('a viewer sees the fleet and its devices, and changes nothing', async ({ owner, server, browser, startDevice }) => {
  const { deviceId } = await enrol(owner, server.url, startDevice());
  const viewer = await join(browser, await invite(owner, server.url, 'Charles'), 'Charles Babbage');
  await expect(viewer.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
  await expect(viewer.getByRole('link', { name: 'CSV' })).toBeVisible();
  await expect(viewer.getByRole('link', { name: 'Add a device' })).toHaveCount(0);
  await viewer.locator(`a[href="/fleet/${deviceId}"]`).click();
  await expect(viewer.getByRole('heading', { name: 'History' })).toBeVisible();
  await hydrated(viewer);
  for (const name of DEEDS) await expect(viewer.getByRole('button', { name }), name).toHaveCount(0);
  await open(viewer, `${server.url}/link`);
  await expect(viewer.getByText('This account may not enrol devices')).toBeVisible();
  await expect(viewer.getByRole('textbox', { name: 'Code' })).toHaveCount(0);
  await open(viewer, `${server.url}/account`);
  await expect(viewer.getByText('Viewer · Analytical Engines')).toBeVisible();
  await expectScopes(viewer, /^Read/, /^Enrol/);
});

test('an empty fleet does not tell a viewer to add devices', async ({ owner, server, browser }) => {
  const viewer = await join(browser, await invite(owner, server.url, 'Charles'), 'Charles Babbage');
  await expect(viewer.getByText('No device is aboard yet')).toBeVisible();
  await expect(viewer.getByRole('link', { name: 'Enter a code' })).toHaveCount(0);
});

test('the quick search offers a viewer only where they may go', async ({ owner, server, browser }) => {
  const viewer = await join(browser, await invite(owner, server.url, 'Charles'), 'Charles Babbage');
  await viewer.keyboard.press('Control+k');
  await expect(viewer.getByRole('option', { name: 'Account' })).toBeVisible();
  await expect(viewer.getByRole('option', { name: 'Add a device' })).toHaveCount(0);
});

test('an installer adds devices one after the other, and has no fleet', async ({ owner, server, browser, startDevice }) => {
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  const installer = await join(browser, await invite(owner, server.url, 'Charles', 'Installer'), 'Charles Babbage');
  await expect(installer).toHaveURL(`${server.url}/link`);
  await expect(installer.getByRole('navigation', { name: 'Main' }).getByRole('link')).toHaveCount(0);
  const device = startDevice({ name: 'second', extra: ['--name', 'crane-2'] });
  await enterCode(installer, await device.code());
  await approve(installer);
  await device.next('online');
  await expect(installer.getByRole('heading', { name: 'crane-2 is aboard' })).toBeVisible();
  await installer.getByRole('button', { name: 'Enrol another' }).click();
  await hydrated(installer);
  await expect(installer.getByRole('textbox', { name: 'Code' })).toHaveValue('');
  await open(installer, `${server.url}/fleet`);
  await expect(installer.getByRole('heading', { name: 'Fleet' })).toBeVisible();
  await expect(installer.getByRole('rowheader')).toHaveCount(0);
  await open(installer, `${server.url}/account`);
  await expectScopes(installer, /^Enrol/, /^Read/);
});

test('an operator runs devices, and invites nobody', async ({ owner, server, browser, startDevice }) => {
  const device = startDevice();
  const { deviceId } = await enrol(owner, server.url, device);
  const operator = await join(browser, await invite(owner, server.url, 'Charles', 'Operator'), 'Charles Babbage');
  await open(operator, `${server.url}/fleet/${deviceId}`);
  for (const name of DEEDS) await expect(operator.getByRole('button', { name }), name).toBeVisible();
  await operator.getByRole('button', { name: 'Identify' }).click();
  await device.next('identify');
  await open(operator, `${server.url}/account`);
  await expect(operator.getByRole('button', { name: 'New token' })).toBeVisible();
  await open(operator, `${server.url}/organisation`);
  await expect(operator.getByText('Only admins of an organisation decide')).toBeVisible();
  await expect(operator.getByRole('button', { name: 'Invite somebody' })).toHaveCount(0);
});

/** Somebody who has the fleet open, and one of its devices in another tab. */
async function watching(owner: Page, server: string, browser: Browser, startDevice: StartDevice): Promise<{ fleet: Page; device: Page }> {
  const { deviceId } = await enrol(owner, server, startDevice({ extra: ['--name', 'crane-1'] }));
  const fleet = await join(browser, await invite(owner, server, 'Charles', 'Operator'), 'Charles Babbage');
  await expect(fleet.getByRole('rowheader')).toHaveText(['crane-1']);
  const device = await fleet.context().newPage();
  await open(device, `${server}/fleet/${deviceId}`);
  await expect(device.getByRole('heading', { name: 'crane-1' })).toBeVisible();
  return { fleet, device };
}

/** Gives Charles another role, or none: nothing in the panel does that yet. */
async function change(owner: Page, role?: string): Promise<void> {
  const status = await owner.evaluate(async (role) => {
    const read = async (path: string) => (await (await fetch(path)).json()).items as { id: string; account: string; name: string }[];
    const organisation = `/api/v1/organisations/${(await read('/api/v1/organisations'))[0].id}`;
    const charles = (await read(`${organisation}/members`)).find(({ name }) => name === 'Charles Babbage')!;
    const request = role
      ? { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ role }) }
      : { method: 'DELETE' };
    return (await fetch(`${organisation}/members/${charles.account}`, request)).status;
  }, role);
  expect(status).toBe(role ? 200 : 204);
}

async function expectNothingLeft({ fleet, device }: { fleet: Page; device: Page }): Promise<void> {
  await expect(fleet.getByRole('rowheader')).toHaveCount(0, { timeout: 40_000 });
  await expect(device.getByRole('heading', { name: 'crane-1' })).toBeHidden({ timeout: 40_000 });
  await expect(device.getByRole('heading', { name: 'History' })).toBeHidden();
}

// Threat model: WEB-2.
test('whoever gets a lesser role loses the fleet and the device that are open', async ({ owner, server, browser, startDevice }) => {
  const pages = await watching(owner, server.url, browser, startDevice);
  await change(owner, 'installer');
  await expectNothingLeft(pages);
});

// Threat model: WEB-2.
test('whoever is removed loses the fleet and the device that are open', async ({ owner, server, browser, startDevice }) => {
  const pages = await watching(owner, server.url, browser, startDevice);
  await change(owner);
  await expectNothingLeft(pages);
});
