// A person's authenticator: Chromium's virtual one, with user verification, as a phone or laptop has it built in.
import type { Page } from '@playwright/test';

/** Call it before the first page of the panel loads: a conditional request (autofill) must find the authenticator. */
export async function addAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
}
