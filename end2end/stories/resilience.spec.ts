// What is not in anybody's hands here: extensions that write into the page, typing before the page has come alive.
import { expect, test } from '../support/story.ts';
import { enterCode, hydrated, open } from '../support/link.ts';

test('a page into which an extension has put something comes alive all the same', async ({ owner, server }) => {
  await owner.route('**/link', async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('<body>', '<body><div id="extension"><p>Buy now</p></div>');
    await route.fulfill({ response, body });
  });
  await open(owner, `${server.url}/link`);
  await enterCode(owner, 'bcdf');
  await expect(owner.getByText('Bravo Charlie Delta Foxtrot')).toBeVisible();
  await expect(owner.getByRole('heading', { name: 'Add a device' })).toHaveCount(1);
});

test('what is typed before the page comes alive is kept', async ({ owner, server }) => {
  let load = () => {};
  const loading = new Promise<void>((resolve) => { load = resolve; });
  await owner.route('**/frontend_bg.wasm', async (route) => {
    await loading;
    await route.continue();
  });
  await owner.goto(`${server.url}/link`);
  await owner.getByRole('textbox', { name: 'Code' }).pressSequentially('bcdf');
  load();
  await hydrated(owner);
  await expect(owner.getByRole('textbox', { name: 'Code' })).toHaveValue('BCDF');
  await expect(owner.getByText('Bravo Charlie Delta Foxtrot')).toBeVisible();
});
