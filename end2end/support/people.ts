// People besides the owner: each is invited by a link, and has a browser and a passkey of their own.
import { expect, type Browser, type Page } from '@playwright/test';
import { hydrated, open } from './link.ts';
import { addAuthenticator, sharePasskeys } from './passkey.ts';

export type Role = 'Viewer' | 'Installer' | 'Operator' | 'Admin';

/** Makes an invitation on the page of the inviter's first organisation, and gives its link. */
export async function invite(inviter: Page, server: string, name: string, role: Role = 'Viewer'): Promise<string> {
  await open(inviter, `${server}/organisation`);
  return inviteHere(inviter, name, role);
}

/** Makes an invitation on the page of an organisation that is open. */
export async function inviteHere(inviter: Page, name: string, role: Role = 'Viewer'): Promise<string> {
  await inviter.getByRole('button', { name: 'Invite somebody' }).click();
  const dialog = inviter.getByRole('dialog');
  await dialog.getByLabel('For whom').fill(name);
  await dialog.getByLabel('Role').selectOption(role);
  await dialog.getByRole('button', { name: 'Make link' }).click();
  const link = await dialog.locator('code').innerText();
  await dialog.getByRole('button', { name: 'Done' }).click();
  const invitations = inviter.getByRole('region', { name: 'Invitations' });
  await expect(invitations.getByRole('listitem').filter({ hasText: name })).toContainText(role);
  return link;
}

/** Somebody new takes the invitation; the page stands where it led them. */
export async function join(browser: Browser, link: string, name: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await addAuthenticator(page);
  await page.goto(link);
  await hydrated(page);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await page.getByRole('link', { name: /continue/i }).click();
  await page.waitForURL(/\/(fleet|link)$/);
  await hydrated(page);
  return page;
}

/** The same person in another browser, which has their passkeys too and signs in with them by itself. */
export async function elsewhere(browser: Browser, person: Page, server: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await sharePasskeys(person, page);
  await page.goto(server);
  await page.waitForURL('**/fleet');
  return page;
}

/** The same person with another passkey, by a link from the server's command line, which ends their other sign-ins. */
export async function recover(browser: Browser, link: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await addAuthenticator(page);
  await page.goto(link);
  await hydrated(page);
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await page.getByRole('link', { name: 'Continue to the fleet' }).click();
  await page.waitForURL('**/fleet');
  return page;
}
