/**
 * Plays what the studio holds. A timer looks ahead and puts hits onto the audio clock, where they
 * are exact, so that neither timers nor work on the page move them.
 */

import { click } from "../audio/clicks.js";
import { Drums, limiter } from "../audio/drums.js";
import { Sequencer } from "../audio/sequencer.js";
import { loadSounds, SAMPLE_RATE } from "../audio/sounds.js";
import { Emitter } from "../state/emitter.js";
import { stepsPerBar } from "../state/groove.js";

/** @import { Studio } from "../state/studio.js" */
/** @import { Groove } from "../engine/types.js" */
/** @import { SoundingVoice } from "../audio/sounds.js" */
/** @import { Step } from "../audio/sequencer.js" */

const TICK_MS = 25;
const LOOKAHEAD = 0.2;
/** Hidden pages are woken once a second. */
const HIDDEN_LOOKAHEAD = 1.5;
/** A hit that would be later than this is left out: better none than one out of time. */
const LATE = 0.03;
const START_SECONDS = 0.06;
const REMEMBERED = 256;

export const SLOWEST = 30;
export const FASTEST = 300;

/**
 * @typedef {object} TransportEvents
 * @property {Step} step a step was put onto the audio clock, up to `LOOKAHEAD` before it sounds;
 *   its times are the audio clock's, see `toPerformance`
 * @property {{time: number}} start when step 0 (after a count-in) is, on the audio clock
 * @property {{}} stop
 */

/** @extends {Emitter<TransportEvents & Record<string, unknown>>} */
export class Transport extends Emitter {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {{drums: Drums, mix: AudioNode, volume: GainNode} | null} */
  #output = null;
  /** @type {Promise<SoundingVoice[]> | null} */
  #sounds = null;
  /** @type {Sequencer | null} */
  #sequencer = null;
  /** @type {Step[]} */
  #walked = [];
  /** @type {Set<{stop: () => void}>} */
  #clicks = new Set();
  #timer = 0;
  #plays = 0;
  #own = true;
  #volume = 0.8;
  #loop = true;
  #clicking = false;

  metronome = false;
  /** Whether hits sound from the page's kit; MIDI can be all that plays. */
  audible = true;

