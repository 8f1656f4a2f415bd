/**
 * What the page holds, and what its panels share: the groove, locks, mutes, undo, the engine, the
 * transport. Panels change it through its methods and hear of changes by `on`.
 */

import { Problem } from "../engine/problem.js";
import { Transport } from "../transport/transport.js";
import { Emitter } from "./emitter.js";
import { filtered, silent, swung, withLocked } from "./groove.js";
import { History } from "./history.js";

/** @import { Engine, Groove } from "../engine/types.js" */
/** @import { Entry } from "./history.js" */

/**
 * All that undo brings back. Sets are never changed: edits give new ones.
 * @typedef {object} State
 * @property {Groove} groove
 * @property {{voices: ReadonlySet<number>, bars: ReadonlySet<number>}} locks what creating keeps
 * @property {ReadonlySet<number>} mutes voices
 * @property {ReadonlySet<number>} solos voices; with any, only they sound
 * @property {number} swing where every second 16th falls between its neighbours: 0.5 (even) to 0.75
 */

/**
 * @typedef {object} Change
 * @property {State} before
 * @property {State} after
 * @property {string} label
 * @property {number} [seed]
 * @property {"set" | "undo" | "redo"} kind
 * @property {"now" | "bar"} at when it is heard: at the next step, or at the next bar line
 */

/**
 * @typedef {object} StudioEvents
 * @property {Change} change the state is another one
 * @property {boolean} playing
 * @property {string | null} busy the label of what is being made
 * @property {Problem} error
 * @property {string} say for screen readers
 * @property {{time: number, velocity: number}} tap someone struck a pad: `performance.now()`
 *   milliseconds, velocity in (0, 1]
 */

/** @extends {Emitter<StudioEvents & Record<string, unknown>>} */
export class Studio extends Emitter {
  /** @type {History<State>} */
  #history = new History(
    { groove: silent(), locks: { voices: new Set(), bars: new Set() }, mutes: new Set(),
      solos: new Set(), swing: 0.5 },
    "Start",
  );
  /** @type {AbortController | null} */
  #running = null;
  /** @type {{of: State, groove: Groove} | null} */
  #heard = null;

  /** @param {Engine} engine */
  constructor(engine) {
    super();
    this.engine = engine;
    this.transport = new Transport(this);
  }

  // -- state --------------------------------------------------------------------------------

  get state() {
    return this.#history.current.state;
  }

  /** The current groove, as the grid shows it. */
  get groove() {
    return this.state.groove;
  }

  get locks() {
    return this.state.locks;
  }

  /** The groove as it sounds, and as it leaves the page: without what is muted, and swung. */
  get heard() {
    if (this.#heard?.of !== this.state) {
      const { groove, mutes, solos, swing } = this.state;
      const audible = filtered(groove, ([, voice]) =>
        !mutes.has(voice) && (!solos.size || solos.has(voice)));
      this.#heard = { of: this.state, groove: swung(audible, swing) };
    }
    return this.#heard.groove;
  }

  /** @returns {Entry<State>[]} all that was done, oldest first, without what was undone */
  get past() {
    return this.#history.past;
  }

  get undoable() {
    return this.#history.undoable;
  }

  get redoable() {
    return this.#history.redoable;
  }

  // -- changes ------------------------------------------------------------------------------

  /**
   * Another groove: one step to undo. While playing it is heard from the next bar line on, or from
   * the next step with `at: "now"`. Changes in a row with the same `merge` are one step.
   * @param {Groove} groove
   * @param {{label: string, seed?: number, at?: "now" | "bar", merge?: string}} how
   */
  set(groove, how) {
    this.update({ groove }, how);
  }

  /**
   * Any part of the state, like `set`.
   * @param {Partial<State>} part
   * @param {{label: string, seed?: number, at?: "now" | "bar", merge?: string}} how
   */
  update(part, { label, seed, at = "bar", merge }) {
    const before = this.state;
    this.#history.push({ state: { ...before, ...part }, label, seed }, merge);
    this.emit("change", { before, after: this.state, label, seed, kind: "set", at });
  }

  undo() {
    const before = this.state;
    const undone = this.#history.undo();
    if (!undone) return;
    const { label, seed } = undone;
    this.emit("change", { before, after: this.state, label, seed, kind: "undo", at: "now" });
    this.say(`Undone: ${label}`);
  }

  redo() {
    const before = this.state;
    const redone = this.#history.redo();
    if (!redone) return;
    const { label, seed } = redone;
    this.emit("change", { before, after: this.state, label, seed, kind: "redo", at: "now" });
    this.say(`Done again: ${label}`);
  }

  /**
   * `groove` with what is locked of the current one.
   * @param {Groove} groove
   */
  locked(groove) {
    return withLocked(groove, this.groove, this.locks);
  }

  // -- making -------------------------------------------------------------------------------

  /**
   * Waits for `work`, which gets a signal: a later `run` aborts this one. Returns what it gives, or
   * undefined when it was aborted or failed; a failure is told by `error`.
   * @template T
   * @param {string} label
   * @param {(signal: AbortSignal) => Promise<T>} work
   * @returns {Promise<T | undefined>}
   */
  async run(label, work) {
    this.cancel();
    const controller = new AbortController();
    this.#running = controller;
    this.emit("busy", label);
    try {
      const result = await work(controller.signal);
      return controller.signal.aborted ? undefined : result;
    } catch (error) {
      if (!controller.signal.aborted) this.fail(error, label);
      return undefined;
    } finally {
      if (this.#running === controller) {
        this.#running = null;
        this.emit("busy", null);
      }
    }
  }

  /** Stops what `run` waits for. */
  cancel() {
    if (!this.#running) return;
    this.#running.abort();
    this.#running = null;
    this.emit("busy", null);
  }

  /**
   * Shows what went wrong, and with what.
   * @param {unknown} error
   * @param {string} [label]
   */
  fail(error, label) {
    const problem = asProblem(error);
    if (label && problem.status) problem.title = `Not done: ${label}`;
    this.emit("error", problem);
  }

  /**
   * Tells users of screen readers.
   * @param {string} text
   */
  say(text) {
    this.emit("say", text);
  }
}

/** @param {unknown} error */
function asProblem(error) {
  if (error instanceof Problem) return error;
  console.error(error);
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem({ title: "Something broke", detail, remedy: "Reload the page." });
}
