// Somebody who belongs to two organisations: both in one fleet, told apart where it matters; and nobody else sees across.
import { approve, enrol, hydrated, open, review } from '../support/link.ts';
import { invite, join } from '../support/people.ts';
import { expect, test } from '../support/story.ts';

test('whoever joins a second organisation has the devices of both, and its members do not see those of the first', async ({ owner, server, browser, startDevice }) => {
  const { deviceId } = await enrol(owner, server.url, startDevice({ extra: ['--name', 'crane-1'] }));
  const charles = await join(browser, await invite(owner, server.url, 'Charles'), 'Charles Babbage');
  await server.addOrganisation('Difference Engines', 'Charles Babbage');
  await enrol(charles, server.url, startDevice({ name: 'second', extra: ['--name', 'pump-1'] }));

  await owner.goto(await invite(charles, server.url, 'Ada', 'Operator'));
  await hydrated(owner);
  await expect(owner.getByRole('heading', { name: 'Join Difference Engines' })).toBeVisible();
  await owner.getByRole('button', { name: 'Join as Ada Lovelace' }).click();
  await owner.waitForURL('**/fleet');
  await hydrated(owner);
  const names = owner.getByRole('rowheader');
  await expect(names).toHaveText(['pump-1', 'crane-1']);
  await owner.getByLabel('Organisation').selectOption('Difference Engines');
  await expect(names).toHaveText(['pump-1']);
  await owner.getByLabel('Organisation').selectOption('Analytical Engines');
  await expect(names).toHaveText(['crane-1']);

  await open(charles, `${server.url}/fleet`);
  await expect(charles.getByRole('rowheader')).toHaveText(['pump-1']);
  await charles.goto(`${server.url}/fleet/${deviceId}`);
  await expect(charles.getByRole('heading', { name: 'There is nothing here' })).toBeVisible();
});

test('whoever belongs to two organisations says whose a device becomes', async ({ owner, server, browser, startDevice }) => {
  const charles = await join(browser, await invite(owner, server.url, 'Charles'), 'Charles Babbage');
  await server.addOrganisation('Difference Engines', 'Charles Babbage');
  await owner.goto(await invite(charles, server.url, 'Ada', 'Installer'));
  await hydrated(owner);
  await owner.getByRole('button', { name: 'Join as Ada Lovelace' }).click();
  await owner.waitForURL('**/fleet');
  const device = startDevice({ accept: 'ask' });
  await review(owner, server.url, await device.code());
  await owner.getByLabel('Organisation').selectOption('Difference Engines');
  await approve(owner);
  expect((await device.next('approval_asked')).organisation).toBe('Difference Engines');
  device.answer(true);
  await owner.waitForURL('**/fleet/dev_*');
  await open(charles, `${server.url}/fleet`);
  await expect(charles.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
});
