/** Makes grooves: new ones, and others out of the one that is there. */

import { VOICES } from "../state/groove.js";
import { freshId, h, icon } from "../shell/dom.js";
import { percent, slider } from "../shell/slider.js";
import { Maker, freshSeed } from "./maker.js";
import { seedField } from "./seed.js";
import { shapeSliders } from "./shape.js";
import { tapControl } from "./tap.js";

/** @import { Groove, ModelInfo } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

const LENGTHS = [8, 16, 32];
const JOURNAL = 6;

/** Styles whose names are not just a word. @type {Record<string, string>} */
const STYLES = {
  afrocuban: "Afro-Cuban", hiphop: "Hip-hop", middleeastern: "Middle Eastern",
  neworleans: "New Orleans",
};

/** @param {string} word */
const capital = (word) => STYLES[word] ?? word[0].toUpperCase() + word.slice(1);

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  const seed = seedField(() => void maker.again(seed.value()));
  const maker = new Maker(studio, seed.next);
  const heat = temperatureField();

  // -- a new beat ---------------------------------------------------------------------------
  const style = choice("Style", [["", "Any style"]]);
  const kind = choice("Beat or fill", [["", "Beat or fill"]]);
  const tempo = choice("Tempo", [["", "At this tempo"]]);
  const sample = act("sample", "New beat", "dice", "A new beat (N)", () =>
    maker.make({
      label: style.value ? `New beat, ${style.value}` : "New beat",
      ask: async (base, seed, engine, signal) => (await engine.call("sample", {
        n: 1, seed, temperature: heat.value(), bpm: tempoOf(tempo.value, base.bpm),
        ...(style.value && { style: style.value }), ...(kind.value && { beat_type: kind.value }),
      }, { signal })).grooves[0],
    }));
  sample.classList.add("primary");

  // -- another of it ------------------------------------------------------------------------
  const distance = slider({ name: "Distance", min: 0.05, max: 1, step: 0.05, value: 0.35,
    show: percent, title: "How far to go from this beat" });
  const vary = act("vary", "Vary", "spark", "Another beat near this one (V)", () => {
    const far = distance.value;
    return maker.make({
      label: `Vary by ${percent(far)}`,
      ask: async (groove, seed, engine, signal) => (await engine.call("vary",
        { groove, n: 1, distance: far, seed, temperature: heat.value() }, { signal })).grooves[0],
    });
  });

  const strength = slider({ name: "Strength", min: 0, max: 1, step: 0.05, value: 1, show: percent,
    title: "How much of the playing is new" });
  const what = choice("What is humanised", [
    ["", "Loudness and timing"], ["timing", "Loudness only"], ["velocity", "Timing only"],
  ]);
  const humanize = act("humanize", "Humanise", "hand", "Play the same hits by hand (H)", () => {
    const much = strength.value;
    const keep = /** @type {("velocity" | "timing")[]} */ (what.value ? [what.value] : []);
    return maker.make({
      label: `Humanise by ${percent(much)}`,
      ask: async (groove, seed, engine, signal) => (await engine.call("humanize",
        { groove, strength: much, keep, seed, temperature: heat.value() }, { signal })).groove,
    });
  });

  // -- around what is there -----------------------------------------------------------------
  const locked = h("p", { class: "hint" });
  const hits = h("input", { type: "checkbox" });
  const infill = act("infill", "Write the rest", "pen", "Keep what is locked, write the rest (W)",
    () => {
      const { groove, locks } = studio;
      const keep = {
        voices: ascending(locks.voices).map((voice) => VOICES[voice]),
        bars: ascending(locks.bars).filter((bar) => bar < groove.bars),
        ...(hits.checked && { cells: cellsOfHits(groove) }),
      };
      return maker.make({
        label: "Write the rest",
        whole: true,
        ask: async (groove, seed, engine, signal) => (await engine.call("infill",
          { groove, keep, seed, temperature: heat.value() }, { signal })).groove,
      });
    });

  const fills = choice("Fills", [["", "No fills"], ["4", "Fill every 4"], ["8", "Fill every 8"]]);
  const lengths = LENGTHS.map((bars) => {
    const button = h("button", { type: "button", text: `${bars}`,
      "aria-label": `Continue to ${bars} bars`, title: `Go on up to ${bars} bars` });
    button.addEventListener("click", () => void maker.make({
      label: `Continue to ${bars} bars`,
      whole: true,
      ask: async (groove, seed, engine, signal) => (await engine.call("continue", {
        groove, bars: bars - groove.bars, seed, temperature: heat.value(),
        ...(fills.value && { fill_every: Number(fills.value) }),
      }, { signal })).groove,
    }));
    return { bars, button };
  });

  const tap = tapControl(studio, (rhythm) => maker.make({
    label: "Tap",
    ask: async (groove, seed, engine, signal) => (await engine.call("tap",
      { groove, seed, temperature: heat.value() }, { signal })).groove,
  }, rhythm));

  const shape = h("div", { class: "shape-box" });
  const journal = h("ol", { class: "journal", "aria-label": "What was made" });
  root.append(
    h("div", { class: "create-head" }, h("h2", { text: "Create" }), heat.root, seed.root),
    h("div", { class: "actions" },
      h("div", { class: "action" }, sample, style.root,
        h("div", { class: "pair" }, kind.root, tempo.root)),
      h("div", { class: "action" }, vary, distance.root),
      h("div", { class: "action" }, humanize, strength.root, what.root),
      h("div", { class: "action" }, infill, locked,
        h("label", { class: "check", title: "Every hit that is there stays, and others join it" },
          hits, "Keep every hit")),
      h("div", { class: "action" },
        h("div", { class: "continue", role: "group", "aria-label": "Continue" },
          h("span", { text: "Continue to" }), ...lengths.map(({ button }) => button)),
        fills.root),
      h("div", { class: "action" }, tap.button, tap.root)),
    h("h3", { text: "Shape" }), shape, h("h3", { text: "Made so far" }), journal);

  const show = () => {
    const kept = [
      ...ascending(studio.locks.voices).map((voice) => VOICES[voice]),
      ...ascending(studio.locks.bars).map((bar) => `bar ${bar + 1}`),
    ];
    infill.disabled = !kept.length && !hits.checked;
    locked.textContent = kept.length
      ? `Keeps ${kept.join(", ")}.`
      : "Lock voices or bars in the grid, to keep them.";
    for (const { bars: length, button } of lengths) button.disabled = studio.groove.bars >= length;
    showJournal(journal, studio, (other) => seed.show(other, true));
  };
  hits.addEventListener("change", () => show());
  studio.on("change", ({ seed: used, kind: how }) => {
    if (how === "set" && used !== undefined) seed.show(used);
    show();
  });
  show();

  void studio.engine.call("models", {}).then(({ models }) => {
    /** @param {string} verb */
    const modelFor = (verb) => models.find((model) => model.default_for.includes(verb));
    const sampling = modelFor("sample");
    if (sampling) offer(sampling);
    const moving = modelFor("attribute");
    if (moving) shape.append(shapeSliders(studio, maker, moving.attributes, heat.value));
  }).catch((error) => studio.fail(error));

  /** @param {ModelInfo} model */
  const offer = (model) => {
    style.add(model.styles.map((name) => [name, capital(name)]));
    kind.add(model.beat_types.map((name) => [name, capital(name)]));
    tempo.add(model.tempos.map((range) => [range.join(), tempoName(range)]));
    heat.own(model.temperature);
  };
}

