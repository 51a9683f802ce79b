// The heart: set up, enrol, online; with a certificate that openssl accepts, and a key that stayed at home.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '../support/story.ts';
import { approve, enrol, hydrated, review } from '../support/link.ts';

test('a customer sets up, types the code, approves, and sees the device come online', async ({ owner, server, startDevice }) => {
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await expect(owner.getByText(/unverified/i).first()).toBeVisible();
  await expect(owner.getByText(/same network/i)).toBeVisible();
  await owner.getByRole('textbox', { name: 'Name' }).fill('thermometer-7');
  await approve(owner);

  const installed = await device.next('installed');
  await device.next('online');
  const online = Date.now();
  await owner.waitForURL('**/fleet/dev_*');
  expect(Date.now() - online, 'the device page follows the first session within two seconds').toBeLessThan(2_000);
  await hydrated(owner);
  await expect(owner.getByRole('heading', { name: 'thermometer-7', level: 1 })).toBeVisible();
  await expect(owner.getByText('Online').first()).toBeVisible();
  await expect(owner.getByRole('link', { name: 'Enrol another' })).toBeVisible();

  // The certificate, as the API tells it, holds under openssl, and is the one that the device installed.
  const deviceId = new URL(owner.url()).pathname.split('/').pop()!;
  const detail = await owner.request.get(`${server.url}/api/v1/devices/${deviceId}`).then((r) => r.json());
  const certificate = detail.certificates[0];
  expect(certificate.sha256).toBe(installed.certificate_sha256);
  const folder = mkdtempSync(join(tmpdir(), 'gangway-openssl-'));
  const [leaf, ...issuers] = certificate.chain.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/g);
  writeFileSync(join(folder, 'leaf.pem'), leaf);
  writeFileSync(join(folder, 'issuers.pem'), issuers.join(''));
  writeFileSync(join(folder, 'root.pem'), certificate.trust_anchors);
  const verdict = execFileSync('openssl', ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', join(folder, 'root.pem'), '-untrusted', join(folder, 'issuers.pem'), join(folder, 'leaf.pem')]).toString();
  expect(verdict).toContain('OK');

  // Private keys in the state directory are the owner's alone.
  const keys = readdirSync(device.stateDir).filter((name) => {
    const path = join(device.stateDir, name);
    return statSync(path).isFile() && readFileSync(path, 'latin1').includes('PRIVATE KEY');
  });
  expect(keys.sort()).toEqual(['key.pem', 'key.pem.copy']);
  for (const name of keys) expect(statSync(join(device.stateDir, name)).mode & 0o777, `mode of ${name}`).toBe(0o600);
});

test('the fleet shows the device and finds it again', async ({ owner, server, startDevice }) => {
  const { deviceId } = await enrol(owner, server.url, startDevice());
  await owner.goto(`${server.url}/fleet`);
  await hydrated(owner);
  const row = owner.getByRole('row').filter({ has: owner.locator(`a[href="/fleet/${deviceId}"]`) });
  await expect(row).toContainText('Online');
  await owner.getByRole('searchbox', { name: 'Search devices' }).fill('nothing-is-called-this');
  await expect(row).toHaveCount(0);
  await expect(owner).toHaveURL(/nothing-is-called-this/);
  await owner.getByRole('searchbox', { name: 'Search devices' }).fill(deviceId);
  await expect(row).toContainText('Online');
  await expect(owner.getByRole('row').filter({ has: owner.locator('a[href^="/fleet/dev_"]') })).toHaveCount(1);
});

test('an approval that is quicker than the list of signers goes on by itself', async ({ owner, server, startDevice }) => {
  let answer = () => {};
  const answered = new Promise<void>((resolve) => { answer = resolve; });
  await owner.route('**/signers*', async (route) => {
    await answered;
    await route.continue();
  });
  const device = startDevice();
  await review(owner, server.url, await device.code());
  await approve(owner);
  answer();
  await device.next('online');
});
