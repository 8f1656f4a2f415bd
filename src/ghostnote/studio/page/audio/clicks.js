/** The metronome's click. */

const SECONDS = 0.04;

/**
 * A click at `time`, higher where a bar begins.
 * @param {BaseAudioContext} context
 * @param {AudioNode} output
 * @param {number} time
 * @param {boolean} accent
 */
export function click(context, output, time, accent) {
  const source = new OscillatorNode(context, { frequency: accent ? 1568 : 1046.5 });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(accent ? 0.4 : 0.25, time);
  gain.gain.exponentialRampToValueAtTime(0.001, time + SECONDS);
  source.connect(gain).connect(output);
  source.start(time);
  source.stop(time + SECONDS);
  source.onended = () => gain.disconnect();
  return { stop: () => source.stop() };
}
