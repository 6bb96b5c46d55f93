// Passkeys in the browser: the hub's question to the authenticator, and its answer in bytes.
import type { PasskeyAnswer, PasskeyForm, PasskeyQuestion } from './api/model';

const TIMEOUT_MS = 100_000;
// ES256, Ed25519, RS256.
const ALGORITHMS = [-7, -8, -257];

/** Whether this browser speaks to authenticators at all. */
export function hasPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function';
}

export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

export function toText(bytes: ArrayBuffer): string {
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function known(keys: string[]): PublicKeyCredentialDescriptor[] {
  return keys.map((key) => ({ type: 'public-key', id: toBytes(key) }));
}

/** Lets an authenticator make a key for the person; what the hub keeps of it. */
export async function makePasskey(
  question: PasskeyQuestion,
  person: { id: string; name: string; staff_number: string },
  name: string,
): Promise<PasskeyForm> {
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: toBytes(question.challenge),
      rp: { id: question.site, name: 'xunke' },
      user: {
        id: new TextEncoder().encode(person.id),
        name: person.staff_number,
        displayName: person.name,
      },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: known(question.keys),
      attestation: 'none',
      timeout: TIMEOUT_MS,
    },
  })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  const publicKey = response.getPublicKey();
  if (!publicKey) throw new Error('the authenticator shows no public key');
  return {
    name,
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.getAuthenticatorData()),
    public_key: toText(publicKey),
    algorithm: response.getPublicKeyAlgorithm(),
  };
}

/** Lets one of the person's authenticators answer. */
export async function usePasskey(question: PasskeyQuestion): Promise<PasskeyAnswer> {
  const used = (await navigator.credentials.get({
    publicKey: {
      challenge: toBytes(question.challenge),
      rpId: question.site,
      allowCredentials: known(question.keys),
      timeout: TIMEOUT_MS,
    },
  })) as PublicKeyCredential;
  const response = used.response as AuthenticatorAssertionResponse;
  return {
    credential_id: toText(used.rawId),
    client_data: toText(response.clientDataJSON),
    authenticator_data: toText(response.authenticatorData),
    signature: toText(response.signature),
  };
}
