// docs/protocol.md is enough: a device in another language, written from it, joins through the browser.
import { Child } from '../support/process.ts';
import { approve, review } from '../support/link.ts';
import { expect, test } from '../support/story.ts';

const python = process.env.GANGWAY_PYTHON ?? 'python3';
const script = new URL('../independent/device.py', import.meta.url).pathname;

test('a device written in Python from the document alone joins the fleet', async ({ owner, server }) => {
  const events: Record<string, unknown>[] = [];
  const device = new Child(python, [script, server.url], { onLine: (line) => events.push(JSON.parse(line)) });
  const code = await device.until('a code', () => events.find((e) => e.event === 'code')?.user_code as string | undefined);
  await review(owner, server.url, code);
  await approve(owner);
  await owner.waitForURL('**/fleet/dev_*');
  expect(await device.exited(), device.tail()).toBe(0);
  expect(events.map((e) => e.event)).toEqual(['code', 'installed', 'online']);
});
