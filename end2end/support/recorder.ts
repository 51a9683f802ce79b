// A proxy that records what crosses it, for proving what does not: WebSocket frames are unmasked, so that plain text would show.
import { connect, createServer, type Server as TcpServer, type Socket } from 'node:net';

export class Recorder {
  private readonly sockets = new Set<Socket>();
  private readonly chunks: Buffer[][] = [];
  /** The port to forward to; set once it is known. */
  target = 0;
  private constructor(private readonly server: TcpServer, readonly port: number) {}

  /** `from`: the address from which the target sees it coming, for a device that is somewhere else. */
  static async start(from = '127.0.0.1'): Promise<Recorder> {
    let recorder: Recorder;
    const server = createServer((near) => {
      const far = connect({ port: recorder.target, host: '127.0.0.1', localAddress: from });
      const up: Buffer[] = [];
      const down: Buffer[] = [];
      recorder.chunks.push(up, down);
      for (const [from, to, kept] of [[near, far, up], [far, near, down]] as const) {
        recorder.sockets.add(from);
        from.on('data', (chunk) => { kept.push(chunk); to.write(chunk); });
        from.on('close', () => { recorder.sockets.delete(from); to.destroy(); });
        from.on('error', () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || !address) throw new Error('no port');
    recorder = new Recorder(server, address.port);
    return recorder;
  }

  /** Everything that crossed, as text: raw bytes, and the payload of every WebSocket frame without its mask. */
  transcript(): string {
    return this.chunks.map((parts) => {
      const bytes = Buffer.concat(parts);
      const head = bytes.indexOf('\r\n\r\n');
      const upgraded = head >= 0 && /upgrade: websocket/i.test(bytes.subarray(0, head).toString('latin1'));
      return bytes.toString('latin1') + (upgraded ? `\n${payloads(bytes.subarray(head + 4))}` : '');
    }).join('\n');
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Payloads of consecutive RFC 6455 frames. */
function payloads(bytes: Buffer): string {
  let text = '';
  let at = 0;
  while (at + 2 <= bytes.length) {
    const masked = (bytes[at + 1] & 0x80) !== 0;
    let length = bytes[at + 1] & 0x7f;
    let body = at + 2;
    if (length === 126) { length = bytes.readUInt16BE(body); body += 2; }
    else if (length === 127) { length = Number(bytes.readBigUInt64BE(body)); body += 8; }
    const mask = masked ? bytes.subarray(body, body + 4) : undefined;
    if (masked) body += 4;
    const payload = Buffer.from(bytes.subarray(body, body + length));
    if (mask) for (let i = 0; i < payload.length; i += 1) payload[i] ^= mask[i % 4];
    text += `${payload.toString('latin1')}\n`;
    at = body + length;
  }
  return text;
}
