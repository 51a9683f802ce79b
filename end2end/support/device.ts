// The real device software, read through its JSON lines.
import { join } from 'node:path';
import { Child, DEVICE_BIN } from './process.ts';

export type DeviceEvent = { event: string; [field: string]: unknown };

export class Device {
  readonly events: DeviceEvent[] = [];
  private child?: Child;
  private seen = 0;

  constructor(readonly stateDir: string, private readonly server: string, private readonly accept: 'ask' | 'always', private readonly extra: string[] = []) {}

  static start(folder: string, server: string, options: { accept?: 'ask' | 'always'; name?: string; extra?: string[] } = {}): Device {
    const device = new Device(join(folder, options.name ?? 'device'), server, options.accept ?? 'always', options.extra);
    device.start();
    return device;
  }

  start(): void {
    this.child = new Child(
      DEVICE_BIN,
      ['run', '--server', this.server, '--state-dir', this.stateDir, '--json', '--accept', this.accept, ...this.extra],
      { onLine: (line) => { if (line.startsWith('{')) this.events.push(JSON.parse(line) as DeviceEvent); } },
    );
  }

  /** The next event of that name that no earlier call has returned; those before it count as seen. */
  async next(name: string, timeoutMs = 40_000): Promise<DeviceEvent> {
    return this.nextOf([name], timeoutMs);
  }

  /** The next event of any of these names. */
  async nextOf(names: string[], timeoutMs = 40_000): Promise<DeviceEvent> {
    return this.child!.until(`the device's event ${names.join(' or ')}`, () => {
      const index = this.events.findIndex((event, i) => i >= this.seen && names.includes(event.event));
      if (index < 0) return undefined;
      this.seen = index + 1;
      return this.events[index];
    }, timeoutMs);
  }

  /** The latest event of that name, seen or not; waits for one where there is none. */
  async last(name: string, timeoutMs = 40_000): Promise<DeviceEvent> {
    return this.child!.until(`the device's event ${name}`, () => this.events.findLast((event) => event.event === name), timeoutMs);
  }

  /** What it has said so far counts as seen. */
  skipToNow(): void { this.seen = this.events.length; }

  async code(): Promise<string> { return String((await this.next('code')).user_code); }

  /** The code on its screen, or undefined once it is online: it waits under the same code when only the connection broke. */
  async codeUnlessOnline(): Promise<string | undefined> {
    const event = await this.nextOf(['waiting', 'online']);
    if (event.event === 'online') return undefined;
    return String(this.events.findLast((e) => e.event === 'code')!.user_code);
  }

  /** Answers the question that the device asked last, by its name; or another one. */
  answer(yes: boolean, question = this.events.findLast((event) => event.event === 'approval_asked')): void {
    this.child!.write(`${yes ? 'y' : 'n'} ${String(question?.claim)}\n`);
  }

  /** Holds it in its tracks, as a computer that sleeps: nothing of it is lost, and it hears nothing. */
  sleep(): void { this.child!.signal('SIGSTOP'); }

  wake(): void { this.child!.signal('SIGCONT'); }

  async stop(): Promise<void> {
    // Whoever sleeps hears no signal either.
    if (this.child?.running) this.wake();
    await this.child?.kill('SIGTERM');
  }

  async crash(): Promise<void> { await this.child?.kill('SIGKILL'); }

  /** All that it has said since it was started last. */
  get lines(): string[] { return this.child?.lines ?? []; }

  get output(): string { return this.child?.tail() ?? ''; }
}
