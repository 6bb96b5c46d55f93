// The page's side of sound: off until the person turns it on, one room at a time.
import workletUrl from './sound-worklet.ts?worker&url';

export class Sound {
  private context: AudioContext | null = null;

  /** Must be called from a click. Returns the port that the decoding worker writes samples to. */
  async start(): Promise<MessagePort> {
    this.stop();
    const context = new AudioContext({ latencyHint: 'interactive' });
    this.context = context;
    await context.audioWorklet.addModule(workletUrl);
    const node = new AudioWorkletNode(context, 'xunke-sound', { outputChannelCount: [1] });
    node.connect(context.destination);
    const { port1, port2 } = new MessageChannel();
    node.port.postMessage(port1, [port1]);
    return port2;
  }

  stop(): void {
    void this.context?.close();
    this.context = null;
  }
}
