// The real server on a free port, with a data directory of its own; on PostgreSQL (`make stories-postgres`) with a database of its own.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Child, GANGWAY_BIN } from './process.ts';

const run = promisify(execFile);

const SECOND_ORGANISATION = `
import sqlite3, sys
file, name, owner = sys.argv[1:]
db = sqlite3.connect(file, timeout=20)
with db:
    organisation, signer = 'org_7zzzzzzzzzzzzzzzzzzzzzzzzz', 'sgn_7zzzzzzzzzzzzzzzzzzzzzzzzz'
    db.execute("INSERT INTO organisations (id, name, policy, created_at) SELECT ?, ?, policy, created_at FROM organisations", (organisation, name))
    db.execute("INSERT INTO signers (id, organisation, name, kind, position, created_at) SELECT ?, ?, name, kind, position, created_at FROM signers", (signer, organisation))
    db.execute("UPDATE memberships SET organisation = ?, role = 'owner' WHERE account = (SELECT id FROM accounts WHERE name = ?)", (organisation, owner))
`;

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

/** What tells the server of its database, where stories run on PostgreSQL. */
async function freshDatabase(): Promise<Record<string, string>> {
  const postgres = process.env.GANGWAY_STORIES_POSTGRES_URL;
  if (!postgres) return {};
  const name = `story_${randomUUID().replaceAll('-', '')}`;
  await run('psql', ['--no-psqlrc', '--quiet', '--command', `CREATE DATABASE ${name}`, postgres]);
  return { GANGWAY_DATABASE_URL: Object.assign(new URL(postgres), { pathname: `/${name}` }).href };
}

export class Server {
  readonly dataDir: string;
  private child?: Child;

  private constructor(folder: string, readonly port: number, private readonly extra: string[], private readonly env: Record<string, string>) {
    this.dataDir = join(folder, 'server');
  }

  static async start(folder: string, extra: string[] = []): Promise<Server> {
    const server = new Server(folder, await freePort(), extra, await freshDatabase());
    await server.start();
    return server;
  }

  /** Passkeys work on `localhost`, not on an IP address. */
  get url(): string { return `http://localhost:${this.port}`; }

  async start(): Promise<void> {
    this.child = new Child(GANGWAY_BIN, [
      'serve', '--data-dir', this.dataDir, '--listen', `127.0.0.1:${this.port}`, '--public-url', this.url, ...this.extra,
    ], { env: this.env });
    const deadline = Date.now() + 20_000;
    for (;;) {
      if (!this.child.running) throw new Error(`the server ended with ${this.child.exitCode}\n${this.child.tail()}`);
      const ready = await fetch(`http://127.0.0.1:${this.port}/readyz`).then((r) => r.ok, () => false);
      if (ready) return;
      if (Date.now() > deadline) throw new Error(`the server is not ready\n${this.child.tail()}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> { await this.child?.kill('SIGTERM'); }

  /** What a power cut does. */
  async crash(): Promise<void> { await this.child?.kill('SIGKILL'); }

  get log(): string { return this.child?.lines.join('\n') ?? ''; }

  /** The last line of what `gangway admin …` prints. */
  async admin(...args: string[]): Promise<string> {
    const { stdout } = await run(GANGWAY_BIN, ['admin', ...args, '--data-dir', this.dataDir], { env: { ...process.env, ...this.env } });
    return stdout.trimEnd().split('\n').pop()!;
  }

  async setupLink(): Promise<string> { return this.admin('setup-link', '--public-url', this.url); }

  /** A second organisation, whose owner is somebody who belonged to the first. Nothing in the product makes one yet: it is written as the set-up writes the first. */
  async addOrganisation(name: string, owner: string): Promise<void> {
    await run(process.env.GANGWAY_PYTHON ?? 'python3', ['-c', SECOND_ORGANISATION, join(this.dataDir, 'gangway.sqlite3'), name, owner]);
  }

  async token(): Promise<string> { return this.admin('token', 'create', '--scope', 'enrol'); }
}
