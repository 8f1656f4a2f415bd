/** Events by name, with the types of what they tell. */

/**
 * @template {Record<string, unknown>} Events
 */
export class Emitter {
  /** @type {Map<keyof Events, Set<(detail: any) => void>>} */
  #listeners = new Map();

  /**
   * Calls `listener` at every `event`, until the function that is returned is called.
   * @template {keyof Events} E
   * @param {E} event
   * @param {(detail: Events[E]) => void} listener
   * @returns {() => void}
   */
  on(event, listener) {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @template {keyof Events} E
   * @param {E} event
   * @param {Events[E]} detail
   */
  emit(event, detail) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(detail);
  }
}
