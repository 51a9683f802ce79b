// What a customer does on the code page, in the words of the page.
import { expect, type Page } from '@playwright/test';
import type { Device } from './device.ts';

/** A page of the panel counts as ready when WebAssembly has taken over: only then do clicks arrive. */
export async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await hydrated(page);
}

export async function hydrated(page: Page): Promise<void> {
  await page.locator('html[data-alive]').waitFor();
}

export async function enterCode(page: Page, code: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Code' }).fill(code);
}

export async function review(page: Page, server: string, code: string): Promise<void> {
  await open(page, `${server}/link`);
  await enterCode(page, code);
  await expect(page.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
}

export async function approve(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Approve' }).click();
}

/** The whole crossing; ends on the device's page. */
export async function enrol(page: Page, server: string, device: Device, code?: string): Promise<{ deviceId: string; sha256: string }> {
  await review(page, server, code ?? (await device.code()));
  await approve(page);
  const installed = await device.next('installed');
  await device.next('online');
  await page.waitForURL('**/fleet/dev_*');
  return { deviceId: new URL(page.url()).pathname.split('/').pop()!, sha256: String(installed.certificate_sha256) };
}

/** A code of the same nameplate with another secret. */
export function wrong(code: string): string {
  const last = code.at(-1)!;
  return code.slice(0, -1) + (last === 'B' ? 'C' : 'B');
}
