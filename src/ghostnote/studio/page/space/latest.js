/** Requests while something is dragged: one at a time, and always the newest place next. */

/** A request that takes longer than this gives way to a newer one. */
const PATIENCE_MS = 250;

/** @template Value */
export class Latest {
  /** @type {{value: Value} | null} */
  #wanted = null;
  #turn = 0;
  #since = 0;
  #busy = false;

  /** @param {(value: Value) => Promise<void>} work which a later call may abort */
  constructor(work) {
    this.work = work;
  }

  /**
   * Has `value` worked on as soon as may be, in the stead of all that still wait. The promise
   * resolves when nothing waits any more, or another call has taken over.
   *
   * @param {Value} value
   */
  async ask(value) {
    this.#wanted = { value };
    if (this.#busy && performance.now() - this.#since < PATIENCE_MS) return;
    const turn = ++this.#turn;
    this.#busy = true;
    try {
      while (this.#wanted && turn === this.#turn) {
        const { value: newest } = this.#wanted;
        this.#wanted = null;
        this.#since = performance.now();
        await this.work(newest);
      }
    } finally {
      if (turn === this.#turn) this.#busy = false;
    }
  }
}