/**
 * The loop that is there when the page opens.
 * @param {Studio} studio
 */
export async function first(studio) {
  const seed = freshSeed();
  const drawn = await studio.run("First beat", (signal) =>
    studio.engine.call("sample", { seed, n: 1 }, { signal }));
  if (drawn) studio.set(drawn.grooves[0], { label: "First beat", seed });
}

/** @param {ReadonlySet<number>} numbers */
const ascending = (numbers) => [...numbers].sort((a, b) => a - b);

/**
 * @param {Groove} groove
 * @returns {[step: number, voice: number][]}
 */
const cellsOfHits = ({ hits }) => hits.map(([step, voice]) => [step, voice]);

/**
 * @param {HTMLElement} list
 * @param {Studio} studio
 * @param {(seed: number) => void} take
 */
function showJournal(list, studio, take) {
  const made = studio.past.filter(({ seed }) => seed !== undefined).slice(-JOURNAL).reverse();
  const shown = JSON.stringify(made.map(({ label, seed }) => [label, seed]));
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...made.map(({ label, seed }) =>
    h("li", {}, h("span", { text: label }),
      h("button", { type: "button", class: "plain", text: `seed ${seed}`,
        "aria-label": `Take seed ${seed} of ${label}`, title: "Take this seed for what comes next",
        onclick: () => take(Number(seed)) }))));
}

/**
 * A button that makes something.
 * @param {string} shortcut
 * @param {string} label
 * @param {Parameters<typeof icon>[0]} face
 * @param {string} title
 * @param {() => Promise<unknown>} work
 */
const act = (shortcut, label, face, title, work) =>
  h("button", { type: "button", title, "data-shortcut": shortcut, onclick: () => void work() },
    icon(face), label);

/**
 * @param {string} label
 * @param {[value: string, text: string][]} options
 */
function choice(label, options) {
  const select = h("select", { "aria-label": label });
  /** @param {[value: string, text: string][]} more */
  const add = (more) => select.append(...more.map(([value, text]) => h("option", { value, text })));
  add(options);
  return {
    root: select,
    add,
    get value() {
      return select.value;
    },
  };
}

/** The temperature of all that is made; the models' own, unless the slider is moved. */
function temperatureField() {
  const own = h("input", { type: "checkbox", id: freshId() });
  own.defaultChecked = true;
  const heat = slider({
    name: "Temperature", min: 0, max: 1.5, step: 0.05, value: 0.7,
    title: "Low is what is likely, high is daring",
    show: (value) => (own.checked ? "auto" : value.toFixed(2)),
    oninput: (value) => {
      own.checked = false;
      heat.value = value;
    },
  });
  own.addEventListener("change", () => (heat.value = heat.value));
  return {
    root: h("div", { class: "heat" }, heat.root,
      h("label", { class: "check", title: "Each model has a temperature that suits it" },
        own, "Auto")),
    value: () => (own.checked ? null : heat.value),
    /** @param {number} temperature */
    own: (temperature) => {
      if (own.checked) heat.value = temperature;
    },
  };
}

/** @param {[low: number, high: number]} range */
function tempoName([low, high]) {
  if (low <= 0) return `Below ${high} bpm`;
  return high > 1000 ? `${low} bpm and above` : `${low}–${high} bpm`;
}

/**
 * A tempo in the range that was chosen: the one there is, or else the middle.
 * @param {string} range
 * @param {number} bpm
 */
function tempoOf(range, bpm) {
  if (!range) return bpm;
  const [low, high] = range.split(",").map(Number);
  if (bpm >= low && bpm < high) return bpm;
  return low <= 0 ? high - 10 : high > 1000 ? low + 15 : (low + high) / 2;
}
