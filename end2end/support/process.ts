// Child processes of a story: the real binaries, their output kept for the report of a failure.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export const GANGWAY_BIN = binary('GANGWAY_BIN', '../target/release/gangway');
export const DEVICE_BIN = binary('GANGWAY_DEVICE_BIN', '../target/release/gangway-device');

function binary(variable: string, otherwise: string): string {
  return process.env[variable] ?? new URL(`../${otherwise}`, import.meta.url).pathname;
}

export class Child {
  readonly lines: string[] = [];
  private readonly process: ChildProcess;
  private readonly listeners = new Set<() => void>();
  exitCode: number | null = null;

  constructor(command: string, args: string[], options: { env?: Record<string, string>; onLine?: (line: string) => void } = {}) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) {
          this.lines.push(line);
          if (stream === this.process.stdout) options.onLine?.(line);
        }
        this.wake();
      });
    }
    this.process.on('exit', (code) => { this.exitCode = code ?? -1; this.wake(); });
  }

  get pid(): number { return this.process.pid!; }

  get running(): boolean { return this.exitCode === null; }

  write(text: string): void { this.process.stdin!.write(text); }

  closeInput(): void { this.process.stdin!.end(); }

  /** Waits until `ready` returns something, looking again after every line of output and at the end of the process. */
  async until<T>(what: string, ready: () => T | undefined | false, timeoutMs = 30_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = ready();
      if (found) return found;
      if (!this.running) throw new Error(`${what}: the process ended with ${this.exitCode}\n${this.tail()}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`${what}: nothing in ${timeoutMs} ms\n${this.tail()}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const listeners = this.listeners;
        function done() { clearTimeout(timer); listeners.delete(done); resolve(); }
        listeners.add(done);
      });
    }
  }

  signal(signal: NodeJS.Signals): void { this.process.kill(signal); }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    const exited = once(this.process, 'exit');
    this.process.kill(signal);
    await exited;
  }

  async exited(): Promise<number> {
    if (this.running) await once(this.process, 'exit');
    return this.exitCode!;
  }

  tail(): string { return this.lines.slice(-40).join('\n'); }

  private wake(): void { for (const listener of [...this.listeners]) listener(); }
}
