// Another browser: what does not need a virtual authenticator, which Firefox does not have.
import { expect, test as base } from '../support/story.ts';
import { Firefox } from '../support/firefox.ts';

const test = base.extend<{ firefox: Firefox }>({
  firefox: async ({}, use) => {
    const firefox = await Firefox.start();
    await use(firefox);
    await firefox.stop();
  },
});

test('a whole crossing in Firefox, with live rows, filters, theme and language', async ({ owner, server, startDevice, firefox }) => {
  await firefox.signInAs(owner, server.url);
  const device = startDevice();
  await firefox.open(`${server.url}/link`);
  await firefox.page.locator('::-p-aria([name="Code"][role="textbox"])').fill(await device.code());
  await firefox.says('Is this your device?');
  await firefox.press('Approve');
  await device.next('online');
  await firefox.page.waitForFunction(() => location.pathname.startsWith('/fleet/dev_'));
  await firefox.alive();
  const name = await firefox.page.$eval('h1', (heading) => heading.textContent!);

  await firefox.open(`${server.url}/fleet`);
  await firefox.says(name);
  await device.stop();
  // Not the filter's word.
  await firefox.page.waitForFunction(() => document.querySelector('tbody')?.textContent?.includes('Offline'));
  await firefox.page.select('select[name="presence"]', 'online');
  await firefox.says('Nothing found');
  await firefox.page.goBack();
  await firefox.says(name);

  await firefox.press('Deutsch');
  await firefox.alive();
  await firefox.says('Flotte');
  expect(firefox.errors).toEqual([]);
});

test('in Firefox a stranger’s pages live, and say what they need', async ({ server, firefox }) => {
  await firefox.open(server.url);
  await firefox.says('Sign in');
  await firefox.open(`${server.url}/setup`);
  await firefox.says('link');
  await firefox.open(`${server.url}/fleet`);
  await firefox.says('Sign in');
  // Nothing but what the browser says of its own requests: who is nobody is told so.
  expect(firefox.errors.filter((error) => !error.includes('401'))).toEqual([]);
});
