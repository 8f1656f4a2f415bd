/** Which engine the page has: a server's, or its own. */

import { RemoteEngine } from "./remote.js";

/** @import { Engine } from "./types.js" */

/**
 * @param {string} [kind] `remote`, or `local` where the page is a static folder
 * @returns {Promise<Engine>}
 */
export async function makeEngine(kind = "remote") {
  if (kind === "remote") return new RemoteEngine();
  const { LocalEngine } = await import("./local.js");
  return new LocalEngine();
}
