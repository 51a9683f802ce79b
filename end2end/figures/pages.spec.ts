// What a visitor waits for. Sizes are those of the files that a document names, as the server sends them to a browser that takes
// brotli, for whoever uses the page: signed out at the start and the set-up, signed in elsewhere.
import type { CDPSession, Page } from '@playwright/test';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '../support/story.ts';

const run = promisify(execFile);
const ROUNDS = 9;
const SLOWER = 4;

test('sizes', async ({ browser, owner, server }) => {
  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto(server.url);
  await figure('first_load_brotli_bytes', await size(stranger, await named(stranger, '/')), 'B', { atMost: 90_000 });
  await figure('first_load_setup_brotli_bytes', await size(stranger, await named(stranger, '/setup')), 'B', { atMost: 110_000 });
  await figure('first_load_fleet_brotli_bytes', await size(owner, await named(owner, '/fleet')), 'B', { atMost: 135_000 });
  const link = await named(owner, '/link');
  await figure('first_load_link_brotli_bytes', await size(owner, link), 'B', { atMost: 150_000 });
  // With what the code page loads while the person types.
  const folder = link[0]!.slice(0, link[0]!.lastIndexOf('/'));
  const later = await part('conversation', folder);
  await figure('crossing_brotli_bytes', await size(owner, [...new Set([...link, ...later])]), 'B');
});

test('time until the code page lives', async ({ owner, server }) => {
  const session = await owner.context().newCDPSession(owner);
  const { ratio, alive } = await lives(owner, session, `${server.url}/link`);
  await figure('interactive_ms', alive, 'ms');
  // Against the same page's own DOMContentLoaded, of which 150 ms are free: 1.3 or less is reached.
  await figure('interactive_ratio', ratio, '', { atMost: 1.3 });
});

test('Lighthouse on a phone', async ({ owner, server, folder }) => {
  const stranger = await lighthouse(server.url, folder);
  await scores('start', stranger);
  const [cookie] = await owner.context().cookies(server.url);
  for (const page of ['link', 'fleet']) await scores(page, await lighthouse(`${server.url}/${page}`, folder, `${cookie!.name}=${cookie!.value}`));
});

/** The panel's files that a document names. */
async function named(page: Page, path: string): Promise<string[]> {
  const html = await page.evaluate(async (path) => (await fetch(path)).text(), path);
  const files = [...new Set(html.match(/\/pkg\/[^"'\s]+\.(?:wasm|js|css)/g))];
  expect(files.length, `${path} names no files: was the server built with the panel?`).toBeGreaterThan(2);
  return files;
}

/** The files of a part that is loaded later, as the build wrote them down. */
async function part(name: string, folder: string): Promise<string[]> {
  const lines = (await readFile('../dist/parts', 'utf8')).split('\n');
  const line = lines.find((line) => line.startsWith(`${name} `));
  expect(line, `dist/parts knows no ${name}`).toBeDefined();
  return line!.split(' ').slice(1).map((file) => `${folder}/${file}`);
}

async function size(page: Page, files: string[]): Promise<number> {
  return page.evaluate(async (files) => {
    let sum = 0;
    for (const file of files) {
      performance.clearResourceTimings();
      await (await fetch(file, { cache: 'reload' })).arrayBuffer();
      const [entry] = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      sum += entry!.encodedBodySize;
    }
    return sum;
  }, files);
}

/** From the navigation to the last island's life, with an empty cache on a slow processor; medians. */
async function lives(page: Page, session: CDPSession, url: string): Promise<{ alive: number; ratio: number }> {
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.addInitScript(() => {
    new MutationObserver(() => {
      if (document.documentElement.hasAttribute('data-alive')) performance.mark('alive');
    }).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-alive'] });
  });
  const times: { alive: number; ratio: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await page.goto(url);
    await page.waitForFunction(() => performance.getEntriesByName('alive').length > 0);
    times.push(await page.evaluate(() => {
      const alive = performance.getEntriesByName('alive')[0]!.startTime;
      const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
      return { alive, ratio: (alive - 150) / navigation!.domContentLoadedEventEnd };
    }));
  }
  const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return { alive: median(times.map((time) => time.alive)), ratio: median(times.map((time) => time.ratio)) };
}

type Audits = { categories: Record<string, { score: number }>; audits: Record<string, { numericValue: number }> };

async function lighthouse(url: string, folder: string, cookie?: string): Promise<Audits> {
  const report = join(folder, 'lighthouse.json');
  const headers = cookie ? ['--extra-headers', JSON.stringify({ Cookie: cookie })] : [];
  await run('lighthouse', [
    url, '--quiet', '--output=json', `--output-path=${report}`, '--only-categories=performance,accessibility,best-practices',
    '--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-background-networking', ...headers,
  ], { env: { ...process.env, CHROME_PATH: '/usr/bin/chromium' } });
  return JSON.parse(await readFile(report, 'utf8')) as Audits;
}

async function scores(page: string, { categories, audits }: Audits): Promise<void> {
  const score = (name: string) => Math.round(categories[name]!.score * 100);
  await figure(`lighthouse_${page}_performance`, score('performance'), '', { atLeast: 98 });
  await figure(`lighthouse_${page}_accessibility`, score('accessibility'), '', { atLeast: 100 });
  await figure(`lighthouse_${page}_best_practices`, score('best-practices'), '', { atLeast: 100 });
  await figure(`lighthouse_${page}_cls`, audits['cumulative-layout-shift']!.numericValue, '', { atMost: 0 });
  await figure(`lighthouse_${page}_tbt_ms`, audits['total-blocking-time']!.numericValue, 'ms', { atMost: 50 });
}

/** Prints a figure as the other benchmarks do, and puts it beside theirs. */
async function figure(key: string, value: number, unit: string, mark: { atMost?: number; atLeast?: number } = {}): Promise<void> {
  const rounded = Number(value.toPrecision(6));
  const wanted = mark.atMost !== undefined ? `≤ ${mark.atMost}` : mark.atLeast !== undefined ? `≥ ${mark.atLeast}` : '';
  const reached = (mark.atMost === undefined || value <= mark.atMost) && (mark.atLeast === undefined || value >= mark.atLeast);
  const verdict = !wanted ? '' : reached ? 'reached' : 'MISSED';
  console.log(`${key.padEnd(32)} ${String(rounded).padStart(10)} ${unit.padEnd(5)} ${wanted.padStart(9)}  ${verdict}`.trimEnd());
  await mkdir('../target', { recursive: true });
  const path = '../target/bench.json';
  const figures = JSON.parse(await readFile(path, 'utf8').catch(() => '{}')) as Record<string, number>;
  await writeFile(path, JSON.stringify({ ...figures, [key]: rounded }, Object.keys({ ...figures, [key]: 0 }).sort(), 2));
}
