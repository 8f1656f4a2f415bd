/**
 * Which hits are when: walks a groove step by step up to a horizon in time. It knows no audio, and
 * asks no clock.
 */

import { cellsOf, secondsPerStep, stepsOf, stepsPerBar, VOICES } from "../state/groove.js";

/** @import { Groove } from "../engine/types.js" */

/**
 * One step on the clock.
 * @typedef {object} Step
 * @property {number} step in the groove; negative in a count-in
 * @property {number} time seconds, of the step's grid line
 * @property {number} seconds how long the step lasts
 * @property {number} stepsPerBar
 * @property {number} stepsPerBeat
 * @property {{voice: number, velocity: number, time: number}[]} hits in the order of time
 */

export class Sequencer {
  /** @type {Groove | null} */
  #next = null;
  #step;
  #anchor;
  #walked = 0;

  /**
   * @param {Groove} groove
   * @param {{time: number, from?: number, loop?: boolean}} how when step `from` is
   */
  constructor(groove, { time, from = 0, loop = true }) {
    this.groove = groove;
    this.loop = loop;
    this.#step = from;
    this.#anchor = time;
  }

  /** When the next step's grid line is; where nothing follows, when the groove is over. */
  get time() {
    return this.#anchor + this.#walked * secondsPerStep(this.groove);
  }

  /** Whether nothing follows. */
  get ended() {
    return !this.loop && this.#step >= stepsOf(this.groove);
  }

  /**
   * Another groove, from the next step or the next bar line on. A groove that still waits for its
   * bar line is replaced, and the new one waits in its stead.
   * @param {Groove} groove
   * @param {"now" | "bar"} at
   */
  change(groove, at) {
    if (at === "bar" || this.#next) this.#next = groove;
    else this.#take(groove);
  }

  /**
   * The steps whose earliest possible hit is before `horizon`, once each.
   * @param {number} horizon seconds
   * @returns {Generator<Step>}
   */
  *advance(horizon) {
    while (!this.ended && this.time - secondsPerStep(this.groove) / 2 < horizon) {
      if (this.#step >= stepsOf(this.groove)) this.#step = 0;
      if (this.#next && this.#step % stepsPerBar(this.groove) === 0) {
        this.#take(this.#next);
        this.#next = null;
      }
      yield this.#now();
      this.#step++;
      this.#walked++;
    }
  }

  /** @param {Groove} groove */
  #take(groove) {
    this.#anchor = this.time;
    this.#walked = 0;
    this.groove = groove;
    if (this.#step >= stepsOf(groove)) this.#step %= stepsOf(groove);
  }

  /** @returns {Step} */
  #now() {
    const { groove, time } = this;
    const seconds = secondsPerStep(groove);
    const step = this.#step;
    const cells = cellsOf(groove);
    const hits = [];
    for (let voice = 0; voice < VOICES.length; voice++) {
      const hit = cells.get(step * VOICES.length + voice);
      if (hit) hits.push({ voice, velocity: hit[2], time: time + hit[3] * seconds });
    }
    hits.sort((a, b) => a.time - b.time);
    return {
      step, time, seconds, hits,
      stepsPerBar: stepsPerBar(groove), stepsPerBeat: 16 / groove.meter[1],
    };
  }
}
