// What pages do whose code does not arrive, arrives late, or is of another build; and that page and code belong together.
import { expect, test } from '../support/story.ts';
import { enrol, enterCode, hydrated } from '../support/link.ts';
import type { Page } from '@playwright/test';

const LIFELESS = 'Part of this page did not load';

/** Keeps WebAssembly from a page as a browser does that has none: nothing of it arrives. */
async function withoutWasm(page: Page): Promise<void> {
  await page.route('**/*.wasm', (route) => route.abort());
}

test('without WebAssembly everything that is a link or a form works, and the page says what does not', async ({ owner, server, startDevice }) => {
  const { deviceId } = await enrol(owner, server.url, startDevice({ name: 'crane-1' }));
  await withoutWasm(owner);

  await owner.goto(`${server.url}/fleet`);
  await expect(owner.getByRole('alert')).toContainText(LIFELESS);
  await owner.getByLabel('Search devices').fill('nothing like it');
  await owner.getByLabel('Search devices').press('Enter');
  await expect(owner.getByText('Nothing found')).toBeVisible();
  await owner.getByRole('link', { name: 'Clear search and filters' }).click();
  await owner.getByLabel('State').selectOption('active');
  await owner.getByRole('button', { name: 'Search and filter' }).first().click();
  await expect(owner).toHaveURL(/state=active/);
  await expect(owner.getByLabel('State')).toHaveValue('active');
  await owner.getByRole('link', { name: 'Added' }).click();
  await expect(owner).toHaveURL(/sort=created_at/);
  await owner.getByRole('row').filter({ hasText: 'Active' }).getByRole('link').first().click();
  await owner.waitForURL(`**/fleet/${deviceId}`);

  await owner.getByRole('button', { name: 'Switch to dark' }).click();
  await expect(owner.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(owner).toHaveURL(new RegExp(deviceId));
  await owner.getByRole('button', { name: 'Deutsch' }).click();
  await expect(owner.locator('html')).toHaveAttribute('lang', 'de');
  await owner.getByRole('button', { name: 'English' }).click();

  await owner.goto(`${server.url}/account`);
  await owner.getByText('Change name').click();
  await owner.getByLabel('Your name').fill('Ada King');
  await owner.getByRole('button', { name: 'Save' }).first().click();
  await expect(owner.getByRole('link', { name: 'Account' })).toHaveAttribute('title', 'Ada King');
  await owner.goto(`${server.url}/link`);
  await expect(owner.getByRole('alert')).toContainText(LIFELESS);
  await owner.goto(`${server.url}/account`);
  await owner.getByRole('button', { name: 'Sign out' }).first().click();
  await owner.goto(`${server.url}/fleet`);
  await expect(owner.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('without scripts the pages say what needs them', async ({ owner, server, browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: await owner.context().storageState() });
  const page = await context.newPage();
  const says = { '/link': /sealing what is said are done by this page itself/, '/setup': /the link is read by them alone/, '/account': /What can be changed below needs scripts/ };
  for (const [path, words] of Object.entries(says)) {
    await page.goto(`${server.url}${path}`);
    await expect(page.getByText(words), path).toBeVisible();
  }
  await page.goto(`${server.url}/fleet`);
  await expect(page.getByText(/Reading, searching and forms work without them/)).toBeVisible();
  await context.clearCookies();
  await page.goto(server.url);
  await expect(page.getByText(/Signing in takes a passkey/)).toBeVisible();
  await context.close();
});

for (const part of ['frontend_bg.wasm', 'split_crossing_loader_*.wasm', 'split_conversation_*.wasm']) {
  test(`when ${part} fails to load once the page offers to load itself anew, and then it works`, async ({ owner, server, startDevice }) => {
    const device = startDevice();
    const code = await device.code();
    let failures = 0;
    await owner.route(`**/${part}`, async (route) => {
      // The page has loaded itself anew by itself once before it says anything.
      if (failures++ < 2) await route.abort();
      else await route.continue();
    });
    await owner.goto(`${server.url}/link`);
    await expect(owner.getByText(LIFELESS)).toBeVisible();
    await owner.unroute(`**/${part}`);
    await owner.getByRole('link', { name: 'Load again' }).click();
    await hydrated(owner);
    await enterCode(owner, code);
    await expect(owner.getByRole('heading', { name: 'Is this your device?' })).toBeVisible();
  });
}

test('a page of a former build, whose files are gone, loads itself anew', async ({ owner, server }) => {
  let documents = 0;
  await owner.route('**/fleet', async (route) => {
    const response = await route.fetch();
    let body = await response.text();
    if (documents++ === 0) body = body.replaceAll(/pkg\/[0-9a-f]{12}/g, 'pkg/0123456789ab');
    await route.fulfill({ response, body });
  });
  await owner.goto(`${server.url}/fleet`);
  await hydrated(owner);
  expect(documents).toBe(2);
});

test('every island of every page is in the code that the page loads', async ({ owner, server, startDevice, browser }) => {
  const { deviceId } = await enrol(owner, server.url, startDevice());
  const stranger = await (await browser.newContext()).newPage();
  const islands = new Set<string>();
  let code = '';
  for (const [page, paths] of [[owner, ['/', '/link', '/setup', '/fleet', `/fleet/${deviceId}`, '/account']], [stranger, ['/', '/setup', '/no-such-page']]] as const) {
    for (const path of paths) {
      await page.goto(`${server.url}${path}`);
      for (const island of await page.locator('leptos-island').all()) islands.add((await island.getAttribute('data-component'))!);
      const script = await page.locator('link[rel=modulepreload][href$="/frontend.js"]').getAttribute('href');
      code = await (await page.request.get(`${server.url}${script}`)).text();
    }
  }
  await stranger.context().close();
  expect(islands.size).toBeGreaterThan(8);
  for (const island of islands) expect(code, island).toContain(`function ${island}(`);
});
