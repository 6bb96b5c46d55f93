// What this browser lacks for watching, so that the page can say it plainly.

export type Missing = 'secure-context' | 'webcodecs' | 'offscreen-canvas';

export function missingForLive(): Missing | null {
  if (!globalThis.isSecureContext) return 'secure-context';
  if (!('VideoDecoder' in globalThis)) return 'webcodecs';
  if (!('OffscreenCanvas' in globalThis)) return 'offscreen-canvas';
  return null;
}

export function missingForPlayback(): boolean {
  return !('MediaSource' in globalThis);
}
