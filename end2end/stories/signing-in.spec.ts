// People sign in for a signer elsewhere, in a window of its own: at a user pool of Amazon Cognito, at an authority that AWS trusts,
// at a plgd hub. What they get there stays in the browser.
import type { Locator, Page } from '@playwright/test';
import { Aws, addAws, paste, type AccessKey } from '../support/aws.ts';
import { linkByTerminal } from '../support/crowd.ts';
import { approve, enterCode, open, review } from '../support/link.ts';
import { invite, join } from '../support/people.ts';
import { Hub, addHub, answerHub, signInAtHub } from '../support/plgd.ts';
import { expect, test as base } from '../support/story.ts';

const RIGHTS = ['iot:CreateCertificateFromCsr', 'iot:ListCertificates', 'iot:DescribeCertificate'];

const test = base.extend<{ aws: Aws; hub: Hub }>({
  aws: async ({ folder }, use, info) => {
    const aws = await Aws.start(folder);
    await use(aws);
    await aws.stop();
    if (info.status !== info.expectedStatus) await info.attach('asked of AWS', { body: aws.asked.join('\n') });
  },
  hub: async ({}, use, info) => {
    const hub = await Hub.start();
    await use(hub);
    if (info.status !== info.expectedStatus) await info.attach('asked of the hub', { body: JSON.stringify(await hub.told()) });
    await hub.stop();
  },
});

/** Everything that the browser tells the panel's server, by any window, and what comes from elsewhere in return. */
function listen(page: Page, server: string): { told: string[]; got: string[] } {
  const heard = { told: [] as string[], got: [] as string[] };
  page.context().on('request', (request) => {
    if (request.url().startsWith(server)) heard.told.push(request.url(), request.postData() ?? '', JSON.stringify(request.headers()));
  });
  page.context().on('response', async (response) => {
    if (response.url().startsWith(server) || !response.headers()['content-type']?.includes('json')) return;
    heard.got.push(await response.text().catch(() => ''));
  });
  page.on('websocket', (socket) => socket.on('framesent', (frame) => heard.told.push(String(frame.payload))));
  return heard;
}

