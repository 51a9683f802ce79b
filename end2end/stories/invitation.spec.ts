// Somebody joins: a link made on an organisation's page, taken by a new person, and by somebody who has an account already.
import { addAuthenticator } from '../support/passkey.ts';
import { hydrated } from '../support/link.ts';
import { invite } from '../support/people.ts';
import { expect, test } from '../support/story.ts';

test('an invited person joins with the role of the invitation, once', async ({ owner, server, browser }) => {
  const link = await invite(owner, server.url, 'Charles');
  const page = await (await browser.newContext()).newPage();
  await addAuthenticator(page);
  await page.goto(link);
  await hydrated(page);
  expect(page.url(), 'the token has left the address').not.toContain('gw_');
  await expect(page.getByRole('heading', { name: 'Join Analytical Engines' })).toBeVisible();
  await page.getByLabel('Your name').fill('Charles Babbage');
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await page.getByRole('link', { name: /continue/i }).click();
  await page.waitForURL('**/fleet');
  await expect(page.getByRole('heading', { name: 'Fleet' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Add a device' }), 'a viewer enrols nothing').toHaveCount(0);

  const again = await (await browser.newContext()).newPage();
  await again.goto(link);
  await expect(again.getByRole('alert')).toContainText(/link/i);
});

test('whoever has an account is asked whether to join with it', async ({ owner, server }) => {
  const link = await invite(owner, server.url, 'myself');
  await owner.goto(link);
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Join as Ada Lovelace' }).click();
  // Its owner is a member already, with more than the invitation gives.
  await expect(owner.getByRole('alert')).toBeVisible();
});
