// The code page besides typing: codes that come by a link, another language, a device that is on its way back.
import type { Page } from '@playwright/test';
import { approve, enterCode, hydrated, open, review } from '../support/link.ts';
import { withoutAutofill } from '../support/passkey.ts';
import { expect, test } from '../support/story.ts';

const QUESTION = 'These letters came with a link';
const YES = 'These letters are on the device in front of me';

async function expectQuestion(page: Page, server: string, code: string): Promise<void> {
  await expect(page.getByRole('textbox', { name: 'Code' })).toHaveValue(code);
  await expect(page.getByText(QUESTION)).toBeVisible();
  await expect(page, 'the code has left the address').toHaveURL(`${server}/link`);
}

test('a code from a link is compared by a person before anything happens', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const shown = await device.next('code');
  await open(owner, String(shown.verification_uri_complete));
  await expectQuestion(owner, server.url, String(shown.user_code));
  await owner.getByRole('button', { name: 'They are not' }).click();
  await expect(owner.getByRole('textbox', { name: 'Code' })).toHaveValue('');
  await expect(owner.getByText(QUESTION)).toHaveCount(0);

  await owner.goto(String(shown.verification_uri_complete));
  await expectQuestion(owner, server.url, String(shown.user_code));
  await owner.getByRole('button', { name: YES }).click();
  await expect(owner.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
});

test('a link that is opened in the tab that is on the code page already takes the place of what was typed', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const shown = await device.next('code');
  await open(owner, `${server.url}/link`);
  await owner.getByRole('textbox', { name: 'Code' }).pressSequentially('bcdf');
  await owner.evaluate((address) => { location.href = address; }, String(shown.verification_uri_complete));
  await expectQuestion(owner, server.url, String(shown.user_code));
  await owner.getByRole('button', { name: YES }).click();
  await approve(owner);
  await device.next('online');
});

test('a code from a link outlasts the sign-in', async ({ owner, server, startDevice }) => {
  const shown = await startDevice().next('code');
  await owner.context().clearCookies();
  await withoutAutofill(owner);
  await open(owner, String(shown.verification_uri_complete));
  await expect(owner, 'the code has left the address').toHaveURL(`${server.url}/link`);
  await owner.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectQuestion(owner, server.url, String(shown.user_code));
});

test('an organisation that takes no codes from links says so, and takes the code by hand', async ({ owner, server, startDevice }) => {
  const status = await owner.evaluate(async () => {
    const { items } = await (await fetch('/api/v1/organisations')).json() as { items: { id: string }[] };
    const body = JSON.stringify({ prefill_code: false });
    return (await fetch(`/api/v1/organisations/${items[0].id}/policy`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body })).status;
  });
  expect(status).toBe(200);
  const shown = await startDevice().next('code');
  await open(owner, String(shown.verification_uri_complete));
  await expect(owner.getByText('Your organisation does not take codes from links')).toBeVisible();
  await expect(owner).toHaveURL(`${server.url}/link`);
  await expect(owner.getByRole('textbox', { name: 'Code' })).toHaveValue('');
  await enterCode(owner, String(shown.user_code));
  await expect(owner.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
});

test('another language in the middle of a crossing is asked about first, and nothing is lost by staying', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await owner.getByRole('textbox', { name: 'Name' }).fill('thermometer-7');
  const asked = owner.waitForEvent('dialog');
  const pressed = owner.getByRole('button', { name: 'Deutsch' }).click();
  const question = await asked;
  expect(question.type()).toBe('beforeunload');
  await question.dismiss();
  await pressed;
  await expect(owner.locator('html')).toHaveAttribute('lang', 'en');
  await approve(owner);
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  await expect(owner.getByRole('heading', { name: 'thermometer-7', level: 1 })).toBeVisible();
});

test('whoever changes the language all the same goes on with the same code', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  const code = await device.code();
  await review(owner, server.url, code);
  owner.once('dialog', (question) => void question.accept());
  await owner.getByRole('button', { name: 'Deutsch' }).click();
  await expect(owner.locator('html')).toHaveAttribute('lang', 'de');
  await hydrated(owner);
  await enterCode(owner, code);
  await expect(owner.getByRole('heading', { name: 'Ist das Ihr Gerät?' })).toBeVisible();
  await owner.getByRole('button', { name: 'Freigeben' }).click();
  await device.next('online');
});

test('a reload in the middle of a crossing is asked about, and one before it is not', async ({ owner, server, startDevice }) => {
  const reload = () => owner.evaluate(() => { setTimeout(() => location.reload()); });
  await open(owner, `${server.url}/link`);
  let asked = 0;
  owner.on('dialog', (question) => { asked += 1; void question.dismiss(); });
  // Browsers ask only whoever has touched the page.
  await owner.getByRole('textbox', { name: 'Code' }).click();
  const loaded = owner.waitForEvent('load');
  await reload();
  await loaded;
  await hydrated(owner);
  expect(asked, 'nothing would have been lost').toBe(0);

  await enterCode(owner, await startDevice().code());
  await owner.getByRole('textbox', { name: 'Name' }).click();
  await reload();
  await expect.poll(() => asked).toBe(1);
  await expect(owner.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
});

test('the question about a code from a link outlasts a change of the language', async ({ owner, server, startDevice }) => {
  const shown = await startDevice().next('code');
  await open(owner, String(shown.verification_uri_complete));
  await expectQuestion(owner, server.url, String(shown.user_code));
  await owner.getByRole('button', { name: 'Deutsch' }).click();
  await expect(owner.locator('html')).toHaveAttribute('lang', 'de');
  await hydrated(owner);
  await expect(owner.getByText('Diese Buchstaben kamen mit einem Link')).toBeVisible();
  await expect(owner.getByRole('textbox', { name: 'Code' })).toHaveValue(String(shown.user_code));
  await expect(owner, 'the code has left the address').toHaveURL(`${server.url}/link`);
  await owner.getByRole('button', { name: 'Diese Buchstaben stehen auf dem Gerät vor mir' }).click();
  await expect(owner.getByRole('heading', { name: 'Ist das Ihr Gerät?' })).toBeVisible();
});

test('letters that have been typed outlast a change of the language', async ({ owner, server }) => {
  await open(owner, `${server.url}/link`);
  await owner.getByRole('textbox', { name: 'Code' }).pressSequentially('bcdfg');
  await owner.getByRole('button', { name: 'Deutsch' }).click();
  await expect(owner.locator('html')).toHaveAttribute('lang', 'de');
  await hydrated(owner);
  await expect(owner.getByRole('textbox', { name: 'Code' })).toHaveValue('BCDF-G');
});

test('after a restart of the server the page knows that the device is coming back', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await review(owner, server.url, await device.code());
  device.sleep();
  await server.crash();
  await expect(owner.getByRole('alert')).toContainText('The connection to the server');
  await server.start();
  await owner.getByRole('button', { name: 'Try again' }).click();
  await expect(owner.getByRole('alert')).toContainText('it is coming back');

  device.skipToNow();
  device.wake();
  await device.next('waiting');
  await owner.getByRole('button', { name: 'Continue' }).click();
  await approve(owner);
  await device.next('online');
});
