/** Undo and redo over immutable states. */

const LONGEST = 500;

/**
 * @template State
 * @typedef {object} Entry
 * @property {State} state
 * @property {string} label what led to it
 * @property {number} [seed] what it was drawn with
 */

/** @template State */
export class History {
  /** @type {Entry<State>[]} */
  #entries;
  #at = 0;
  /** @type {string | undefined} */
  #merging;

  /**
   * @param {State} state
   * @param {string} label
   */
  constructor(state, label) {
    this.#entries = [{ state, label }];
  }

  get current() {
    return this.#entries[this.#at];
  }

  /** What `undo` would take back. */
  get undoable() {
    return this.#at > 0 ? this.current : undefined;
  }

  /** What `redo` would do again. */
  get redoable() {
    return this.#entries[this.#at + 1];
  }

  /** All entries up to the current one, oldest first. */
  get past() {
    return this.#entries.slice(0, this.#at + 1);
  }

  /**
   * A new state after the current one; what had been undone is gone. Entries in a row with the same
   * `merge` are one: so a drag is one step.
   * @param {Entry<State>} entry
   * @param {string} [merge]
   */
  push(entry, merge) {
    const replacing = merge !== undefined && merge === this.#merging && !this.redoable;
    this.#at += replacing ? 0 : 1;
    this.#entries.splice(this.#at, Infinity, entry);
    if (this.#entries.length > LONGEST) {
      this.#entries.shift();
      this.#at--;
    }
    this.#merging = merge;
  }

  /** The entry that was taken back, or undefined where there is none. */
  undo() {
    const undone = this.undoable;
    if (undone) this.#at--;
    this.#merging = undefined;
    return undone;
  }

  /** The entry that was done again, or undefined where there is none. */
  redo() {
    const redone = this.redoable;
    if (redone) this.#at++;
    this.#merging = undefined;
    return redone;
  }
}
