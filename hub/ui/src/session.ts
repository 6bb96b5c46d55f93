// Who is signed in on this page, kept in memory only: the cookie is out of reach of scripts.
import { readonly, ref } from 'vue';
import {
  answerPasskey,
  askPasskeySignIn,
  endSession,
  getMe,
  putAuthenticator,
  putPassword,
  signInWithLink,
  signInWithPassword,
} from './api/calls';
import { ApiError, setCsrfToken } from './api/http';
import type { Me } from './api/model';
import { usePasskey } from './passkey';
import { comeBack, giveCode } from './api/single-sign-on';
import { forgetPurpose } from './purpose';
import type { Brought } from './single-sign-on';

const current = ref<Me | null>(null);

export const me = readonly(current);

function adopt(answer: Me): void {
  setCsrfToken(answer.csrf_token);
  current.value = answer;
}

export async function signIn(login: string, password: string, totp: string): Promise<void> {
  adopt(await signInWithPassword(login, password, totp));
}

export async function signInByLink(token: string): Promise<void> {
  adopt(await signInWithLink(token));
}

export async function signInByPasskey(login: string, password: string): Promise<void> {
  adopt(await answerPasskey(await usePasskey(await askPasskeySignIn(login, password))));
}

/** False: the hub asks for its own second factor. */
export async function signInByIssuer(brought: Brought): Promise<boolean> {
  const answer = await comeBack(brought);
  if (answer) adopt(answer);
  return answer !== null;
}

export async function signInByCode(totp: string): Promise<void> {
  adopt(await giveCode(totp));
}

/** The hub ends every other session and begins this one anew. */
export async function changePassword(old: string, fresh: string, code: string): Promise<void> {
  adopt(await putPassword(old, fresh, code));
}

export async function endAuthenticator(code: string): Promise<void> {
  adopt(await putAuthenticator(code));
}

/** With an expired password nothing is left but to change it (R30). */
export function isExpired(): boolean {
  return current.value?.password.state === 'expired';
}

/** Asks the hub once who holds the cookie; false means that nobody is signed in. */
export async function restore(): Promise<boolean> {
  if (current.value) return true;
  try {
    adopt(await getMe());
    return true;
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 401) return false;
    throw thrown;
  }
}

/** Asks again who this is, after something about the person changed. */
export async function refresh(): Promise<void> {
  adopt(await getMe());
}

export async function signOut(): Promise<void> {
  try {
    await endSession();
  } finally {
    forget();
  }
}

export function forget(): void {
  current.value = null;
  setCsrfToken('');
  forgetPurpose();
  sessionStorage.clear();
}
