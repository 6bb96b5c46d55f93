// Calmly: of many changes in a row, one look. A thousand boxes report every minute.

const CALM_MS = 3_000;

/** A caller of `look` that waits for more of the same; `stop` forgets what waits. */
export function calmly(look: () => void): { soon: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    soon: () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        look();
      }, CALM_MS);
    },
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
