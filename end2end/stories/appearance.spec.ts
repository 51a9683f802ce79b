// Every page and state, light and dark, desktop and phone: axe-core finds nothing, nothing scrolls sideways, and a picture is kept to look at.
import { addAws, paste } from '../support/aws.ts';
import { portray } from '../support/portrait.ts';
import { Hub, addHub, signInAtHub } from '../support/plgd.ts';
import { expect, test } from '../support/story.ts';
import { approve, enrol, enterCode, hydrated, open, review, wrong } from '../support/link.ts';

test('signed out', async ({ page, server }) => {
  await open(page, server.url);
  await portray(page, 'home');
  await page.goto(await server.setupLink());
  await hydrated(page);
  await expect(page.getByLabel('Your name')).toBeVisible();
  await portray(page, 'setup');
  await open(page, `${server.url}/no-such-page`);
  await portray(page, 'not-found');
  await page.context().addCookies([{ name: 'lang', value: 'de', url: server.url }]);
  await open(page, server.url);
  await portray(page, 'german-home');
});

test('the code page, step by step', async ({ owner, server, startDevice }) => {
  await open(owner, `${server.url}/link`);
  await portray(owner, 'link-empty');
  const device = startDevice({ accept: 'ask' });
  const code = await device.code();
  await owner.getByRole('textbox', { name: 'Code' }).pressSequentially(code.slice(0, 7));
  await portray(owner, 'link-typing');
  await enterCode(owner, wrong(code));
  await expect(owner.getByRole('alert')).toBeVisible();
  await portray(owner, 'link-wrong');
  await review(owner, server.url, code);
  await portray(owner, 'link-review');
  await approve(owner);
  await device.next('approval_asked');
  await portray(owner, 'link-progress');
  device.answer(true);
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  await hydrated(owner);
  await portray(owner, 'device-arrived');
});

test('the fleet, a device, the account', async ({ owner, server, startDevice }) => {
  test.setTimeout(150_000);
  await open(owner, `${server.url}/fleet`);
  await portray(owner, 'fleet-empty');
  const { deviceId } = await enrol(owner, server.url, startDevice());
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('row').filter({ hasText: 'Online' })).toBeVisible();
  await portray(owner, 'fleet');
  await open(owner, `${server.url}/fleet?query=nothing-is-called-this`);
  await portray(owner, 'fleet-nothing-found');
  await open(owner, `${server.url}/fleet/${deviceId}`);
  await portray(owner, 'device');
  await owner.getByRole('button', { name: 'Revoke' }).click();
  await expect(owner.getByRole('dialog')).toBeVisible();
  await portray(owner, 'device-revoke');
  await open(owner, `${server.url}/account`);
  await portray(owner, 'account');
});

test('a phone is enough for a whole crossing', async ({ owner, server, startDevice }) => {
  await owner.setViewportSize({ width: 375, height: 812 });
  const device = startDevice();
  await enrol(owner, server.url, device);
  await expect(owner.getByText('Online').first()).toBeVisible();
});

test('what opens over a page', async ({ owner, server, startDevice }) => {
  test.setTimeout(150_000);
  const { deviceId } = await enrol(owner, server.url, startDevice());
  await open(owner, `${server.url}/fleet`);
  await owner.keyboard.press('Control+k');
  await owner.getByRole('combobox', { name: 'Search or jump' }).pressSequentially('e');
  await portray(owner, 'palette');
  await owner.keyboard.press('Escape');
  await expect(owner.getByRole('dialog')).toBeHidden();
  await owner.keyboard.press('?');
  await expect(owner.getByRole('dialog')).toBeVisible();
  await portray(owner, 'keys');
  await open(owner, `${server.url}/fleet/${deviceId}`);
  await owner.getByRole('button', { name: 'Name and labels' }).click();
  await portray(owner, 'device-rename');
  await open(owner, `${server.url}/account`);
  await owner.getByRole('button', { name: 'New token' }).click();
  await expect(owner.getByRole('dialog')).toBeVisible();
  await portray(owner, 'account-token');
});

