// The fleet while it is looked at: filters and the way back through them, rows that change, devices that come.
import { expect, test } from '../support/story.ts';
import { enrol, open } from '../support/link.ts';

test('back and forward lead through filters, and the controls show those that are on', async ({ owner, server, startDevice }) => {
  await enrol(owner, server.url, startDevice({ name: 'crane-1' }));
  await open(owner, `${server.url}/fleet`);
  const state = owner.getByLabel('State', { exact: true });
  const rows = owner.getByRole('row').filter({ hasText: 'Active' });
  await state.selectOption('suspended');
  await expect(owner.getByText('Nothing found')).toBeVisible();
  await state.selectOption('active');
  await expect(rows).toHaveCount(1);
  await owner.goBack();
  await expect(state).toHaveValue('suspended');
  await expect(owner.getByText('Nothing found')).toBeVisible();
  await owner.goBack();
  await expect(state).toHaveValue('');
  await expect(rows).toHaveCount(1);
  await owner.goForward();
  await expect(state).toHaveValue('suspended');
  await owner.getByRole('link', { name: 'Clear search and filters' }).click();
  await expect(state).toHaveValue('');
  await expect(rows).toHaveCount(1);
});

test('a row follows its device, and a device that comes waits to be shown', async ({ owner, server, startDevice }) => {
  const first = startDevice({ name: 'crane-1' });
  await enrol(owner, server.url, first);
  await open(owner, `${server.url}/fleet`);
  await expect(owner.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
  const drawn = await owner.evaluate(() => performance.timeOrigin);
  await first.stop();
  await expect(owner.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);

  const other = await owner.context().newPage();
  await enrol(other, server.url, startDevice({ name: 'crane-2' }));
  await other.close();
  await owner.getByRole('button', { name: '1 new' }).click();
  await expect(owner.getByRole('row').filter({ hasText: 'Online' })).toHaveCount(1);
  await expect(owner.getByRole('row').filter({ hasText: 'Offline' })).toHaveCount(1);
  expect(await owner.evaluate(() => performance.timeOrigin), 'the page was not loaded anew').toBe(drawn);
});
