// What a story has at hand: a server of its own, devices, a person with a passkey; all of it ended afterwards.
import { expect, test as base, type Page } from '@playwright/test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Device } from './device.ts';
import { addAuthenticator } from './passkey.ts';
import { Server } from './server.ts';

export type StartDevice = (options?: { accept?: 'ask' | 'always'; name?: string; server?: string; extra?: string[] }) => Device;

type Story = {
  folder: string;
  server: Server;
  /** Starts a device whose state lives in the story's folder. */
  startDevice: StartDevice;
  /** A page signed in as the owner of a fresh organisation. */
  owner: Page;
};

export const test = base.extend<Story>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'gangway-story-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  server: async ({ folder }, use, info) => {
    const server = await Server.start(folder);
    await use(server);
    await server.stop();
    if (info.status !== info.expectedStatus) await info.attach('server log', { body: server.log });
  },
  startDevice: async ({ folder, server }, use, info) => {
    const devices: Device[] = [];
    await use((options = {}) => {
      const device = Device.start(folder, options.server ?? server.url, options);
      devices.push(device);
      return device;
    });
    for (const device of devices) {
      if (info.status !== info.expectedStatus) await info.attach('device output', { body: device.output });
      await device.stop();
    }
  },
  owner: async ({ page, server }, use) => {
    await addAuthenticator(page);
    await setUp(page, await server.setupLink());
    await use(page);
  },
});

export { expect };

/** Follows the set-up link as the first operator does. */
export async function setUp(page: Page, link: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel('Your name').fill('Ada Lovelace');
  await page.getByLabel('Organisation').fill('Analytical Engines');
  await page.getByRole('button', { name: 'Create passkey' }).click();
  await page.getByRole('button', { name: 'Continue' }).or(page.getByRole('link', { name: /later|continue/i })).first().click();
  await page.waitForURL('**/fleet');
}
