// A person's authenticator: Chromium's virtual one, with user verification, as a phone or laptop has it built in.
import type { CDPSession, Page } from '@playwright/test';

type Authenticator = { session: CDPSession; authenticatorId: string };
const authenticators = new WeakMap<Page, Authenticator>();

/** Call it before the first page of the panel loads: a conditional request (autofill) must find the authenticator. */
export async function addAuthenticator(page: Page): Promise<Authenticator> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  const authenticator = { session, authenticatorId };
  authenticators.set(page, authenticator);
  return authenticator;
}

/** Gives another page the passkeys that this one has, as those do that keep them in step between a person's computers. */
export async function sharePasskeys(from: Page, to: Page): Promise<void> {
  const { session, authenticatorId } = authenticators.get(from)!;
  const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId });
  const other = await addAuthenticator(to);
  for (const credential of credentials) await other.session.send('WebAuthn.addCredential', { authenticatorId: other.authenticatorId, credential });
}

/** A browser without autofill for passkeys: nobody is signed in before they press the button. */
export async function withoutAutofill(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.defineProperty(PublicKeyCredential, 'isConditionalMediationAvailable', { value: async () => false });
  });
}
