/** Which engine the page has: a server's, or its own. */

import { RemoteEngine } from "./remote.js";

/** @import { Engine } from "./types.js" */

const TOKEN = "ghostnote-token";

/**
 * @param {string} [kind] `remote`, or `local` where the page is a static folder
 * @returns {Promise<Engine>}
 */
export async function makeEngine(kind = "remote") {
  if (kind === "remote") return new RemoteEngine("api/v1/", token());
  const { LocalEngine } = await import("./local.js");
  return new LocalEngine();
}

/** The token of the address that the page was opened with, which is then kept out of sight. */
function token() {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return sessionStorage.getItem(TOKEN) ?? "";
}
