/** @import { Studio } from "../state/studio.js" */

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  void root;
  void studio;
}

/**
 * The loop that is there when the page opens.
 * @param {Studio} studio
 */
export async function first(studio) {
  const seed = Math.floor(Math.random() * 1_000_000);
  const drawn = await studio.run("First beat", (signal) =>
    studio.engine.call("sample", { seed, n: 1 }, { signal }));
  if (drawn) studio.set(drawn.grooves[0], { label: "First beat", seed });
}