/** The secrets in what came from elsewhere. */
function secrets(got: string[]): string[] {
  const found = got.flatMap((body) => [...body.matchAll(/"(?:access_token|id_token|refresh_token|SecretKey|SessionToken)": ?"([^"]+)"/g)]);
  return found.map((match) => match[1]!);
}

test('whoever signs in with Cognito has AWS sign, and what Cognito gives stays in the browser', async ({ owner, server, startDevice, aws }) => {
  const pools = await aws.cognito('ada', 'Correct-h0rse', ...RIGHTS);
  await addAws(owner, server.url, aws.url, {
    label: 'Sign-in with Amazon Cognito',
    fill: async (dialog) => {
      await dialog.getByLabel('Address of the managed login').fill(aws.url);
      await dialog.getByLabel('User pool id').fill(pools.pool);
      await dialog.getByLabel('App client id').fill(pools.client);
      await dialog.getByLabel('Identity pool id').fill(pools.identityPool);
      await dialog.getByLabel('Another address of the identity pool’s API').fill(aws.url);
    },
  });
  await owner.getByRole('button', { name: 'Change AWS, Frankfurt' }).click();
  const address = await owner.getByText(/\/link\/signed-in\/sgn_/).innerText();
  await owner.keyboard.press('Escape');
  await aws.returnTo(pools, address);
  const heard = listen(owner, server.url);
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  const opened = owner.waitForEvent('popup');
  await owner.getByRole('link', { name: /^Sign in at / }).click();
  const window = await opened;
  await expect(owner.getByText('Go on in the other window.')).toBeVisible();
  await window.getByLabel('Username').fill('ada');
  await window.getByLabel('Password').fill('Correct-h0rse');
  await window.getByRole('button', { name: 'Sign in' }).click();
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  expect(aws.asked.filter((line) => line.startsWith('POST'))).toEqual([
    'POST /login 302', 'POST /oauth2/token 200', 'POST GetId 200', 'POST GetCredentialsForIdentity 200',
    'POST /certificates?setAsActive=true 200',
  ]);
  const kept = secrets(heard.got);
  expect(kept.length, 'secrets came from elsewhere').toBeGreaterThanOrEqual(4);
  const stored = await owner.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  for (const secret of kept) {
    expect(stored).not.toContain(secret);
    expect(server.log).not.toContain(secret);
    expect(heard.told.join('\n')).not.toContain(secret);
  }
  expect(heard.told.join('\n'), 'what was told is looked at').toContain('"state":"begun"');
});

test('AWS signs for whoever signs in at an authority that it trusts', async ({ owner, server, startDevice, aws, hub }) => {
  const role = await aws.role(`${hub.url}/auth`, 'web', ...RIGHTS);
  await addAws(owner, server.url, aws.url, {
    label: 'Sign-in with another OpenID provider',
    fill: async (dialog) => {
      await dialog.getByLabel('Issuer').first().fill(`${hub.url}/auth`);
      await dialog.getByLabel('Client id').fill('web');
      await dialog.getByLabel('ARN of the IAM role').fill(role);
      await dialog.getByLabel('Another address of AWS STS').fill(aws.url);
    },
  });
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await signInAtHub(owner, 'ada');
  await device.next('online');
  expect(aws.asked).toEqual(['POST / 200', 'POST /certificates?setAsActive=true 200']);
});

test('a plgd hub signs for whoever is signed in there', async ({ owner, server, startDevice, hub }) => {
  await addHub(owner, server.url, hub);
  const heard = listen(owner, server.url);
  const device = startDevice({ name: 'first' });
  await review(owner, server.url, await device.code());
  await approve(owner);
  const window = await signInAtHub(owner, 'ada');
  await expect.poll(() => window.isClosed(), { message: 'the window closes by itself' }).toBe(true);
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  for (const secret of secrets(heard.got)) expect(heard.told.join('\n')).not.toContain(secret);
  expect(heard.told.some((line) => line.includes('code=')), 'the code comes back behind #').toBe(false);
  expect((await hub.told()).asked).toEqual(['POST token authorization_code', 'POST sign 200']);
});

test('a sign-in that ended while a device was added is renewed without the person', async ({ owner, server, startDevice, hub }) => {
  await hub.set({ lifetimes: [1] });
  await addHub(owner, server.url, hub);
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await signInAtHub(owner, 'ada');
  await device.next('online');
  expect((await hub.told()).asked).toEqual(['POST token authorization_code', 'POST token refresh_token', 'POST sign 200']);
});

test('whoever turns back at the authority is told and may sign in after all', async ({ owner, server, startDevice, hub }) => {
  await addHub(owner, server.url, hub);
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await signInAtHub(owner, 'ada', 'Turn back');
  await expect(owner.getByText('The sign-in was not completed: access_denied: the person turned back.')).toBeVisible();
  await signInAtHub(owner, 'ada');
  await device.next('online');
});

test('a certificate whose reply was lost is found in the hub’s records, and nothing is signed twice', async ({ owner, server, startDevice, hub }) => {
  await hub.set({ loses: 1 });
  await addHub(owner, server.url, hub);
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await signInAtHub(owner, 'ada');
  await device.next('online');
  const { asked, revoked } = await hub.told();
  expect(asked).toEqual(['POST token authorization_code', 'POST sign 200', 'GET records 200']);
  expect(revoked).toEqual([]);
});

test('whoever stays on the page signs in once for several devices', async ({ owner, server, browser, startDevice, hub }) => {
  await addHub(owner, server.url, hub);
  const installer = await join(browser, await invite(owner, server.url, 'Charles', 'Installer'), 'Charles Babbage');
  const first = startDevice({ name: 'first' });
  await review(installer, server.url, await first.code());
  await approve(installer);
  await signInAtHub(installer, 'ada');
  await first.next('online');
  await installer.getByRole('button', { name: 'Enrol another' }).click();
  const second = startDevice({ name: 'second' });
  await enterCode(installer, await second.code());
  await approve(installer);
  await second.next('online');
  expect((await hub.told()).asked).toEqual(['POST token authorization_code', 'POST sign 200', 'POST sign 200']);
});

test('the terminal signs in at a hub with a browser of the same machine', async ({ owner, server, startDevice, hub }) => {
  await addHub(owner, server.url, hub);
  const device = startDevice();
  const signingIn = async (line: string): Promise<void> => {
    const told = JSON.parse(line) as { event: string; url?: string };
    if (told.event !== 'sign_in' || !told.url) return;
    const window = await owner.context().newPage();
    await window.goto(told.url);
    await answerHub(window, 'ada');
    await expect(window.getByText('Go back to the terminal')).toBeVisible();
  };
  const signed: Promise<void>[] = [];
  const linked = await linkByTerminal(server.url, await server.token(), await device.code(), {}, (line) => signed.push(signingIn(line)));
  await Promise.all(signed);
  expect(linked.status, linked.output).toBe(0);
  expect((await hub.told()).asked).toEqual(['POST token authorization_code', 'POST sign 200']);
  await device.next('online');
});

test('an admin tries a hub, and nothing is left of it', async ({ owner, server, hub }) => {
  await addHub(owner, server.url, hub);
  await owner.getByRole('button', { name: 'Try it Hub, Hall 3' }).click();
  // The page is loaded anew: it may not connect to a signer that was not there before.
  const dialog = owner.getByRole('dialog', { name: 'Try Hub, Hall 3' });
  await expect(dialog.getByText('signs for whoever is signed in there')).toBeVisible();
  await signInAtHub(owner, 'ada');
  await expect(dialog.getByText('This signer works.')).toBeVisible();
  const { asked, revoked } = await hub.told();
  expect(asked).toEqual(['POST token authorization_code', 'POST sign 200', 'GET records 200', 'DELETE records 200']);
  expect(revoked).toHaveLength(1);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
});

test('an admin tries AWS, and is told which right is missing as far as a browser tells', async ({ owner, server, aws }) => {
  await addAws(owner, server.url, aws.url);
  const tryIt = async (key: AccessKey): Promise<Locator> => {
    await open(owner, `${server.url}/organisation/signers`);
    await owner.getByRole('button', { name: 'Try it AWS, Frankfurt' }).click();
    await paste(owner, key);
    return owner.getByRole('dialog', { name: 'Try AWS, Frankfurt' });
  };
  const whole = await tryIt(await aws.user('ada', ...RIGHTS, 'iot:DeleteCertificate'));
  await expect(whole.getByText('This signer works.')).toBeVisible();
  expect(aws.asked).toEqual(['POST /certificates?setAsActive=false 200', 'DELETE /certificates/* 200']);
  const lasting = await tryIt(await aws.user('ben', ...RIGHTS));
  await expect(lasting.getByText('This signer works, but what it signed could not be removed')).toBeVisible();
  await expect(lasting.getByRole('link', { name: 'Look there' })).toBeVisible();
  const none = await tryIt(await aws.user('eve', 'iot:DescribeEndpoint'));
  await expect(none.getByText('did not answer, or refused in a way that a browser does not tell')).toBeVisible();
});

test('what is revoked here is ended at AWS too, and only once', async ({ owner, server, startDevice, aws }) => {
  await addAws(owner, server.url, aws.url);
  const key = await aws.user('ada', ...RIGHTS, 'iot:UpdateCertificate');
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await paste(owner, key);
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  await owner.getByRole('button', { name: 'Revoke' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(owner.getByText('still works at its signer')).toBeVisible();
  await open(owner, `${server.url}/organisation/signers`);
  await expect(owner.getByText('still work at AWS, Frankfurt')).toBeVisible();
  await owner.getByRole('button', { name: 'End them there' }).click();
  await paste(owner, key);
  const dialog = owner.getByRole('dialog', { name: 'End revoked certificates at AWS, Frankfurt' });
  await expect(dialog.getByText('Ended: 1 of 1.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await expect(owner.getByText('still work at AWS, Frankfurt')).toBeHidden();
  expect(aws.asked.slice(1)).toEqual(['GET /certificates/* 200', 'PUT /certificates/* 200']);
});

test('what comes back without a sign-in that waits for it goes nowhere, and not into the page', async ({ owner, server }) => {
  const address = `${server.url}/link/signed-in/sgn_0000000001zzzzzzzzzzzzzzzz`;
  await open(owner, `${address}?code=c0de&state=nobodys`);
  await expect(owner).toHaveURL(address);
  await expect(owner.getByRole('heading', { name: 'Back from the sign-in' })).toBeVisible();
  expect(await owner.content()).not.toContain('c0de');
  expect(server.log).not.toContain('c0de');
});
