/** @import { Studio } from "../state/studio.js" */

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  void root;
  void studio;
}