test('signers, and what one elsewhere asks for', async ({ owner, server, startDevice }) => {
  test.setTimeout(150_000);
  await open(owner, `${server.url}/organisation/signers`);
  await owner.getByRole('button', { name: 'Add signer' }).click();
  await portray(owner, 'signers-add');
  // Nothing listens there.
  await addAws(owner, server.url, 'http://127.0.0.1:9');
  await portray(owner, 'signers');
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await portray(owner, 'link-review-signer');
  await approve(owner);
  await expect(owner.getByLabel('AWS credentials for')).toBeFocused();
  await portray(owner, 'link-credentials');
  await paste(owner, { id: 'AKIAEXAMPLE', secret: 'nothing' });
  await expect(owner.getByRole('link', { name: 'Look there' })).toBeVisible();
  await portray(owner, 'link-reply-lost');
  await owner.context().addCookies([{ name: 'lang', value: 'de', url: server.url }]);
  await owner.getByRole('button', { name: 'Cancel' }).click();
  await open(owner, `${server.url}/organisation/signers`);
  await portray(owner, 'german-signers');
});

test('a hub as signer: added, tried, signed in to', async ({ owner, server, startDevice }) => {
  test.setTimeout(180_000);
  const hub = await Hub.start();
  try {
    await open(owner, `${server.url}/organisation/signers`);
    await owner.getByRole('button', { name: 'Add signer' }).click();
    await owner.getByLabel('Kind').selectOption({ label: 'plgd hub' });
    await owner.getByLabel('What the hub says about itself').fill('not that');
    await portray(owner, 'signers-add-hub');
    await owner.getByLabel('Kind').selectOption({ label: 'AWS IoT Core' });
    await owner.getByLabel('How devices come by certificates').selectOption({ label: 'The device fetches it by a provisioning template (trusted user)' });
    await owner.getByText('More', { exact: true }).click();
    await portray(owner, 'signers-add-aws-template');
    await owner.keyboard.press('Escape');
    await addHub(owner, server.url, hub);
    await owner.getByRole('button', { name: 'Try it Hub, Hall 3' }).click();
    await expect(owner.getByRole('link', { name: /^Sign in at / })).toBeVisible();
    await portray(owner, 'signers-trial');
    await signInAtHub(owner, 'ada');
    await expect(owner.getByText('This signer works.')).toBeVisible();
    await portray(owner, 'signers-trial-good');
    const device = startDevice();
    await review(owner, server.url, await device.code());
    await approve(owner);
    await expect(owner.getByRole('link', { name: /^Sign in at / })).toBeVisible();
    await portray(owner, 'link-sign-in');
    await signInAtHub(owner, 'ada', 'Turn back');
    await expect(owner.getByText('The sign-in was not completed')).toBeVisible();
    await portray(owner, 'link-sign-in-declined');
    await signInAtHub(owner, 'ada');
    await device.next('online');
    await owner.waitForURL('**/fleet/dev_*');
    await owner.getByRole('button', { name: 'Revoke' }).click();
    await owner.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await expect(owner.getByText('still works at its signer')).toBeVisible();
    await portray(owner, 'device-ending-due');
    await open(owner, `${server.url}/organisation/signers`);
    await expect(owner.getByText('still work at Hub, Hall 3')).toBeVisible();
    await portray(owner, 'signers-endings');
    await owner.getByRole('button', { name: 'End them there' }).click();
    await expect(owner.getByRole('link', { name: /^Sign in at / })).toBeVisible();
    await portray(owner, 'signers-ending');
    await open(owner, `${server.url}/link/signed-in/sgn_0000000001zzzzzzzzzzzzzzzz`);
    await portray(owner, 'signed-in');
  } finally {
    await hub.stop();
  }
});

test('in German', async ({ owner, server, startDevice }) => {
  test.setTimeout(150_000);
  const { deviceId } = await enrol(owner, server.url, startDevice());
  await owner.context().addCookies([{ name: 'lang', value: 'de', url: server.url }]);
  for (const [name, path] of [['link', '/link'], ['fleet', '/fleet'], ['device', `/fleet/${deviceId}`], ['organisation', '/organisation'], ['account', '/account']]) {
    await open(owner, `${server.url}${path}`);
    await expect(owner.locator('html')).toHaveAttribute('lang', 'de');
    await portray(owner, `german-${name}`);
  }
});
