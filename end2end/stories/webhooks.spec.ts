// Webhooks: a program of the organisation's own is told what happens, and the panel shows what was sent.
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server as HttpServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { enrol, open } from '../support/link.ts';
import { portray } from '../support/portrait.ts';
import { expect, test } from '../support/story.ts';

type Received = { headers: IncomingHttpHeaders; body: string };

/** A receiver on loopback that answers with `status`. */
class Receiver {
  readonly received: Received[] = [];
  status = 204;
  private readonly server: HttpServer;

  private constructor() {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => { body += part.toString(); });
      request.on('end', () => {
        this.received.push({ headers: request.headers, body });
        response.writeHead(this.status).end(this.status === 204 ? undefined : 'Out of order');
      });
    });
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => { receiver.server.listen(0, '127.0.0.1', () => resolve()); });
    return receiver;
  }

  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/gangway`; }

  types(): string[] { return this.received.map(({ body }) => (JSON.parse(body) as { type: string }).type); }

  stop(): void { this.server.close(); }
}

/** As Standard Webhooks says, by Node's own HMAC. */
function isSigned(secret: string, { headers, body }: Received): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const wanted = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  return String(headers['webhook-signature']).split(' ').includes(`v1,${wanted}`);
}

test('a program of the organisation’s own is told what happens, signed, and the log shows it', async ({ owner, server, startDevice }) => {
  const receiver = await Receiver.start();
  await open(owner, `${server.url}/organisation`);
  await owner.getByRole('link', { name: 'Its webhooks' }).click();
  await expect(owner.getByRole('heading', { level: 1, name: 'Webhooks' })).toBeVisible();
  await owner.locator('html[data-alive]').waitFor();
  await expect(owner.getByText('None yet.')).toBeVisible();

  await owner.getByRole('button', { name: 'Add webhook' }).click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Maintenance');
  await dialog.getByLabel('URL').fill('https://10.0.0.1/');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toContainText('not public');
  await dialog.getByLabel('Everything, also what later versions add').uncheck();
  await portray(owner, 'webhook-add');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toContainText('at least one event');
  await dialog.getByLabel('Everything, also what later versions add').check();
  await dialog.getByLabel('URL').fill(receiver.url);
  await dialog.getByRole('button', { name: 'Save' }).click();
  const secret = await dialog.locator('code').innerText();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(owner.getByText(secret), 'it is shown once').toHaveCount(0);

  await owner.getByRole('button', { name: 'Send a test Maintenance' }).click();
  await expect(owner.getByRole('dialog')).toContainText('The receiver took it.');
  await expect(owner.getByRole('dialog')).toContainText('HTTP status 204');
  await portray(owner, 'webhook-test');
  await owner.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await portray(owner, 'webhooks');

  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await expect.poll(() => receiver.types()).toEqual(expect.arrayContaining(['webhook.test', 'device.enrolled', 'device.online']));
  expect(receiver.received.length).toBeGreaterThanOrEqual(3);
  for (const received of receiver.received) expect(isSigned(secret, received)).toBe(true);
  const enrolled = receiver.received.find(({ body }) => body.includes('device.enrolled'))!;
  expect(JSON.parse(enrolled.body)).toMatchObject({ data: { device: { name: 'crane-1' } } });

  await open(owner, `${server.url}/organisation/webhooks`);
  await owner.getByRole('button', { name: 'Log Maintenance' }).click();
  const line = owner.getByRole('dialog').getByRole('listitem').filter({ hasText: 'A device was enrolled' });
  await expect(line).toContainText('delivered');
  await portray(owner, 'webhook-log');
  const before = receiver.types().filter((type) => type === 'device.enrolled').length;
  await line.getByRole('button', { name: 'Send again' }).click();
  await expect.poll(() => receiver.types().filter((type) => type === 'device.enrolled').length).toBe(before + 1);
  receiver.stop();
});

test('a receiver that fails is shown, a secret is changed, and a webhook is switched off and removed', async ({ owner, server }) => {
  const receiver = await Receiver.start();
  receiver.status = 500;
  await open(owner, `${server.url}/organisation/webhooks`);
  await owner.getByRole('button', { name: 'Add webhook' }).click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Maintenance');
  await dialog.getByLabel('URL').fill(receiver.url);
  await dialog.getByRole('button', { name: 'Save' }).click();
  const secret = await dialog.locator('code').innerText();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await owner.getByRole('button', { name: 'Send a test Maintenance' }).click();
  await expect(owner.getByRole('dialog')).toContainText('It did not get through.');
  await expect(owner.getByRole('dialog')).toContainText('HTTP status 500');
  await expect(owner.getByRole('dialog'), 'of what is inside nothing is shown').not.toContainText('Out of order');
  await owner.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'Maintenance' })).toContainText('nothing has got through since');

  await owner.getByRole('button', { name: 'New secret for Maintenance' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Make a new one' }).click();
  const other = await owner.locator('.notice code').innerText();
  expect(other).toMatch(/^whsec_/);
  expect(other).not.toBe(secret);
  await portray(owner, 'webhook-secret');
  await owner.getByRole('button', { name: 'Done' }).click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'Maintenance' })).toContainText('the former secret signs too until');

  await owner.getByRole('button', { name: 'Edit Maintenance' }).click();
  await owner.getByRole('dialog').getByLabel('It sends').uncheck();
  await owner.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  const line = owner.getByRole('listitem').filter({ hasText: 'Maintenance' });
  await expect(line.getByText('off', { exact: true })).toBeVisible();
  await expect(owner.getByRole('button', { name: 'Send a test Maintenance' })).toHaveCount(0);
  await owner.getByRole('button', { name: 'Remove Maintenance' }).click();
  await owner.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(owner.getByText('None yet.')).toBeVisible();
  receiver.stop();
});

test('certificates that end soon are listed, soonest first', async ({ owner, server, startDevice }) => {
  await open(owner, `${server.url}/organisation`);
  const rules = owner.getByRole('region', { name: 'Rules' });
  await rules.getByLabel('Days for which certificates are issued').fill('5');
  await rules.getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByText('The rules are saved.')).toBeVisible();
  await expect(owner.getByText('within 7 days')).toHaveCount(0);
  await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  await open(owner, `${server.url}/organisation`);
  await portray(owner, 'organisation-expiring');
  await owner.getByRole('link', { name: '1 certificate ends within 7 days.' }).click();
  await expect(owner.getByRole('heading', { level: 1, name: 'Certificates that end soon' })).toBeVisible();
  await expect(owner.getByRole('listitem').filter({ hasText: 'crane-1' })).toContainText('ends');
  await portray(owner, 'expiring');
  await owner.getByRole('link', { name: 'crane-1' }).click();
  await owner.waitForURL('**/fleet/dev_*');
});
