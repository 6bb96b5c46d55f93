// A live picture on a page: a canvas, what the player says of it, and the words for that.
import { computed, onMounted, onUnmounted, shallowRef, type ShallowRef } from 'vue';
import { t, tWord } from './i18n';
import type { LiveClient, LiveTile } from './player/live-client';
import type { Picture, Target, TileNumbers, TileStatus } from './player/messages';
import { hourMinute } from './time';

export function useLiveTile(
  client: () => LiveClient,
  canvas: Readonly<ShallowRef<HTMLCanvasElement | null>>,
) {
  const status = shallowRef<TileStatus | null>(null);
  const numbers = shallowRef<TileNumbers | null>(null);
  const state = computed(() => status.value?.state ?? 'idle');
  const message = computed(() => (status.value ? wordsOf(status.value) : null));
  const mark = computed(() => {
    const identity = status.value?.identity;
    if (!identity || state.value !== 'playing') return undefined;
    return `${identity.name} ${identity.staff_number} ${identity.address}`;
  });
  let tile: LiveTile | null = null;
  let watchSize: ResizeObserver | null = null;

  function fit() {
    const box = canvas.value?.getBoundingClientRect();
    if (box) tile?.fit(box.width * devicePixelRatio, box.height * devicePixelRatio);
  }

  onMounted(() => {
    if (!canvas.value) return;
    tile = client().tile(canvas.value, {
      status: (now) => (status.value = now),
      numbers: (now) => (numbers.value = now),
    });
    watchSize = new ResizeObserver(fit);
    watchSize.observe(canvas.value);
    fit();
  });
  onUnmounted(() => {
    watchSize?.disconnect();
    tile?.remove();
  });

  return {
    status,
    numbers,
    state,
    message,
    mark,
    open(target: Target) {
      // What is known of the view before must not be taken for this one's.
      status.value = null;
      numbers.value = null;
      // What is reactive cannot be sent to a worker: plain copies go.
      tile?.open({ ...target, purpose: { ...target.purpose } });
    },
    switchTo: ({ source, stream }: Picture) => tile?.switch({ source, stream }),
    listen: (on: boolean) => tile?.listen(on) ?? Promise.resolve(),
    visible: (on: boolean) => tile?.visible(on),
    close: () => tile?.close(),
  };
}

/** Size, pictures a second, age and losses: what a technician asks for on the telephone. */
export function readout(numbers: TileNumbers): string {
  const { width, height, framesPerSecond, latencyMs, dropped } = numbers;
  const parts = [`${width}×${height}`, `${framesPerSecond} ${t('tile.fps')}`];
  const left = dropped > 0 ? [t('tile.dropped', { count: dropped })] : [];
  return [...parts, t('tile.latency', { ms: latencyMs }), ...left].join(' · ');
}

/** What stands in place of the picture; a refusal has words of its own. */
function wordsOf(now: TileStatus): string | null {
  if (now.state === 'offline' && now.since) {
    const reason = now.reason ? tWord('offlineReason', now.reason) : '';
    return `${t('tile.offlineSince', { time: hourMinute(now.since) })}\n${reason}`;
  }
  if (now.state === 'unsupported') return t('tile.unsupported', { codec: now.codec ?? '' });
  if (now.state === 'opening') return t('tile.opening');
  if (now.state === 'reconnecting') return t('tile.reconnecting');
  if (now.state === 'paused') return t('tile.paused');
  if (now.state === 'closed' && !now.refusal) return t('tile.closed');
  return null;
}
