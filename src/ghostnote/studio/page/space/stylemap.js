/** The map of styles as a picture, and what is near a place on it. */

import { h } from "../shell/dom.js";

/** @import { StyleMap } from "../engine/types.js" */
/** @import { Point } from "./path.js" */

const SVG = "http://www.w3.org/2000/svg";
const NEAREST = 9;
/** How far apart labels must be, in hundredths of the pad. */
const [LABEL_WIDTH, LABEL_HEIGHT] = [17, 5];
/** Hues a golden angle apart: styles that follow each other differ most. */
const GOLDEN = 137.508;

/** Styles whose names are not just a word. @type {Record<string, string>} */
const NAMES = {
  afrocuban: "Afro-Cuban", hiphop: "Hip-hop", middleeastern: "Middle Eastern",
  neworleans: "New Orleans",
};

/** @param {string} style */
export const nameOf = (style) => NAMES[style] ?? style[0].toUpperCase() + style.slice(1);

/**
 * A place on the pad → coordinates on the map, whose y goes upwards.
 *
 * @param {StyleMap} map
 * @param {Point} place
 */
export function toMap({ extent: { x, y } }, place) {
  return { x: x[0] + place.x * (x[1] - x[0]), y: y[1] - place.y * (y[1] - y[0]) };
}

/**
 * The inverse of `toMap`.
 *
 * @param {StyleMap} map
 * @param {Point} at
 * @returns {Point}
 */
export function fromMap({ extent: { x, y } }, at) {
  return { x: (at.x - x[0]) / (x[1] - x[0]), y: (y[1] - at.y) / (y[1] - y[0]) };
}

/**
 * The style that most of the points nearest to a place have; of equals that of the nearest.
 *
 * @param {StyleMap} map
 * @param {Point} place on the pad
 * @returns {string}
 */
export function styleNear(map, place) {
  const near = map.points
    .map(([x, y, style]) => {
      const point = fromMap(map, { x, y });
      return { style, far: Math.hypot(point.x - place.x, point.y - place.y) };
    })
    .sort((a, b) => a.far - b.far)
    .slice(0, NEAREST);
  const votes = near.map(({ style }) => near.filter((other) => other.style === style).length);
  return map.styles[near[votes.indexOf(Math.max(...votes))].style];
}

/**
 * Points and labels for the pad's picture, and a legend that brings a style out.
 *
 * @param {StyleMap} map
 * @returns {{layer: SVGGElement, legend: HTMLElement}}
 */
export function drawMap(map) {
  const layer = svg("g", { class: "map" });
  const places = map.styles.map((_, style) =>
    map.points.filter((point) => point[2] === style).map(([x, y]) => fromMap(map, { x, y })));
  const groups = places.map((points, style) => {
    const group = svg("g", { class: "style" });
    group.style.setProperty("--hue", String((style * GOLDEN) % 360));
    for (const { x, y } of points) {
      group.append(svg("circle", { cx: (100 * x).toFixed(2), cy: (100 * y).toFixed(2), r: "1" }));
    }
    layer.append(group);
    return group;
  });
  /** @type {Point[]} */
  const taken = [];
  /** Above all points. */
  const labels = svg("g", {});
  layer.append(labels);
  /** @type {(SVGTextElement | undefined)[]} */
  const labelOf = [];
  places.forEach((points, style) => {
    if (!points.length) return;
    const at = {
      x: Math.min(88, Math.max(12, 100 * median(points.map(({ x }) => x)))),
      y: Math.min(97, Math.max(4, 100 * median(points.map(({ y }) => y)))),
    };
    const crowded = taken.some(({ x, y }) =>
      Math.abs(x - at.x) < LABEL_WIDTH && Math.abs(y - at.y) < LABEL_HEIGHT);
    if (!crowded) taken.push(at);
    const label = svg("text", { x: String(at.x), y: String(at.y),
      class: crowded ? "label crowded" : "label" });
    label.textContent = nameOf(map.styles[style]);
    labels.append(label);
    labelOf[style] = label;
  });
  /** @param {number | null} chosen */
  const bringOut = (chosen) => {
    layer.classList.toggle("chosen", chosen !== null);
    groups.forEach((group, style) => {
      group.classList.toggle("out", style === chosen);
      labelOf[style]?.classList.toggle("out", style === chosen);
    });
    if (chosen !== null) labels.before(groups[chosen]);
  };
  let fixed = -1;
  const entries = map.styles.map((style, index) => {
    const entry = h("button", { type: "button", class: "style", "aria-pressed": "false",
      onpointerenter: () => bringOut(index),
      onpointerleave: () => bringOut(fixed < 0 ? null : fixed),
      onclick: () => {
        fixed = fixed === index ? -1 : index;
        entries.forEach((other, number) => other.setAttribute("aria-pressed", String(number === fixed)));
        bringOut(fixed < 0 ? null : fixed);
      } }, h("span", { class: "swatch", "aria-hidden": "true" }), nameOf(style));
    entry.style.setProperty("--hue", String((index * GOLDEN) % 360));
    return entry;
  });
  const legend = h("div", { class: "legend", role: "group", "aria-label": "Styles" }, ...entries);
  return { layer, legend };
}

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string>} attributes
 * @returns {SVGElementTagNameMap[T]}
 */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
