// There and back: the school's issuer sends the browser to /single-sign-on?code=…&state=…, and both
// leave the address, and with it the history, before anything else of the pages runs.

/** What the issuer gave the browser to bring back. */
export interface Brought {
  state: string;
  code: string | null;
  iss: string | null;
}

const NEXT = 'xunke.next';

let brought = takeFrom(window.location);

function takeFrom(address: Location): Brought | null {
  if (address.pathname !== '/single-sign-on') return null;
  const query = new URLSearchParams(address.search);
  window.history.replaceState(null, '', '/#/single-sign-on');
  return { state: query.get('state') ?? '', code: query.get('code'), iss: query.get('iss') };
}

/** Once; afterwards there is nothing left of it in the page. */
export function takeBrought(): Brought | null {
  const taken = brought;
  brought = null;
  return taken;
}

/** Only an address of our own pages is followed after sign-in. */
export function ownPage(next: unknown): string {
  return typeof next === 'string' && /^\/[a-z]/.test(next) ? next : '/';
}

export function leaveFor(address: string, next: string): void {
  window.sessionStorage.setItem(NEXT, next);
  window.location.assign(address);
}

export function pageAfterwards(): string {
  const next = window.sessionStorage.getItem(NEXT);
  window.sessionStorage.removeItem(NEXT);
  return ownPage(next);
}
