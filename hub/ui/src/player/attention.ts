// Whether somebody can be looking: a page in the background shows nothing and holds no view.
// Losing the focus counts as well where the person has chosen so.

const STORED = 'xunke.pauseWithoutFocus';

export function pausesWithoutFocus(): boolean {
  return localStorage.getItem(STORED) === '1';
}

export function pauseWithoutFocus(on: boolean): void {
  if (on) localStorage.setItem(STORED, '1');
  else localStorage.removeItem(STORED);
}

interface Page extends EventTarget {
  readonly hidden: boolean;
  hasFocus(): boolean;
}

export class Attention {
  private isAway = false;
  private readonly look = () => this.changed(this.page.hasFocus());
  private readonly blurred = () => this.changed(false);

  /** `told` is called when the page goes away and when it is back. */
  constructor(
    private readonly told: (away: boolean) => void,
    private readonly page: Page = document,
    private readonly view: EventTarget = window,
  ) {
    page.addEventListener('visibilitychange', this.look);
    view.addEventListener('focus', this.look);
    view.addEventListener('blur', this.blurred);
  }

  stop(): void {
    this.page.removeEventListener('visibilitychange', this.look);
    this.view.removeEventListener('focus', this.look);
    this.view.removeEventListener('blur', this.blurred);
  }

  private changed(hasFocus: boolean): void {
    const away = this.page.hidden || (!hasFocus && pausesWithoutFocus());
    if (away === this.isAway) return;
    this.isAway = away;
    this.told(away);
  }
}
