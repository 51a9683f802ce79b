// Pictures of a page: light and dark, desktop and phone. axe-core finds nothing in them, and nothing scrolls sideways.
import { expect, type Page } from '@playwright/test';
import { mkdirSync } from 'node:fs';
import { expectAccessible } from './axe.ts';

const folder = new URL('../screenshots/', import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

const themes = ['light', 'dark'] as const;
const sizes = [{ width: 1280, height: 800 }, { width: 375, height: 812 }] as const;

/** Two frames: colours, layout and what depends on the size of a container are those of the new theme and size. */
async function painted(page: Page): Promise<void> {
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** A picture of the page as it stands, in both themes and sizes, with all that is asked of every page. */
export async function portray(page: Page, name: string): Promise<void> {
  for (const theme of themes) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    for (const size of sizes) {
      await page.setViewportSize(size);
      await painted(page);
      await page.screenshot({ path: `${folder}${name}-${theme}-${size.width}.png`, fullPage: true });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${name} scrolls sideways at ${size.width} px`).toBeLessThanOrEqual(0);
    }
    await expectAccessible(page, `${name}, ${theme}`);
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await painted(page);
  expect(await page.evaluate(() => document.documentElement.scrollWidth), `${name} at 320 px`).toBeLessThanOrEqual(320);
  await page.setViewportSize(sizes[0]);
}
