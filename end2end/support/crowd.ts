// Many devices at once, without a browser: simulated in one process, and each claimed from the command line.
import { Child, DEVICE_BIN, GANGWAY_BIN } from './process.ts';
import type { Server } from './server.ts';

/** Terminals at a time: fewer than the five attempts of one account that may be undecided (caps.failed_codes_per_account). */
const SIDE_BY_SIDE = 4;

export class Crowd {
  private constructor(private readonly child: Child) {}

  /** `count` devices named `NAME-00000` and so on, all of them online. */
  static async enrol(server: Server, count: number, name: string): Promise<Crowd> {
    const codes = new Map<number, string>();
    const child = new Child(DEVICE_BIN, ['simulate', '--count', String(count), '--server', server.url, '--name', name, '--json'], {
      onLine: (line) => {
        const event = JSON.parse(line) as { index: number; event: string; user_code?: string };
        if (event.event === 'code') codes.set(event.index, event.user_code!);
      },
    });
    const crowd = new Crowd(child);
    await child.until('a code of each device', () => codes.size === count);
    const token = await server.token();
    const waiting = [...codes.entries()].sort(([a], [b]) => a - b).map(([, code]) => code);
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, async () => {
      for (let code = waiting.shift(); code; code = waiting.shift()) {
        const end = await linkByTerminal(server.url, token, code);
        if (end.status !== 0) throw new Error(`gangway link ended with ${end.status}\n${end.output}`);
      }
    }));
    return crowd;
  }

  async stop(): Promise<void> { await this.child.kill('SIGTERM'); }
}

/** `gangway link` with this code on its standard input; what it prints meanwhile goes to `onLine`. */
export async function linkByTerminal(server: string, token: string, code: string, env: Record<string, string> = {}, onLine?: (line: string) => void): Promise<{ status: number; output: string }> {
  const terminal = new Child(GANGWAY_BIN, ['link', '--server', server, '--yes', '--json'], { env: { GANGWAY_TOKEN: token, ...env }, onLine });
  terminal.write(`${code}\n`);
  terminal.closeInput();
  const status = await terminal.exited();
  return { status, output: terminal.tail() };
}
