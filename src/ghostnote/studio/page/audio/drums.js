/** Plays hits of the kit in an audio context, as `ghostnote.render.audio.mix` does. */

/** @import { SoundingVoice } from "./sounds.js" */

const LOUDNESS_EXPONENT = 1.6;
const CHOKE_SECONDS = 0.01;
const CEILING = 0.966;
const KNEE = 0.9;
const HEADROOM = 4;

/**
 * @typedef {object} Ringing
 * @property {number} voice
 * @property {number} time
 * @property {AudioBufferSourceNode} source
 * @property {GainNode} gain
 * @property {boolean} choked
 */

export class Drums {
  /** @type {Set<Ringing>} */
  #ringing = new Set();

  /**
   * @param {BaseAudioContext} context
   * @param {AudioNode} output
   * @param {SoundingVoice[]} sounds
   */
  constructor(context, output, sounds) {
    this.context = context;
    this.output = output;
    this.sounds = sounds;
  }

  /**
   * A hit at `time`, on the context's clock, to the frame. Hits are given in the order of time, as
   * each silences those before it that it chokes.
   * @param {number} voice
   * @param {number} velocity in (0, 1]
   * @param {number} time
   */
  hit(voice, velocity, time) {
    const rate = this.context.sampleRate;
    const at = Math.max(0, Math.round(time * rate) / rate);
    const { layers, chokes } = this.sounds[voice];
    if (chokes.size) this.#choke(chokes, at);
    const layer = layers.find(({ up_to }) => velocity <= up_to) ?? layers[layers.length - 1];
    const source = new AudioBufferSourceNode(this.context, { buffer: layer.buffer });
    const gain = new GainNode(this.context, { gain: velocity ** LOUDNESS_EXPONENT * layer.gain });
    source.connect(gain).connect(this.output);
    source.start(at);
    const ringing = { voice, time: at, source, gain, choked: false };
    this.#ringing.add(ringing);
    source.onended = () => {
      this.#ringing.delete(ringing);
      gain.disconnect();
    };
  }

  /** Silences everything that sounds or is to come. */
  silence() {
    const now = this.context.currentTime;
    for (const ringing of this.#ringing) {
      ringing.gain.gain.cancelScheduledValues(now);
      if (ringing.time > now) ringing.source.stop();
      else this.#fade(ringing, now);
    }
  }

  /**
   * @param {ReadonlySet<number>} voices
   * @param {number} time
   */
  #choke(voices, time) {
    for (const ringing of this.#ringing) {
      if (ringing.choked || !voices.has(ringing.voice) || ringing.time >= time) continue;
      ringing.choked = true;
      this.#fade(ringing, time);
    }
  }

  /**
   * From full to nothing, already a little softer in the frame at `time`.
   * @param {Ringing} ringing
   * @param {number} time
   */
  #fade({ source, gain }, time) {
    const from = Math.max(0, time - 1 / this.context.sampleRate);
    gain.gain.setValueAtTime(gain.gain.value, from);
    gain.gain.linearRampToValueAtTime(0, from + CHOKE_SECONDS);
    source.stop(from + CHOKE_SECONDS);
  }
}

/**
 * Keeps a mix below full scale without delay: what is below `KNEE` goes through unchanged, what is
 * above bends towards `CEILING`.
 * @param {BaseAudioContext} context
 * @returns {{input: AudioNode, output: AudioNode}}
 */
export function limiter(context) {
  // A shaper sees -1 to 1 only, so that the mix is turned down before it and up in its curve.
  const input = new GainNode(context, { gain: 1 / HEADROOM });
  const points = 2 ** 14 + 1;
  const curve = Float32Array.from({ length: points }, (_, index) => {
    const x = HEADROOM * ((2 * index) / (points - 1) - 1);
    const over = Math.abs(x) - KNEE;
    if (over <= 0) return x;
    const room = CEILING - KNEE;
    return Math.sign(x) * (KNEE + room * Math.tanh(over / room));
  });
  const output = new WaveShaperNode(context, { curve });
  input.connect(output);
  return { input, output };
}
