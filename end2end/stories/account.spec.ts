// The ways into an account: passkeys and tokens that come and go, recovery codes.
import { recover } from '../support/people.ts';
import { linkByTerminal } from '../support/crowd.ts';
import { open } from '../support/link.ts';
import { addAuthenticator } from '../support/passkey.ts';
import { expect, test } from '../support/story.ts';
import type { Page } from '@playwright/test';

/** Makes a token that may enrol, and gives it. */
async function newToken(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('What it is for').fill(name);
  await dialog.getByLabel(/^Enrol:/).check();
  await dialog.getByRole('button', { name: 'Create token' }).click();
  const token = await dialog.locator('code').innerText();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(dialog).toBeHidden();
  return token;
}

test('a passkey is removed after a question, and the last one stays', async ({ owner, server, browser }) => {
  const other = await recover(browser, await server.admin('recovery-link', '--public-url', server.url, '--account', 'Ada Lovelace'));
  await open(owner, `${server.url}/account`);
  // The recovery ended this browser's sign-in, and its autofill brings it back.
  const names = owner.getByRole('textbox', { name: /^Name of the passkey/ });
  await names.last().fill('lost telephone');
  await names.last().press('Tab');
  const remove = owner.getByRole('button', { name: 'Remove lost telephone' });
  await remove.click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await expect(names).toHaveCount(2);
  await remove.click();
  await expect(dialog).toContainText('Remove the passkey lost telephone?');
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(names).toHaveCount(1);
  await expect(owner.getByRole('heading', { name: 'Passkeys' })).toBeFocused();
  await expect(owner.getByRole('button', { name: /^Remove/ }), 'the last way in stays').toHaveCount(0);
  await other.reload();
  await expect(other.getByRole('heading', { name: 'Sign in' }), 'whoever came in with it is out').toBeVisible();
});

test('a token is revoked after a question, and pressing twice revokes no second one', async ({ owner, server }) => {
  await open(owner, `${server.url}/account`);
  const tokens = owner.getByRole('region', { name: 'API tokens' }).getByRole('listitem');
  for (const name of ['first', 'second', 'third']) await newToken(owner, name);
  await expect(tokens).toHaveCount(3);
  await owner.getByRole('button', { name: 'Revoke first' }).click();
  await expect(owner.getByRole('dialog')).toContainText('Revoke the token first?');
  await owner.getByRole('dialog').getByRole('button', { name: 'Revoke' }).focus();
  await owner.keyboard.press('Enter');
  await owner.keyboard.press('Enter');
  await expect(tokens).toHaveCount(2);
  await expect(owner.getByRole('heading', { name: 'API tokens' })).toBeFocused();
  await owner.keyboard.press('Enter');
  await expect(owner.getByRole('dialog')).toBeHidden();
  await owner.reload();
  await expect(tokens).toHaveCount(2);
  await expect(tokens).toContainText(['second', 'third']);
});

test('a recovery code makes one new passkey, in any browser', async ({ owner, server, browser }) => {
  await open(owner, `${server.url}/account`);
  const section = owner.getByRole('region', { name: 'Recovery codes' });
  await section.getByRole('button', { name: 'Make new codes' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Make new codes' }).click();
  await expect(owner.getByRole('dialog')).toBeHidden();
  const code = await section.getByRole('listitem').first().innerText();

  const enter = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    await addAuthenticator(page);
    await open(page, server.url);
    await page.getByText('No passkey at hand?').click();
    await page.getByLabel('Recovery code').fill(code);
    await page.getByRole('button', { name: 'Use this code' }).click();
    return page;
  };
  const page = await enter();
  await expect(page.getByRole('heading', { name: 'Welcome back, Ada Lovelace' })).toBeVisible();
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await page.getByRole('link', { name: 'Continue to the fleet' }).click();
  await page.waitForURL('**/fleet');
  await open(page, `${server.url}/account`);
  await expect(page.getByText('7 unused codes left')).toBeVisible();

  const again = await enter();
  await expect(again.getByRole('alert').filter({ hasText: 'used already' })).toBeVisible();
  await expect(again).toHaveURL(`${server.url}/`);
});

test('a token from the account page brings a device aboard from the command line', async ({ owner, server, startDevice }) => {
  await open(owner, `${server.url}/account`);
  const token = await newToken(owner, 'Assembly line');
  const device = startDevice();
  const end = await linkByTerminal(server.url, token, await device.code());
  expect(end.status, end.output).toBe(0);
  await device.next('online');
  await owner.reload();
  await expect(owner.getByRole('listitem').filter({ hasText: 'Assembly line' })).toContainText('last used');
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);

  await open(owner, `${server.url}/account`);
  await owner.getByRole('button', { name: 'Revoke Assembly line' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'Assembly line' })).toHaveCount(0);
  expect((await linkByTerminal(server.url, token, await startDevice({ name: 'other' }).code())).status).toBe(8);
});

test('a recovery code that is not known is told as a code, not as a link', async ({ page, server }) => {
  await open(page, server.url);
  await page.getByText('No passkey at hand?').click();
  await page.getByLabel('Recovery code').fill('not-a-code');
  await page.getByRole('button', { name: 'Use this code' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /code/i })).toBeVisible();
});
