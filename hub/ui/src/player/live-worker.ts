// The player's worker: decodes and paints beside the page.
import { LiveHost } from './live-host';
import type { ToWorker } from './messages';

const host = new LiveHost((message) => (self as unknown as Worker).postMessage(message));
self.onmessage = ({ data }: MessageEvent<ToWorker>) => host.hear(data);
