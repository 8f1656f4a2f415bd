/** Asks the engine for grooves: every answer is one step to undo, and has a seed to repeat it. */

import { counted } from "../shell/dom.js";
import { withLocked } from "../state/groove.js";

/** @import { Engine, Groove } from "../engine/types.js" */
/** @import { State, Studio } from "../state/studio.js" */

/** Seeds that are made up here are short enough to be written down. */
const SEEDS = 1_000_000;

export const freshSeed = () => Math.floor(Math.random() * SEEDS);

/**
 * Something that makes a groove of another.
 * @typedef {object} Action
 * @property {string} label
 * @property {(base: Groove, seed: number, engine: Engine, signal: AbortSignal) =>
 *   Promise<Groove>} ask
 * @property {boolean} [whole] the answer has respected what is locked already
 * @property {string} [merge] see `Studio.update`
 */

export class Maker {
  /** @type {{action: Action, state: State} | null} */
  #last = null;

  /**
   * @param {Studio} studio
   * @param {() => number} nextSeed
   */
  constructor(studio, nextSeed) {
    this.studio = studio;
    this.nextSeed = nextSeed;
  }

  /** What `again` repeats. */
  get last() {
    return this.#last?.action;
  }

  /**
   * Makes a groove of the current one, or of `base`.
   * @param {Action} action
   * @param {Groove} [base]
   * @returns {Promise<boolean>} whether there is a new groove
   */
  make(action, base = this.studio.groove) {
    this.#last = { action, state: { ...this.studio.state, groove: base } };
    return this.#make(this.nextSeed());
  }

  /**
   * The last action once more, of the very groove that it was made of.
   * @param {number} seed
   */
  async again(seed) {
    return this.#last ? this.#make(seed) : false;
  }

  /** @param {number} seed */
  async #make(seed) {
    if (!this.#last) return false;
    const { studio } = this;
    const { action, state } = this.#last;
    const groove = await studio.run(action.label, (signal) =>
      action.ask(state.groove, seed, studio.engine, signal));
    if (!groove) return false;
    const kept = action.whole ? groove : withLocked(groove, state.groove, state.locks);
    studio.set(kept, { label: action.label, seed, merge: action.merge });
    studio.say(`${action.label}: ${counted(kept.bars, "bar")}, ` +
      `${counted(kept.hits.length, "hit")}, seed ${seed}`);
    return true;
  }
}
