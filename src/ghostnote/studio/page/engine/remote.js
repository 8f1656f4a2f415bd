/** The engine that asks the server that the page came from. */

import { Problem } from "./problem.js";

/** @import { Engine, Requests, Responses, Verb } from "./types.js" */

const READING = new Set(["models", "map", "kit"]);
const FILES = new Set(["midi", "wav"]);

/** @implements {Engine} */
export class RemoteEngine {
  /** @param {string} [root] where the verbs are, relative to the page */
  constructor(root = "api/v1/") {
    this.root = root;
  }

  /**
   * @template {Verb} V
   * @param {V} verb
   * @param {Requests[V]} request
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Responses[V]>}
   */
  async call(verb, request, { signal } = {}) {
    const response = await this.#fetch(verb, request, signal);
    if (!response.ok) throw await problemOf(response);
    const body = FILES.has(verb)
      ? new Uint8Array(await response.arrayBuffer())
      : await response.json();
    return /** @type {Responses[V]} */ (body);
  }

  /**
   * @param {Verb} verb
   * @param {Requests[Verb]} request
   * @param {AbortSignal} [signal]
   */
  async #fetch(verb, request, signal) {
    const url = new URL(this.root + verb, document.baseURI);
    /** @type {RequestInit} */
    let how = {};
    if (READING.has(verb)) {
      for (const [key, value] of Object.entries(request)) url.searchParams.set(key, `${value}`);
    } else if ("bytes" in request) {
      how = posted("audio/midi", request.bytes);
    } else {
      how = posted("application/json", JSON.stringify(request));
    }
    try {
      return await fetch(url, { ...how, signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Problem({
        title: "No answer",
        detail: "The server does not answer.",
        remedy: "Start it again with: ghostnote studio",
      });
    }
  }
}

/**
 * @param {string} type
 * @param {BodyInit} body
 * @returns {RequestInit}
 */
const posted = (type, body) => ({ method: "POST", headers: { "Content-Type": type }, body });

/**
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
async function problemOf(response) {
  try {
    const details = await response.json();
    if (typeof details.detail === "string") return new Problem(details);
  } catch {
    // An answer from something between the server and us, which says nothing but its status.
  }
  return new Problem({
    status: response.status,
    detail: `The server answered ${response.status} ${response.statusText}`.trim() + ".",
  });
}
