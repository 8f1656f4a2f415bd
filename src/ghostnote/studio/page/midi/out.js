/**
 * What plays, as MIDI messages in time: notes of the drum map, and a clock.
 *
 * The transport tells each step up to a fifth of a second ahead. Messages wait here until shortly
 * before their time, and leave with their time stamp, so that the browser sends them exactly then
 * and yet nothing is still to come after a stop.
 */

import { DRUM_CHANNEL, PITCHES, loudness } from "./pitches.js";

/** @import { Step } from "../audio/sequencer.js" */
/** @import { Transport } from "../transport/transport.js" */

/** MIDI's clocks in a 16th: 24 in a quarter. */
export const CLOCKS_PER_STEP = 6;

const NOTE_MS = 50;
const NOTE_ON = 0x90 | (DRUM_CHANNEL - 1);
const NOTE_OFF = 0x80 | (DRUM_CHANNEL - 1);
const ALL_SOUND_OFF = [0xb0 | (DRUM_CHANNEL - 1), 120, 0];
const [POSITION, CLOCK, START, CONTINUE, STOP] = [0xf2, 0xf8, 0xfa, 0xfb, 0xfc];

const FLUSH_MS = 15;
/** How long before its time a message leaves; a hidden page is woken too seldom to wait. */
const AHEAD_MS = 45;

/** @typedef {{time: number, bytes: number[]}} Message time in `performance.now()` milliseconds */
/** @typedef {{send: (bytes: number[], time?: number) => void}} Port */

/**
 * The notes of a step.
 *
 * @param {Pick<Step, "hits">} step
 * @param {(time: number) => number} at the audio clock's seconds → milliseconds
 * @returns {Message[]}
 */
export const notes = ({ hits }, at) =>
  hits.flatMap(({ voice, velocity, time }) => [
    { time: at(time), bytes: [NOTE_ON, PITCHES[voice], loudness(velocity)] },
    { time: at(time) + NOTE_MS, bytes: [NOTE_OFF, PITCHES[voice], 0] },
  ]);

/**
 * The clocks of a step; with `first` they come after a start, or after where to go on from.
 *
 * @param {Pick<Step, "step" | "time" | "seconds">} step
 * @param {(time: number) => number} at as of `notes`
 * @param {boolean} first
 * @returns {Message[]}
 */
export function clocks({ step, time, seconds }, at, first) {
  const begin = step ? [[POSITION, step & 0x7f, step >> 7], [CONTINUE]] : [[START]];
  const ticks = Array.from({ length: CLOCKS_PER_STEP }, (_, tick) =>
    ({ time: at(time + (tick * seconds) / CLOCKS_PER_STEP), bytes: [CLOCK] }));
  return [...(first ? begin.map((bytes) => ({ time: at(time), bytes })) : []), ...ticks];
}

export class MidiOut {
  /** @type {Port | null} */
  #port = null;
  /** @type {Message[]} */
  #waiting = [];
  #timer = 0;
  #running = false;

  sendsNotes = true;
  sendsClock = true;

  /** @param {Transport} transport */
  constructor(transport) {
    transport.on("step", (step) => {
      if (!this.#port) return;
      /** @param {number} time */
      const at = (time) => transport.toPerformance(time);
      if (this.sendsNotes) this.#post(notes(step, at));
      // A count-in is not part of the song: the clock starts with its first step.
      if (this.sendsClock && step.step >= 0) {
        this.#post(clocks(step, at, !this.#running));
        this.#running = true;
      }
      this.#flush();
      this.#timer ||= setInterval(() => this.#flush(), FLUSH_MS);
    });
    transport.on("stop", () => this.#stop());
  }

  get port() {
    return this.#port;
  }

  /** Where messages go; the old port is silenced. */
  set port(port) {
    if (port === this.#port) return;
    this.#stop();
    this.#port = port;
  }

  /** @param {Message[]} messages */
  #post(messages) {
    this.#waiting.push(...messages);
    this.#waiting.sort((a, b) => a.time - b.time);
  }

  #flush() {
    const until = document.hidden ? Infinity : performance.now() + AHEAD_MS;
    while (this.#waiting.length && this.#waiting[0].time < until) {
      const { bytes, time } = /** @type {Message} */ (this.#waiting.shift());
      this.#port?.send(bytes, time);
    }
  }

  #stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#waiting = [];
    if (this.#running) this.#port?.send([STOP]);
    this.#port?.send(ALL_SOUND_OFF);
    this.#running = false;
  }
}

/**
 * The strike that a message is, or null: any note is one.
 *
 * @param {Uint8Array | null} bytes
 */
export function strikeOf(bytes) {
  if (!bytes || bytes.length < 3 || (bytes[0] & 0xf0) !== 0x90 || !bytes[2]) return null;
  return { pitch: bytes[1], velocity: bytes[2] / 127 };
}
