/** `Groove` in arrays, as `music/groove.py` has it, and as JSON, as `studio/values.py`. */

import { N_VOICES, SHORT_NAMES, VOICES } from "./kit.js";
import { general, refused } from "../errors.js";

/** @import { Groove as Plain, Hit } from "../types.js" */

/** @typedef {[numerator: number, denominator: number]} Meter */

const MAX_BPM = 1000;
const OFFSET_END = 0.5 - 2 ** -25;

/**
 * The 16th-note steps in one bar.
 * @param {Meter} meter
 */
export function stepsPerBar([above, below]) {
  if (!(above >= 1) || !(below >= 1) || below & (below - 1)) {
    throw refused(`${above}/${below} is not a meter`);
  }
  const steps = (above * 16) / below;
  if (!Number.isInteger(steps)) {
    throw refused(`a bar of ${above}/${below} is not a whole number of 16ths`);
  }
  return steps;
}

/** @param {number} bpm */
export function validBpm(bpm) {
  if (!(bpm > 0 && bpm <= MAX_BPM)) {
    throw refused(`bpm ${general(bpm)} is not in (0, ${MAX_BPM}]`);
  }
  return bpm;
}

/** A drum loop: arrays `[T, V]`, row by row, of a whole number of bars. They are never changed. */
export class Groove {
  /**
   * @param {Uint8Array} hits 0 or 1
   * @param {Float32Array} velocity
   * @param {Float32Array} offset
   * @param {number} bpm
   * @param {Meter} meter
   */
  constructor(hits, velocity, offset, bpm, meter) {
    this.hits = hits;
    this.velocity = velocity;
    this.offset = offset;
    this.bpm = bpm;
    this.meter = meter;
  }

  /**
   * From full arrays, such as a decoder gives: silent cells are set to zero and an offset of
   * exactly half a step is taken to the nearest one below it.
   * @param {Uint8Array} hits
   * @param {Float32Array} velocity
   * @param {Float32Array} offset
   * @param {{bpm: number, meter: Meter}} like
   */
  static fromCells(hits, velocity, offset, { bpm, meter }) {
    return new Groove(
      hits,
      velocity.map((value, cell) => (hits[cell] ? value : 0)),
      // The sum takes the sign from a zero, which JSON would keep.
      offset.map((value, cell) => (hits[cell] ? Math.min(value, OFFSET_END) + 0 : 0)),
      bpm,
      meter,
    );
  }

  /**
   * `bars` bars without a hit.
   * @param {number} bars
   * @param {{bpm: number, meter: Meter}} like
   */
  static silent(bars, { bpm, meter }) {
    const cells = bars * stepsPerBar(meter) * N_VOICES;
    return new Groove(
      new Uint8Array(cells), new Float32Array(cells), new Float32Array(cells), bpm, meter,
    );
  }

  /**
   * The groove that JSON says; numbers are rounded to float32.
   * @param {Plain} plain
   */
  static from({ bpm, meter, bars, hits }) {
    const steps = bars * stepsPerBar(meter);
    const groove = Groove.silent(bars, { bpm: validBpm(bpm), meter });
    for (const [step, voice, velocity, offset] of hits) {
      if (step >= steps) {
        throw refused(
          `a hit is in step ${step} of ${bars} bars`, `steps are 0 to ${steps - 1} here`,
        );
      }
      const cell = step * N_VOICES + voice;
      if (groove.hits[cell]) {
        throw refused(`two hits are in step ${step} of the ${VOICES[voice]}`, "keep one of them");
      }
      groove.hits[cell] = 1;
      groove.velocity[cell] = velocity;
      groove.offset[cell] = offset;
    }
    const broken = groove.hits.findIndex((hit, cell) => hit > 0 && !groove.velocity[cell]);
    if (broken >= 0) {
      const voice = broken % N_VOICES, where = (broken - voice) / N_VOICES;
      throw refused(
        `velocity of a hit is not in (0, 1] (first at step ${where}, ${SHORT_NAMES[voice]})`,
      );
    }
    return Groove.fromCells(groove.hits, groove.velocity, groove.offset, groove);
  }

  /** @returns {Plain} */
  get plain() {
    /** @type {Hit[]} */
    const hits = [];
    this.hits.forEach((hit, cell) => {
      if (!hit) return;
      const voice = cell % N_VOICES;
      hits.push([(cell - voice) / N_VOICES, voice, this.velocity[cell], this.offset[cell]]);
    });
    return { bpm: this.bpm, meter: this.meter, bars: this.bars, hits };
  }

  /** The same at another tempo. @param {number | null} [bpm] */
  replace(bpm) {
    return new Groove(
      this.hits, this.velocity, this.offset, validBpm(bpm ?? this.bpm), this.meter,
    );
  }

  get steps() {
    return this.hits.length / N_VOICES;
  }

  get stepsPerBar() {
    return stepsPerBar(this.meter);
  }

  get bars() {
    return this.steps / this.stepsPerBar;
  }

  /**
   * Bars from `start` to before `stop`.
   * @param {number} start
   * @param {number} [stop]
   */
  slice(start, stop = this.bars) {
    const [from, to] = [start, stop].map((bar) => bar * this.stepsPerBar * N_VOICES);
    return new Groove(
      this.hits.slice(from, to), this.velocity.slice(from, to), this.offset.slice(from, to),
      this.bpm, this.meter,
    );
  }
}

/**
 * Grooves one after another, at the tempo and meter that they share.
 * @param {Groove[]} parts
 */
export function concatenate(parts) {
  const [first] = parts;
  for (const { meter, bpm } of parts) {
    if (meter.join("/") !== first.meter.join("/")) {
      throw refused(`cannot join ${meter.join("/")} to ${first.meter.join("/")}`);
    }
    if (bpm !== first.bpm) {
      throw refused(
        `cannot join ${general(bpm)} bpm to ${general(first.bpm)} bpm`,
        "bring them to one tempo with replace(bpm=…)",
      );
    }
  }
  const cells = parts.reduce((sum, { hits }) => sum + hits.length, 0);
  const whole = new Groove(
    new Uint8Array(cells), new Float32Array(cells), new Float32Array(cells), first.bpm, first.meter,
  );
  let place = 0;
  for (const part of parts) {
    whole.hits.set(part.hits, place);
    whole.velocity.set(part.velocity, place);
    whole.offset.set(part.offset, place);
    place += part.hits.length;
  }
  return whole;
}
