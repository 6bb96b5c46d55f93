// One way to ask the hub: JSON in and out, the CSRF token on unsafe methods, one error class.
import type { Refusal } from './model';

/** An answer that is not a success; `status` 0 means that the hub could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly refusal: Refusal,
  ) {
    super(refusal.en);
  }
}

const UNREACHABLE: Refusal = {
  code: 'unreachable',
  zh: '连不上平台。请检查校园网连接后重试。',
  en: 'The platform cannot be reached. Check the campus network, then try again.',
};

const UNREADABLE: Refusal = {
  code: 'unreadable',
  zh: '平台的应答无法识别。请稍后重试，仍不行请联系信息中心。',
  en: 'The answer cannot be read. Try again; if it persists, call the IT centre.',
};

const FILE = 'application/octet-stream';

let csrfToken = '';
let onSignedOut: () => void = () => {};

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Called whenever the hub answers 401 on a page that needs a session. */
export function whenSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/** A file goes as it is, everything else as JSON; `signal` gives up. */
export async function request(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRF-Token'] = csrfToken;
  const isFile = body instanceof Blob;
  if (body !== undefined) headers['Content-Type'] = isFile ? FILE : 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined || isFile ? body : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    });
  } catch {
    signal?.throwIfAborted();
    throw new ApiError(0, UNREACHABLE);
  }
  if (response.ok) return response;
  if (response.status === 401 && !path.startsWith('/api/session')) onSignedOut();
  throw new ApiError(response.status, await refusalOf(response));
}

export async function getJson<T>(path: string): Promise<T> {
  return (await request('GET', path)).json() as Promise<T>;
}

export async function postJson<T>(path: string, body: unknown): Promise<T> {
  return (await request('POST', path, body)).json() as Promise<T>;
}

async function refusalOf(response: Response): Promise<Refusal> {
  try {
    const answer = (await response.json()) as { error?: Refusal };
    return answer.error ?? UNREADABLE;
  } catch {
    return UNREADABLE;
  }
}

/** Any thrown value as words that can be shown. */
export function refusalFrom(thrown: unknown): Refusal {
  return thrown instanceof ApiError ? thrown.refusal : UNREADABLE;
}
