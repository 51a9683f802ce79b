// AWS as far as stories need it: ministack, which verifies signatures and rights and signs with the CSR's own key, behind a proxy
// that answers browsers as AWS does: a preflight names the headers it takes, and a refusal comes without CORS headers, so that a
// page is not told what it says.
import { execFile } from 'node:child_process';
import { createServer, request, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, type Locator, type Page } from '@playwright/test';
import { open } from './link.ts';
import { Child } from './process.ts';
import { freePort } from './server.ts';

const PYTHON = process.env.GANGWAY_PYTHON ?? 'python3';
const ALLOWED = 'authorization, content-type, x-amz-date, x-amz-security-token, x-amz-target';

export interface AccessKey { id: string; secret: string }
export interface Pools { pool: string; client: string; identityPool: string }

export class Aws {
  /** Method, path and status of what was asked. */
  readonly asked: string[] = [];
  /** How many answers to CreateCertificateFromCsr are lost on their way. */
  loses = 0;

  private constructor(private readonly child: Child, private readonly proxy: HttpServer, private readonly behind: number, readonly url: string) {}

  static async start(folder: string): Promise<Aws> {
    const behind = await freePort();
    const state = join(folder, 'aws');
    await mkdir(state, { recursive: true });
    const child = new Child(PYTHON, ['-m', 'ministack'], {
      env: {
        BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(behind), SFTP_ENABLED: '0', IOT_MTLS_ENABLED: '0', AUTH: 'true',
        MINISTACK_REGION: 'eu-central-1', STATE_DIR: state, TMPDIR: state,
      },
    });
    await child.until('AWS is there', () => child.lines.some((line) => line.includes('Running on')), 60_000);
    let aws: Aws;
    const proxy = createServer((from, to) => aws.pass(from, to));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    aws = new Aws(child, proxy, behind, `http://127.0.0.1:${address.port}`);
    return aws;
  }

  /** A user who may do this and nothing else. */
  async user(name: string, ...actions: string[]): Promise<AccessKey> {
    const [id, secret] = (await this.setUp('user', name, ...actions)).split(' ');
    return { id: id!, secret: secret! };
  }

  /** A user pool with a person in it, and an identity pool whose people may do this. */
  async cognito(name: string, password: string, ...actions: string[]): Promise<Pools> {
    return JSON.parse(await this.setUp('cognito', name, password, ...actions)) as Pools;
  }

  /** Lets the app client return to this address. */
  async returnTo(pools: Pools, address: string): Promise<void> {
    await this.setUp('callback', pools.pool, pools.client, address);
  }

  /** A provisioning template of this name, as deploy/aws has it. */
  async template(name: string): Promise<void> {
    await this.setUp('template', name, new URL('../../deploy/aws/provisioning-template.json', import.meta.url).pathname);
  }

  /** The address behind the proxy. */
  get controlPlane(): string { return `http://127.0.0.1:${this.behind}`; }

  /** The certificate of whoever signs claims here. */
  async claimsCa(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.behind}/_ministack/iot/ca.pem`)).text();
  }

  /** The ARN of a role for whoever signs in at this issuer. */
  async role(issuer: string, client: string, ...actions: string[]): Promise<string> {
    return (JSON.parse(await this.setUp('role', issuer, client, ...actions)) as { role: string }).role;
  }

  private async setUp(...what: string[]): Promise<string> {
    const script = new URL('aws.py', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(PYTHON, [script, `http://127.0.0.1:${this.behind}`, ...what]);
    return stdout.trim();
  }

  async stop(): Promise<void> {
    this.proxy.closeAllConnections();
    await new Promise((resolve) => this.proxy.close(resolve));
    await this.child.kill('SIGTERM');
  }

  private pass(from: IncomingMessage, to: ServerResponse): void {
    const origin = from.headers.origin;
    if (from.method === 'OPTIONS') {
      const wanted = (from.headers['access-control-request-headers'] ?? '').split(',').map((name) => name.trim());
      const takes = wanted.every((name) => name === '' || ALLOWED.includes(name));
      to.writeHead(takes ? 200 : 403, takes ? { 'access-control-allow-origin': origin ?? '*', 'access-control-allow-headers': ALLOWED, 'access-control-allow-methods': 'GET, POST, PUT, DELETE' } : {});
      to.end();
      return;
    }
    const forward = request({ host: '127.0.0.1', port: this.behind, method: from.method, path: from.url, headers: from.headers }, (answer) => {
      const target = from.headers['x-amz-target'];
      const what = typeof target === 'string' ? target.split('.')[1] : from.url?.replace(/[0-9a-f]{64}/, '*').replace(/\?(?!setAsActive).*/, '');
      this.asked.push(`${from.method} ${what} ${answer.statusCode}`);
      if (from.method === 'POST' && from.url?.startsWith('/certificates') && this.loses > 0) {
        this.loses -= 1;
        // The head arrives. Without a byte of an answer Chromium asks once more by itself, POST or not.
        to.writeHead(200, { 'content-type': 'application/json', 'content-length': '2000', 'access-control-allow-origin': origin ?? '*' });
        to.write('{');
        answer.resume();
        answer.on('end', () => to.destroy());
        return;
      }
      const headers = { ...answer.headers };
      for (const name of Object.keys(headers)) if (name.startsWith('access-control-')) delete headers[name];
      if (origin && answer.statusCode! < 400) headers['access-control-allow-origin'] = origin;
      to.writeHead(answer.statusCode!, headers);
      answer.pipe(to);
    });
    forward.on('error', () => to.destroy());
    from.pipe(forward);
  }
}

/** How people come by credentials; `fill` fills in what that takes. */
export interface SignInBy { label: string; fill: (dialog: Locator) => Promise<void> }

/** Adds AWS as a signer, as an admin does, and has it offered first. */
export async function addAws(owner: Page, server: string, endpoint: string, by?: SignInBy): Promise<void> {
  await open(owner, `${server}/organisation/signers`);
  await owner.getByRole('button', { name: 'Add signer' }).click();
  const dialog = owner.getByRole('dialog', { name: 'Add signer' });
  await dialog.getByLabel('Name').fill('AWS, Frankfurt');
  await dialog.getByLabel('Region').fill('eu-central-1');
  await dialog.getByLabel('How people come by AWS credentials').selectOption({ label: by?.label ?? 'They paste temporary ones' });
  await dialog.getByText('More', { exact: true }).click();
  await by?.fill(dialog);
  await dialog.getByLabel('Another address of the AWS IoT API').fill(endpoint);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'AWS, Frankfurt' })).toBeVisible();
  await owner.getByRole('button', { name: 'Offer AWS, Frankfurt earlier' }).click();
  await expect(owner.getByRole('listitem').first()).toContainText('AWS, Frankfurt');
}

/** Pastes credentials where the signer asks for them. */
export async function paste(page: Page, key: AccessKey): Promise<void> {
  await page.getByLabel('AWS credentials for').fill(`export AWS_ACCESS_KEY_ID="${key.id}"\nexport AWS_SECRET_ACCESS_KEY="${key.secret}"\n`);
  await page.getByRole('button', { name: 'Sign with these' }).click();
}
