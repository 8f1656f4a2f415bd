/** The engine that needs no server: the models run in a worker of the page. */

import { Problem } from "./problem.js";

/** @import { Progress } from "./progress.js" */
/** @import { Engine, Requests, Responses, Verb } from "./types.js" */

/** @implements {Engine} */
export class LocalEngine {
  /** @type {Worker | null} */
  #worker = null;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: unknown) => void}>} */
  #waiting = new Map();
  #id = 0;

  /**
   * @param {string} [root] where the studio's folder is
   */
  constructor(root = document.baseURI) {
    this.root = root;
    /** Is told how far downloads have come. @type {((progress: Progress) => void) | null} */
    this.onprogress = null;
  }

  /**
   * @template {Verb} V
   * @param {V} verb
   * @param {Requests[V]} request
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Responses[V]>}
   */
  call(verb, request, { signal } = {}) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const worker = (this.#worker ??= this.#start());
      const id = ++this.#id;
      const cancel = () => {
        this.#waiting.delete(id);
        worker.postMessage({ id, cancel: true });
        reject(signal?.reason);
      };
      const heard = () => signal?.removeEventListener("abort", cancel);
      signal?.addEventListener("abort", cancel);
      this.#waiting.set(id, {
        resolve: (value) => (heard(), resolve(value)),
        reject: (error) => (heard(), reject(error)),
      });
      worker.postMessage({ id, verb, request });
    });
  }

  #start() {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      if ("progress" in data) {
        this.onprogress?.(data.progress);
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("problem" in data) waiting?.reject(new Problem(data.problem));
      else waiting?.resolve(data.value);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#worker = null;
      const problem = new Problem({
        title: "The engine stopped",
        detail: event.message || "The scripts of the engine did not come.",
        remedy: "Check the connection, and load the page again.",
      });
      for (const { reject } of this.#waiting.values()) reject(problem);
      this.#waiting.clear();
      worker.terminate();
    };
    worker.postMessage({ root: this.root });
    return worker;
  }
}