  /** @param {Studio} studio */
  constructor(studio) {
    super();
    this.studio = studio;
    studio.on("change", ({ at }) => {
      if (this.#own) this.#sequencer?.change(studio.heard, at);
    });
    // A page that is being hidden looks farther ahead at once.
    document.addEventListener("visibilitychange", () => this.#tick());
  }

  get playing() {
    return this.#sequencer !== null;
  }

  /** Quarter notes a minute; setting it can be undone. */
  get bpm() {
    return this.studio.groove.bpm;
  }

  set bpm(bpm) {
    const valid = Math.min(FASTEST, Math.max(SLOWEST, Math.round(bpm * 10) / 10));
    if (!(valid > 0) || valid === this.bpm) return;
    const groove = { ...this.studio.groove, bpm: valid };
    this.studio.set(groove, { label: `Tempo ${valid}`, at: "now", merge: "tempo" });
  }

  /** Where every second 16th falls between its neighbours: 0.5 to 0.75; setting can be undone. */
  get swing() {
    return this.studio.state.swing;
  }

  set swing(swing) {
    const valid = Math.min(0.75, Math.max(0.5, swing));
    if (!(valid > 0) || valid === this.swing) return;
    const label = `Swing ${Math.round(100 * valid)} %`;
    this.studio.update({ swing: valid }, { label, at: "now", merge: "swing" });
  }

  get loop() {
    return this.#loop;
  }

  set loop(loop) {
    this.#loop = loop;
    if (this.#sequencer && this.#own) this.#sequencer.loop = loop;
  }

  /** 0 to 1. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = Math.min(1, Math.max(0, volume));
    this.#output?.volume.gain.setTargetAtTime(this.#gain, this.#context?.currentTime ?? 0, 0.01);
  }

  /** The page's clock of sound, in seconds; 0 before anything was played. */
  get time() {
    return this.#context?.currentTime ?? 0;
  }

  /** The step that is heard right now, with a fraction; null while nothing is. */
  get position() {
    const now = this.time - this.#latency;
    for (let index = this.#walked.length - 1; index >= 0; index--) {
      const { step, time, seconds } = this.#walked[index];
      if (time <= now) return Math.min(step + (now - time) / seconds, step + 1);
    }
    return null;
  }

  /** Loads the samples, if they are not there yet. */
  async load() {
    this.#sounds ??= loadSounds(this.studio.engine);
    try {
      return await this.#sounds;
    } catch (error) {
      this.#sounds = null;
      throw error;
    }
  }

  /**
   * Plays the studio's groove, or `groove` in its stead, after `countIn` bars of clicks.
   * @param {{groove?: Groove, from?: number, countIn?: number, metronome?: boolean,
   *   loop?: boolean}} [how]
   */
  async play({ groove, from = 0, countIn = 0, metronome, loop } = {}) {
    this.stop();
    const play = ++this.#plays;
    const { context } = await this.#start();
    if (play !== this.#plays) return;
    const played = groove ?? this.studio.heard;
    const first = from - countIn * stepsPerBar(played);
    const time = context.currentTime + START_SECONDS + 7.5 / played.bpm;
    this.#own = !groove;
    this.#clicking = metronome ?? false;
    this.#sequencer = new Sequencer(played, { time, from: first, loop: loop ?? this.loop });
    this.#walked = [];
    this.emit("start", { time: time + (from - first) * (15 / played.bpm) });
    this.studio.emit("playing", true);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop() {
    this.#plays++;
    if (!this.#sequencer) return;
    clearInterval(this.#timer);
    this.#sequencer = null;
    this.#walked = [];
    this.#output?.drums.silence();
    for (const sounding of this.#clicks) sounding.stop();
    this.#clicks.clear();
    this.emit("stop", {});
    this.studio.emit("playing", false);
  }

  /**
   * One hit at once, to hear a voice.
   * @param {number} voice
   * @param {number} velocity
   */
  async hit(voice, velocity) {
    const { context, drums } = await this.#start();
    drums.hit(voice, velocity, context.currentTime);
  }

  /**
   * The audio clock's `time` as `performance.now()` has it, when it comes out of the speaker.
   * @param {number} time seconds
   * @returns {number} milliseconds
   */
  toPerformance(time) {
    const { contextTime, performanceTime } = this.#stamp();
    return performanceTime + 1000 * (time - contextTime);
  }

  /**
   * What of the audio clock is heard at `milliseconds` of `performance.now()`.
   * @param {number} milliseconds
   * @returns {number} seconds
   */
  fromPerformance(milliseconds) {
    const { contextTime, performanceTime } = this.#stamp();
    return contextTime + (milliseconds - performanceTime) / 1000;
  }

  get #gain() {
    return this.#volume ** 2;
  }

  get #latency() {
    const context = this.#context;
    return context ? (context.outputLatency || context.baseLatency || 0) : 0;
  }

  #stamp() {
    const stamp = this.#context?.getOutputTimestamp();
    if (stamp?.performanceTime && stamp.contextTime !== undefined) {
      return { contextTime: stamp.contextTime, performanceTime: stamp.performanceTime };
    }
    return { contextTime: this.time - this.#latency, performanceTime: performance.now() };
  }

  async #start() {
    this.#context ??= new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "interactive" });
    const context = this.#context;
    // Asked for before anything is waited for, as browsers want a press to be behind it.
    const resumed = context.state === "running" ? null : context.resume();
    const sounds = await this.load();
    await resumed;
    if (!this.#output) {
      const volume = new GainNode(context, { gain: this.#gain });
      const { input, output } = limiter(context);
      output.connect(volume).connect(context.destination);
      this.#output = { drums: new Drums(context, input, sounds), mix: input, volume };
    }
    return { context, ...this.#output };
  }

  #tick() {
    const [sequencer, context, output] = [this.#sequencer, this.#context, this.#output];
    if (!sequencer || !context || !output) return;
    const ahead = document.hidden ? HIDDEN_LOOKAHEAD : LOOKAHEAD;
    for (const step of sequencer.advance(context.currentTime + ahead)) {
      this.#walked.push(step);
      this.#schedule(step, context, output);
      this.emit("step", step);
    }
    this.#walked.splice(0, this.#walked.length - REMEMBERED);
    if (sequencer.ended && context.currentTime - this.#latency > sequencer.time) this.stop();
  }

  /**
   * @param {Step} step
   * @param {AudioContext} context
   * @param {{drums: Drums, mix: AudioNode}} output
   */
  #schedule({ step, time, hits, stepsPerBar, stepsPerBeat }, context, { drums, mix }) {
    for (const { voice, velocity, time } of this.audible ? hits : []) {
      if (time > context.currentTime - LATE) drums.hit(voice, velocity, time);
    }
    if (step % stepsPerBeat === 0 && (this.metronome || this.#clicking || step < 0)) {
      const sounding = click(context, mix, time, step % stepsPerBar === 0);
      this.#clicks.add(sounding);
      if (this.#clicks.size > 16) this.#clicks.delete([...this.#clicks][0]);
    }
  }
}
