// What this browser can do for watching, so that the page takes the best way or says plainly what
// is missing.

/** How encoded video becomes pictures. */
export type Way = 'webcodecs' | 'mse';

export type Missing = 'secure-context' | 'decoder';

/** The quickest way that this browser has. */
export function wayForLive(): Way | null {
  const isOffscreen = 'OffscreenCanvas' in globalThis;
  if ('VideoDecoder' in globalThis && isOffscreen) return 'webcodecs';
  return canMse() ? 'mse' : null;
}

export function missingForLive(): Missing | null {
  if (!globalThis.isSecureContext) return 'secure-context';
  return wayForLive() ? null : 'decoder';
}

/** Without it pictures are silent. */
export function hasSoundForLive(): boolean {
  return 'AudioDecoder' in globalThis && 'AudioWorkletNode' in globalThis;
}

export function missingForPlayback(): boolean {
  return !('MediaSource' in globalThis);
}

function canMse(): boolean {
  const isHere = 'MediaSource' in globalThis && 'HTMLVideoElement' in globalThis;
  return isHere && 'requestVideoFrameCallback' in HTMLVideoElement.prototype;
}
