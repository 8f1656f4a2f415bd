/** Small helpers that make elements. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [properties] attributes; `on…` are listeners; `class`, `text`
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on") && typeof value === "function") {
      element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    } else if (key === "text") {
      element.textContent = String(value);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(key, String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Paths of 24 × 24 icons, drawn with a line. */
const ICONS = {
  play: "M7 4.5v15l12-7.5Z",
  stop: "M6 6h12v12H6Z",
  loop: "M17 2l4 4-4 4M3 11V9a3 3 0 0 1 3-3h15M7 22l-4-4 4-4M21 13v2a3 3 0 0 1-3 3H3",
  metronome: "M9 3h6l4 18H5Zm3 13 6-11M7 16h10",
  volume: "M4 9v6h4l5 4V5L8 9Zm12-.5a5 5 0 0 1 0 7M18.5 6a8.5 8.5 0 0 1 0 12",
  undo: "M8 5 3 10l5 5M3 10h11a6 6 0 0 1 0 12h-3",
  redo: "m16 5 5 5-5 5M21 10H10a6 6 0 0 0 0 12h3",
  help: "M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18v.01M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20",
  theme: "M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9",
  lock: "M6 11h12v10H6Zm2 0V7a4 4 0 0 1 8 0v4",
  unlock: "M6 11h12v10H6Zm2 0V7a4 4 0 0 1 7.5-2",
  dice: "M4 4h16v16H4ZM8.5 8.5v.01M15.5 8.5v.01M12 12v.01M8.5 15.5v.01M15.5 15.5v.01",
  again: "M4 12a8 8 0 1 0 2.5-5.8M4 3v5h5",
  hand: "M7 12V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v6-3a1.5 1.5 0 0 1 3 0v6a7 7 0 0 1-7 7c-4 0-5.5-2-8.5-8.5a1.5 1.5 0 0 1 2.5-1.5L7 14.5",
  pen: "M4 20l1-5L16 4l4 4L9 19Zm9.5-13.5 4 4",
  close: "M6 6l12 12M18 6 6 18",
  spark: "M12 3v6M12 15v6M3 12h6M15 12h6M6.5 6.5l3 3M14.5 14.5l3 3M17.5 6.5l-3 3M9.5 14.5l-3 3",
  tap: "M9 11V5a2 2 0 0 1 4 0v6l5 1.5a2 2 0 0 1 1.4 2.4L18 21H9l-4.5-6a1.6 1.6 0 0 1 2.4-2L9 14.5Z",
};

/**
 * @param {keyof typeof ICONS} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * "1 hit", "2 hits".
 * @param {number} count
 * @param {string} word
 */
export const counted = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

let ids = 0;

/** An id that no other element has. */
export const freshId = () => `id-${++ids}`;
