// The page's side of sound: off until the person turns it on, one room at a time.
import workletUrl from './sound-worklet.ts?worker&url';

const SAY_EVERY_MS = 250;

/** What is played at this time of the audio context is heard at that time since the epoch. */
export type Output = (contextS: number, heardMs: number) => void;

export class Sound {
  private context: AudioContext | null = null;
  private timer = 0;

  /** Must be called from a click. Returns the port that the decoding worker writes samples to. */
  async start(output: Output): Promise<MessagePort> {
    this.stop();
    const context = new AudioContext({ latencyHint: 'interactive' });
    this.context = context;
    await context.audioWorklet.addModule(workletUrl);
    const node = new AudioWorkletNode(context, 'xunke-sound', { outputChannelCount: [1] });
    node.connect(context.destination);
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage(port1, [port1]);
    this.timer = window.setInterval(() => sayWhenHeard(context, output), SAY_EVERY_MS);
    return port2;
  }

  stop(): void {
    window.clearInterval(this.timer);
    void this.context?.close();
    this.context = null;
  }
}

function sayWhenHeard(context: AudioContext, output: Output): void {
  if (context.state !== 'running') return;
  const { contextTime, performanceTime } = context.getOutputTimestamp();
  if (contextTime && performanceTime) {
    output(contextTime, performance.timeOrigin + performanceTime);
  } else {
    // Before the first sound has left, and where a browser does not say.
    const lateS = context.outputLatency || context.baseLatency || 0;
    output(context.currentTime - lateS, performance.timeOrigin + performance.now());
  }
}
