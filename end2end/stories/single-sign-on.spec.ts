// Single sign-on: an admin names the organisation's own identity provider, and somebody comes in by it without a passkey.
import { Child } from '../support/process.ts';
import { open } from '../support/link.ts';
import { portray } from '../support/portrait.ts';
import { expect, test } from '../support/story.ts';

const SECRET = 'a secret that only two know, with a + and a %';

test('somebody comes in by the organisation’s identity provider, with the role that it says', async ({ owner, server, browser }) => {
  const script = new URL('../support/identity_provider.mjs', import.meta.url).pathname;
  const idp = new Child('node', [script, '{}']);
  const issuer = await idp.until('the provider is there', () => idp.lines.find((line) => line.startsWith('http://')));
  try {
    await open(owner, `${server.url}/organisation`);
    await owner.getByRole('link', { name: 'Single sign-on' }).click();
    await owner.locator('html[data-alive]').waitFor();
    await owner.getByRole('button', { name: 'Add identity provider' }).click();
    const dialog = owner.getByRole('dialog');
    await dialog.getByLabel('Name on the button').fill('Works login');
    await dialog.getByLabel('Issuer').fill(issuer);
    await dialog.getByLabel('Client ID').fill('gangway');
    await dialog.getByLabel('Client secret').fill(SECRET);
    await dialog.getByLabel('Claim that says the roles').fill('groups');
    await dialog.getByRole('button', { name: 'Add a value' }).click();
    await dialog.getByLabel('Value', { exact: true }).fill('operators');
    await dialog.getByLabel('Role', { exact: true }).selectOption('operator');
    await portray(owner, 'identity-provider-form');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toBeHidden();
    await owner.getByRole('button', { name: 'Try Works login' }).click();
    await expect(owner.getByText('It answers, and signs with keys')).toBeVisible();
    // Each provider has a redirect URI of its own, which the page shows.
    const redirect = await owner.getByText(`${server.url}/single-sign-on/`).textContent();
    await fetch(`${issuer}/test/redirect`, { method: 'POST', body: JSON.stringify({ uri: redirect }) });
    await portray(owner, 'identity-providers');
    const address = await owner.locator('a[href^="/sign-in/"]').getAttribute('href');

    const page = await (await browser.newContext()).newPage();
    await open(page, `${server.url}${address}`);
    await portray(page, 'sign-in-at');
    await page.getByRole('button', { name: 'Sign in with Works login' }).click();
    await page.waitForURL(`${server.url}/fleet**`);
    await open(page, `${server.url}/account`);
    await expect(page.getByText('Ada Lovelace').first()).toBeVisible();

    await open(owner, `${server.url}/organisation`);
    await expect(owner.getByText('Ada Lovelace').first()).toBeVisible();
    await page.context().close();
  } finally {
    idp.closeInput();
  }
});
