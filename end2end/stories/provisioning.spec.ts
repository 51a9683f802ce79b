// Fleet provisioning by trusted user: the person's browser makes a claim at AWS, and the device fetches its certificate with it, at
// a real broker. The claim's key crosses sealed.
import { join } from 'node:path';
import { AwsMqtt } from '../support/aws_mqtt.ts';
import { Aws, addAws, paste } from '../support/aws.ts';
import { linkByTerminal } from '../support/crowd.ts';
import { approve, open, review } from '../support/link.ts';
import { expect, test as base } from '../support/story.ts';

const RIGHTS = ['iot:CreateProvisioningClaim', 'iot:ListCertificates', 'iot:DescribeCertificate'];
const STATUS = 'plant/{client_id}/status';

const test = base.extend<{ aws: Aws; broker: AwsMqtt }>({
  aws: async ({ folder }, use, info) => {
    const aws = await Aws.start(folder);
    await aws.template('plant');
    await use(aws);
    await aws.stop();
    if (info.status !== info.expectedStatus) await info.attach('asked of AWS', { body: aws.asked.join('\n') });
  },
  broker: async ({ aws, folder }, use) => {
    const broker = await AwsMqtt.start(folder, aws);
    await use(broker);
    await broker.stop();
  },
});

test('a device fetches its certificate from AWS with a claim that crosses sealed, and holds its line there', async ({ owner, server, startDevice, aws, broker }) => {
  const told: string[] = [], got: string[] = [];
  owner.on('request', (request) => {
    if (request.url().startsWith(server.url)) told.push(request.url(), request.postData() ?? '');
  });
  owner.on('websocket', (socket) => socket.on('framesent', (frame) => told.push(String(frame.payload))));
  owner.on('response', async (response) => {
    if (response.url().endsWith('/provisioning-claim')) got.push(await response.text().catch(() => ''));
  });
  await addAws(owner, server.url, aws.url, { label: 'They paste temporary ones', fill: (dialog) => broker.fill(dialog, 'plant') });
  const key = await aws.user('ada', ...RIGHTS);
  const device = startDevice({ extra: ['--serial', 'T7-0042', '--mqtt-status-topic', STATUS] });
  await review(owner, server.url, await device.code());
  await approve(owner);
  await paste(owner, key);
  await device.next('provisioning');
  await device.next('installed');
  await device.next('online');
  await owner.waitForURL('**/fleet/dev_*');
  const line = await broker.published('plant/thermometer-T7-0042/status', (message) => message.payload === '{"online":true}');
  expect(line.topic).toContain('thermometer-T7-0042');
  expect((await device.last('endpoint_connected')).client_id).toBe('thermometer-T7-0042');
  expect(aws.asked).toEqual(['POST /provisioning-templates/plant/provisioning-claim 200', 'GET /certificates/* 200']);
  // What the template gives the device came with the certificate.
  expect(device.events.some((event) => event.event === 'configuration')).toBe(true);
  // The claim's key went through the browser, and our server saw it sealed alone.
  const secret = (JSON.parse(got[0]!) as { keyPair: { PrivateKey: string } }).keyPair.PrivateKey;
  const line64 = secret.split('\n')[2]!;
  expect(line64.length, 'a line of the key is looked for').toBeGreaterThan(40);
  expect(told.join('\n')).not.toContain(line64);
  expect(server.log).not.toContain(line64);
  expect(told.join('\n'), 'what was told is looked at').toContain('"state":"begun"');
  await device.stop();
  await broker.published('plant/thermometer-T7-0042/status', (message) => message.payload === '{"online":false}');
});

test('the hook lets in what Gangway has approved, and what it refuses is told on both screens', async ({ owner, server, startDevice, aws, folder }) => {
  const organisation = await owner.evaluate(async () => {
    const { items } = await (await fetch('/api/v1/organisations')).json() as { items: { id: string }[] };
    return items[0]!.id;
  });
  const told = { PANEL: server.url, ORGANISATION: organisation, TOKEN: await server.admin('token', 'create', '--scope', 'read') };
  const broker = await AwsMqtt.start(folder, aws, told);
  const elsewhere = await AwsMqtt.start(join(folder, 'elsewhere'), aws, { ...told, ORGANISATION: 'org_00000000000000000000000000' });
  try {
    const parameters = 'Device=device, SerialNumber=serial';
    await addAws(owner, server.url, aws.url, { label: 'They paste temporary ones', fill: (dialog) => broker.fill(dialog, 'plant', parameters) });
    const key = await aws.user('ada', ...RIGHTS);
    const device = startDevice({ name: 'approved', extra: ['--serial', 'T7-0042'] });
    await review(owner, server.url, await device.code());
    await approve(owner);
    await paste(owner, key);
    await device.next('online');
    await owner.waitForURL('**/fleet/dev_*');
    const connected = await device.last('endpoint_connected');
    expect(owner.url()).toContain(String(connected.client_id));

    await open(owner, `${server.url}/organisation/signers`);
    await owner.getByRole('button', { name: 'Change AWS, Frankfurt' }).click();
    const dialog = owner.getByRole('dialog', { name: 'Change AWS, Frankfurt' });
    await dialog.getByText('More', { exact: true }).click();
    await elsewhere.fill(dialog, 'plant', parameters);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(dialog).toBeHidden();
    const stranger = startDevice({ name: 'stranger', extra: ['--serial', 'T7-0043'] });
    await review(owner, server.url, await stranger.code());
    await approve(owner);
    await paste(owner, key);
    const words = 'The pre-provisioning hook does not allow provisioning';
    await expect(owner.getByRole('alert').getByText(words)).toBeVisible();
    const ended = await stranger.next('claim_ended');
    expect(String(ended.reason)).toContain(words);
  } finally {
    await broker.stop();
    await elsewhere.stop();
  }
});

test('the terminal makes the claim too', async ({ owner, server, startDevice, aws, broker }) => {
  await addAws(owner, server.url, aws.url, { label: 'They paste temporary ones', fill: (dialog) => broker.fill(dialog, 'plant') });
  const token = await server.token();
  const eve = await aws.user('eve', 'iot:DescribeEndpoint');
  const refused = await linkByTerminal(server.url, token, await startDevice({ name: 'refused', extra: ['--serial', 'T7-0041'] }).code(), {
    AWS_ACCESS_KEY_ID: eve.id, AWS_SECRET_ACCESS_KEY: eve.secret,
  });
  expect(refused.status).toBe(6);
  expect(refused.output).toContain('iot:CreateProvisioningClaim');
  const ada = await aws.user('ada', ...RIGHTS);
  const device = startDevice({ name: 'signed', extra: ['--serial', 'T7-0042', '--provisioning-format', 'cbor', '--mqtt-version', '3.1.1'] });
  const signed = await linkByTerminal(server.url, token, await device.code(), { AWS_ACCESS_KEY_ID: ada.id, AWS_SECRET_ACCESS_KEY: ada.secret });
  expect(signed.status, signed.output).toBe(0);
  await device.next('online');
  expect(broker.topics).toContain('$aws/provisioning-templates/plant/provision/cbor');
});
