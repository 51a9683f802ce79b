// A plgd hub and a plgd client as far as stories need them (fakes/plgd_hub.py, fakes/plgd_client.py), and the hub's set-up as a signer.
import { expect, type Page } from '@playwright/test';
import { open } from './link.ts';
import { Child } from './process.ts';

const PYTHON = process.env.GANGWAY_PYTHON ?? 'python3';

export class Hub {
  private constructor(private readonly child: Child, readonly url: string) {}

  static async start(): Promise<Hub> {
    const child = new Child(PYTHON, [new URL('../fakes/plgd_hub.py', import.meta.url).pathname], {});
    await child.until('the hub is there', () => child.lines.length > 0, 30_000);
    return new Hub(child, child.lines[0]!);
  }

  /** What it was asked, and which serial numbers it has revoked. */
  async told(): Promise<{ asked: string[]; revoked: string[] }> {
    return (await (await fetch(`${this.url}/_asked`)).json()) as { asked: string[]; revoked: string[] };
  }

  /** How many answers to signing are lost on their way, how many seconds the next tokens last. */
  async set(control: { loses?: number; lifetimes?: number[] }): Promise<void> {
    await fetch(`${this.url}/_control`, { method: 'POST', body: JSON.stringify(control) });
  }

  async configuration(): Promise<string> {
    return (await fetch(`${this.url}/.well-known/configuration`)).text();
  }

  async stop(): Promise<void> {
    await this.child.kill('SIGTERM');
  }
}

/** Adds the hub as a signer, as an admin does, and has it offered first. */
export async function addHub(owner: Page, server: string, hub: Hub): Promise<void> {
  await open(owner, `${server}/organisation/signers`);
  await owner.getByRole('button', { name: 'Add signer' }).click();
  const dialog = owner.getByRole('dialog', { name: 'Add signer' });
  await dialog.getByLabel('Kind').selectOption({ label: 'plgd hub' });
  await dialog.getByLabel('Name').fill('Hub, Hall 3');
  await dialog.getByLabel('What the hub says about itself').fill(await hub.configuration());
  await expect(dialog.getByText('The fields below are filled in.')).toBeVisible();
  await expect(dialog.getByLabel('Issuer')).toHaveValue(`${hub.url}/auth`);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(owner.getByRole('listitem').filter({ hasText: 'Hub, Hall 3' })).toBeVisible();
  await owner.getByRole('button', { name: 'Offer Hub, Hall 3 earlier' }).click();
  await expect(owner.getByRole('listitem').first()).toContainText('Hub, Hall 3');
}

/** Signs in at the hub's authority, in the window that the press opens; `answer` is the button there. */
export async function signInAtHub(page: Page, owner: string, answer = 'Sign in'): Promise<Page> {
  const opened = page.waitForEvent('popup');
  await page.getByRole('link', { name: /^Sign in at / }).click();
  const window = await opened;
  await answerHub(window, owner, answer);
  return window;
}

/** Answers the hub's authority in this window. */
export async function answerHub(window: Page, owner: string, answer = 'Sign in'): Promise<void> {
  await window.getByLabel('Name').fill(owner);
  await window.getByRole('button', { name: answer }).click();
}

type Told = {
  asked: string[];
  bearers: string[];
  mode: string;
  owner: string;
  psk: { subjectId: string; key: string; save: boolean } | null;
  devices: { name: string; ownership: string; onboarded: Record<string, string> | null }[];
};

export class PlgdClient {
  private constructor(private readonly child: Child, readonly url: string) {}

  static async start(): Promise<PlgdClient> {
    const child = new Child(PYTHON, [new URL('../fakes/plgd_client.py', import.meta.url).pathname], {});
    await child.until('the client is there', () => child.lines.length > 0, 30_000);
    return new PlgdClient(child, child.lines[0]!);
  }

  get host(): string {
    return new URL(this.url).host;
  }

  /** What it was asked, with which tokens, and what it is now. */
  async told(): Promise<Told> {
    return (await (await fetch(`${this.url}/_told`)).json()) as Told;
  }

  /** By how many seconds its clock jumps after each of the next challenges; whether it asks for a certificate that may sign others. */
  async set(control: { jumps?: number[]; asks_for_ca?: boolean }): Promise<void> {
    await fetch(`${this.url}/_control`, { method: 'POST', body: JSON.stringify(control) });
  }

  /** All that it keeps in memory is gone. */
  async restart(): Promise<void> {
    await fetch(`${this.url}/_restart`, { method: 'POST', body: '{}' });
  }

  async stop(): Promise<void> {
    await this.child.kill('SIGTERM');
  }
}
