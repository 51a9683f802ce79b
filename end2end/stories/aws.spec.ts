// AWS IoT Core signs: the browser or the terminal asks it with the person's own credentials, which never come to our server.
import { Aws, addAws, paste } from '../support/aws.ts';
import { linkByTerminal } from '../support/crowd.ts';
import { approve, review } from '../support/link.ts';
import { expect, test as base } from '../support/story.ts';

const RIGHTS = ['iot:CreateCertificateFromCsr', 'iot:ListCertificates', 'iot:DescribeCertificate'];

const test = base.extend<{ aws: Aws }>({
  aws: async ({ folder }, use, info) => {
    const aws = await Aws.start(folder);
    await use(aws);
    await aws.stop();
    if (info.status !== info.expectedStatus) await info.attach('asked of AWS', { body: aws.asked.join('\n') });
  },
});

test('AWS signs with credentials that stay in the browser, and the device comes aboard', async ({ owner, server, startDevice, aws }) => {
  const told: string[] = [];
  owner.on('request', (request) => {
    if (request.url().startsWith(server.url)) told.push(request.url(), request.postData() ?? '', JSON.stringify(request.headers()));
  });
  owner.on('websocket', (socket) => socket.on('framesent', (frame) => told.push(String(frame.payload))));
  await addAws(owner, server.url, aws.url);
  const key = await aws.user('ada', ...RIGHTS);
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await expect(owner.getByLabel('Signed by')).toHaveText(/AWS, Frankfurt/);
  await approve(owner);
  await expect(owner.getByLabel('AWS credentials for “AWS, Frankfurt”')).toBeFocused();
  await paste(owner, key);
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  expect(aws.asked).toEqual(['POST /certificates?setAsActive=true 200']);
  // The next device of this page needs no credentials again; a new page does, because nothing keeps them.
  const stored = await owner.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  for (const secret of [key.id, key.secret]) {
    expect(stored).not.toContain(secret);
    expect(server.log).not.toContain(secret);
    expect(told.join('\n')).not.toContain(secret);
  }
  expect(told.join('\n'), 'what was told is looked at').toContain('"state":"begun"');
});

test('a certificate whose reply was lost is found at AWS, and nothing is signed twice', async ({ owner, server, startDevice, aws }) => {
  await addAws(owner, server.url, aws.url);
  const key = await aws.user('ada', ...RIGHTS);
  const device = startDevice();
  await review(owner, server.url, await device.code());
  aws.loses = 1;
  await approve(owner);
  await paste(owner, key);
  await device.next('online');
  expect(aws.asked.filter((line) => line.startsWith('POST'))).toHaveLength(1);
});

test('a refusal that a browser does not tell leaves the decision to the person', async ({ owner, server, startDevice, aws }) => {
  await addAws(owner, server.url, aws.url);
  const eve = await aws.user('eve', 'iot:DescribeEndpoint');
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  await paste(owner, eve);
  await expect(owner.getByText('nobody knows whether it did')).toBeVisible();
  await expect(owner.getByRole('link', { name: 'Look there' })).toHaveAttribute('href', /eu-central-1\.console\.aws\.amazon\.com/);
  await owner.getByRole('button', { name: 'Cancel' }).click();
  await expect(owner.getByText('You cancelled')).toBeVisible();
});

test('the terminal signs with the credentials of its environment, and tells a missing right by its name', async ({ owner, server, startDevice, aws }) => {
  await addAws(owner, server.url, aws.url);
  const token = await server.token();
  const eve = await aws.user('eve', 'iot:DescribeEndpoint');
  const refused = await linkByTerminal(server.url, token, await startDevice({ name: 'refused' }).code(), {
    AWS_ACCESS_KEY_ID: eve.id, AWS_SECRET_ACCESS_KEY: eve.secret,
  });
  expect(refused.status).toBe(6);
  expect(refused.output).toContain('iot:CreateCertificateFromCsr');
  const ada = await aws.user('ada', ...RIGHTS);
  const device = startDevice({ name: 'signed' });
  const signed = await linkByTerminal(server.url, token, await device.code(), { AWS_ACCESS_KEY_ID: ada.id, AWS_SECRET_ACCESS_KEY: ada.secret });
  expect(signed.status, signed.output).toBe(0);
  await device.next('online');
});
