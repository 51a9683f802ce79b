// Debian's own Firefox, driven by WebDriver BiDi. It has no virtual authenticator, so whoever is in it signed in elsewhere.
import type { Page as ChromiumPage } from '@playwright/test';
import { existsSync } from 'node:fs';
import { launch, type Browser, type Page } from 'puppeteer-core';

export const FIREFOX = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find(existsSync);

export class Firefox {
  private constructor(private readonly browser: Browser, readonly page: Page, readonly errors: string[]) {}

  static async start(): Promise<Firefox> {
    const browser = await launch({ browser: 'firefox', executablePath: FIREFOX!, headless: true });
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
    page.on('pageerror', (error) => errors.push(String(error)));
    page.setDefaultTimeout(30_000);
    return new Firefox(browser, page, errors);
  }

  /** Takes over the sign-in of another browser. */
  async signInAs(other: ChromiumPage, server: string): Promise<void> {
    for (const { name, value, path, httpOnly } of await other.context().cookies(server)) {
      await this.browser.setCookie({ name, value, path, httpOnly, domain: new URL(server).hostname, sameSite: 'Lax' });
    }
  }

  /** Opens a page and waits until it lives. */
  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.alive();
  }

  async alive(): Promise<void> { await this.page.waitForSelector('html[data-alive]'); }

  async press(name: string): Promise<void> { await this.page.locator(`::-p-aria([name="${name}"][role="button"])`).click(); }

  /** Waits until the page says something. */
  async says(text: string): Promise<void> { await this.page.waitForSelector(`::-p-text(${text})`); }

  async stop(): Promise<void> { await this.browser.close(); }
}
