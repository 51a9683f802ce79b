// Coming back: the passkey from the browser's autofill, the button, recovery, and leaving.
import { chromium } from '@playwright/test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, setUp, test } from '../support/story.ts';
import { enrol, hydrated, open } from '../support/link.ts';
import { addAuthenticator, withoutAutofill } from '../support/passkey.ts';
import { recover } from '../support/people.ts';

test('the browser offers the passkey by itself', async ({ owner, server }) => {
  await owner.goto(`${server.url}/account`);
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Sign out' }).click();
  await owner.waitForURL(`${server.url}/`);
  // The conditional request finds the authenticator; the virtual one confirms at once, as a person picking the entry does.
  await owner.waitForURL('**/fleet');
});

test('the button signs in', async ({ owner, server }) => {
  const cookies = await owner.context().cookies();
  expect(cookies.find((c) => c.name.startsWith('__Host-'))).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax' });
  await owner.context().clearCookies();
  await withoutAutofill(owner);
  await open(owner, server.url);
  await owner.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await owner.waitForURL('**/fleet');
});

test('an extension whose passkeys have no working JSON forms registers and signs in', async ({ page, server }) => {
  await addAuthenticator(page);
  // As extensions that keep passkeys do it: plain objects with the class's prototype, on which its methods cannot be called,
  // and functions of the page that fail.
  await page.addInitScript(() => {
    const illegal = () => { throw new TypeError('Illegal invocation'); };
    PublicKeyCredential.parseCreationOptionsFromJSON = illegal;
    PublicKeyCredential.parseRequestOptionsFromJSON = illegal;
    Object.defineProperty(PublicKeyCredential, 'isConditionalMediationAvailable', { value: async () => false });
    const plain = (credential: PublicKeyCredential): PublicKeyCredential => {
      const response = credential.response as AuthenticatorAttestationResponse & AuthenticatorAssertionResponse;
      const { clientDataJSON, attestationObject, authenticatorData, signature, userHandle } = response;
      const answer = attestationObject
        ? { clientDataJSON, attestationObject, getTransports: () => ['internal'] }
        : { clientDataJSON, authenticatorData: new Uint8Array(authenticatorData), signature, userHandle };
      const { id, rawId, type } = credential;
      const whole = { id, rawId, type, response: answer, getClientExtensionResults: () => ({}), toJSON: illegal };
      return Object.setPrototypeOf(whole, PublicKeyCredential.prototype) as PublicKeyCredential;
    };
    for (const ceremony of ['create', 'get'] as const) {
      const own = navigator.credentials[ceremony].bind(navigator.credentials) as (options: unknown) => Promise<PublicKeyCredential>;
      Object.defineProperty(navigator.credentials, ceremony, { value: async (options: unknown) => plain(await own(options)) });
    }
  });
  await setUp(page, await server.setupLink());
  await page.context().clearCookies();
  await open(page, server.url);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.waitForURL('**/fleet');
});

test('whoever lost every passkey comes back by a link from the server’s command line', async ({ owner: _former, server, browser }) => {
  // Another browser, another authenticator: the former ones are lost.
  const page = await recover(browser, await server.admin('recovery-link', '--public-url', server.url, '--account', 'Ada Lovelace'));
  await expect(page.getByRole('heading', { name: 'Fleet' })).toBeVisible();
  await page.context().close();
});

test('a set-up link works once', async ({ page, server, browser }) => {
  await addAuthenticator(page);
  const used = await server.setupLink();
  await setUp(page, used);
  await expect(server.setupLink()).rejects.toThrow();
  for (const link of [used, `${server.url}/setup#gw_setup_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`]) {
    const stranger = await browser.newPage();
    await stranger.goto(link);
    await expect(stranger.getByRole('alert')).toContainText(/link/i);
    expect(stranger.url()).not.toContain('gw_setup');
    await stranger.close();
  }
  await expect(page).toHaveURL(/fleet/);
});

test('a set-up link outlasts a change of the language', async ({ page, server }) => {
  await addAuthenticator(page);
  await open(page, await server.setupLink());
  await expect(page.getByLabel('Your name')).toBeVisible();
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await hydrated(page);
  await page.getByLabel('Ihr Name').fill('Ada Lovelace');
  expect(page.url(), 'the token has left the address').not.toContain('gw_');
  await page.getByLabel('Organisation').fill('Analytical Engines');
  await page.getByRole('button', { name: 'Passkey erstellen' }).click();
  await page.getByRole('link', { name: 'Weiter zur Flotte' }).click();
  await page.waitForURL('**/fleet');
});

test('a sign-in leads to the page that asked for it, also after a change of the language', async ({ owner, server }) => {
  await owner.context().clearCookies();
  await withoutAutofill(owner);
  const wanted = `${server.url}/fleet?state=suspended`;
  await open(owner, wanted);
  await owner.getByRole('button', { name: 'Deutsch' }).click();
  await expect(owner.locator('html')).toHaveAttribute('lang', 'de');
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Mit einem Passkey anmelden' }).click();
  await expect(owner.getByLabel('Zustand', { exact: true })).toHaveValue('suspended');
  await expect(owner).toHaveURL(wanted);
});

// Threat model: WEB-2.
test('going back after a sign-out in another tab shows no fleet', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  // Else the browser would sign in again by itself.
  await withoutAutofill(owner);
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('rowheader')).toHaveText(['crane-1']);
  await open(owner, `${server.url}/account`);
  const other = await owner.context().newPage();
  await open(other, `${server.url}/account`);
  await other.getByRole('button', { name: 'Sign out' }).click();
  await other.waitForURL(`${server.url}/`);
  await owner.goBack();
  await expect(owner.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(owner.getByRole('rowheader')).toHaveCount(0);
});

test('a browser that keeps no cookies is told so, when the passkey is made and at each sign-in', async ({ server, folder }, info) => {
  const profile = join(folder, 'browser');
  mkdirSync(join(profile, 'Default'), { recursive: true });
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
  const context = await chromium.launchPersistentContext(profile, info.project.use.launchOptions);
  const page = context.pages()[0];
  await addAuthenticator(page);
  await withoutAutofill(page);
  await page.goto(await server.setupLink());
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('Organisation').fill('Analytical Engines');
  await page.getByRole('button', { name: 'Create passkey' }).click();
  const told = page.getByRole('alert').filter({ hasText: 'The browser did not keep the sign-in. Allow cookies for this site' });
  await expect(told).toBeVisible();
  await page.getByRole('link', { name: 'To the start page' }).click();
  await hydrated(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(told).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeEnabled();
  await context.close();
});

test('keyboard alone is enough for a whole crossing', async ({ page, server, startDevice }) => {
  await addAuthenticator(page);
  await setUp(page, await server.setupLink());
  const device = startDevice();
  await open(page, `${server.url}/link`);
  await expect(page.getByRole('textbox', { name: 'Code' })).toBeFocused();
  await page.keyboard.type((await device.code()).toLowerCase());
  const approve = page.getByRole('button', { name: 'Approve' });
  await approve.waitFor();
  for (let i = 0; i < 40 && !(await approve.evaluate((e) => e === document.activeElement)); i += 1) {
    await page.keyboard.press('Tab');
    const visible = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement ?? document.body);
      return document.activeElement === document.body || style.outlineStyle !== 'none' || style.boxShadow !== 'none';
    });
    expect(visible, 'focus can be seen').toBe(true);
  }
  await page.keyboard.press('Enter');
  await device.next('online');
  await page.waitForURL('**/fleet/dev_*');
});
