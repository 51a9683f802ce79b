// AWS's data endpoint as far as stories need it: mosquitto with what answers to fleet provisioning (fakes/aws_mqtt.py).
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import type { Aws } from './aws.ts';
import { Child } from './process.ts';

const PYTHON = process.env.GANGWAY_PYTHON ?? 'python3';

export interface Published { topic: string; retain: boolean; payload: string }

export class AwsMqtt {
  private constructor(private readonly child: Child, readonly endpoint: string, readonly ca: string, private readonly heard: Published[]) {}

  /** Beside `aws`, which makes claims for it; `hook` is what the hook of deploy/aws is told, where it is asked. */
  static async start(folder: string, aws: Aws, hook?: Record<string, string>): Promise<AwsMqtt> {
    await mkdir(folder, { recursive: true });
    const trust = join(folder, 'claims.pem');
    await writeFile(trust, await aws.claimsCa());
    const heard: Published[] = [];
    let place: { endpoint: string; ca: string } | undefined;
    const file = (path: string) => new URL(path, import.meta.url).pathname;
    const args = [file('../fakes/aws_mqtt.py'), join(folder, 'mqtt'), '--trust', trust, '--iot', aws.controlPlane, ...(hook ? ['--hook', file('../../deploy/aws/hook.py')] : [])];
    const child = new Child(PYTHON, args, {
      env: hook,
      onLine: (line) => {
        if (place) heard.push(JSON.parse(line) as Published);
        else place = JSON.parse(line) as { endpoint: string; ca: string };
      },
    });
    const { endpoint, ca } = await child.until('the broker is there', () => place, 30_000);
    return new AwsMqtt(child, endpoint, ca, heard);
  }

  /** The first message of this topic that `wanted` finds. */
  async published(topic: string, wanted: (message: Published) => boolean = () => true): Promise<Published> {
    return this.child.until(`a message by ${topic}`, () => this.heard.find((message) => message.topic === topic && wanted(message)), 30_000);
  }

  /** What was published so far. */
  get topics(): string[] { return this.heard.map((message) => message.topic); }

  async stop(): Promise<void> {
    await this.child.kill('SIGTERM');
  }

  /** Fills in what makes devices fetch their certificates here. */
  async fill(dialog: Locator, template: string, parameters = 'SerialNumber=serial'): Promise<void> {
    await dialog.getByLabel('How devices come by certificates').selectOption({ label: 'The device fetches it by a provisioning template (trusted user)' });
    await dialog.getByLabel('Name of the provisioning template').fill(template);
    await dialog.getByLabel('Parameters of the template').fill(parameters);
    await dialog.getByLabel('Device endpoint', { exact: true }).fill(this.endpoint);
    await dialog.getByLabel('Issuers that devices trust at the device endpoint').fill(this.ca);
  }
}
