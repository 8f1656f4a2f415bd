/** Play, loop, metronome, tempo, swing, volume. */

import { stepsPerBar } from "../state/groove.js";
import { freshId, h, icon } from "../shell/dom.js";
import { percent, slider } from "../shell/slider.js";
import { FASTEST, SLOWEST } from "./transport.js";

/** @import { Groove } from "../engine/types.js" */
/** @import { Studio } from "../state/studio.js" */

/** The first loop is drawn before the samples are fetched. */
const LEISURE_MS = 300;

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  const { transport } = studio;
  const play = h("button", { type: "button", class: "primary play", "data-shortcut": "play" });
  play.addEventListener("click", () => void toggle());
  const toggle = async () => {
    if (transport.playing) return transport.stop();
    play.setAttribute("aria-busy", "true");
    try {
      await transport.play();
    } catch (error) {
      studio.fail(error);
    } finally {
      play.removeAttribute("aria-busy");
    }
  };

  const loop = flag("loop", "Loop", () => (transport.loop = !transport.loop));
  const metronome = flag("metronome", "Metronome", () =>
    (transport.metronome = !transport.metronome));
  loop.setAttribute("aria-pressed", String(transport.loop));

  const id = freshId();
  const tempo = h("input", { type: "number", id, min: SLOWEST, max: FASTEST, step: 1,
    inputmode: "decimal" });
  tempo.addEventListener("change", () => {
    if (Number.isFinite(tempo.valueAsNumber)) transport.bpm = tempo.valueAsNumber;
    show();
  });
  const swing = slider({
    name: "Swing", min: 50, max: 75, step: 1, value: 100 * transport.swing,
    show: (value) => (value === 50 ? "even" : value === 67 ? "67 % triplet" : `${value} %`),
    title: "Where every second 16th falls between its neighbours",
    oninput: (value) => (transport.swing = value === 67 ? 2 / 3 : value / 100),
  });
  const volume = slider({
    name: "Volume", min: 0, max: 1, step: 0.01, value: transport.volume, show: percent,
    oninput: (value) => (transport.volume = value),
  });
  const place = h("p", { class: "place", "aria-hidden": "true" });

  root.append(play, place, loop, metronome,
    h("div", { class: "field tempo" },
      h("label", { class: "name", for: id, text: "Tempo" }), tempo),
    swing.root, volume.root);
  swing.root.classList.add("swing");
  volume.root.classList.add("volume");

  const show = () => {
    const { bpm } = transport;
    if (document.activeElement !== tempo || tempo.valueAsNumber !== bpm) {
      tempo.value = String(Math.round(bpm * 10) / 10);
    }
    if (Math.abs(swing.value - 100 * transport.swing) > 0.5) swing.value = 100 * transport.swing;
  };
  /** @param {boolean} playing */
  const face = (playing) => {
    play.replaceChildren(icon(playing ? "stop" : "play"));
    play.setAttribute("aria-label", playing ? "Stop" : "Play");
    play.title = `${playing ? "Stop" : "Play"} (P)`;
  };

  let frame = 0;
  const follow = () => {
    frame = requestAnimationFrame(follow);
    const text = placeName(transport.position, studio.groove);
    if (place.textContent !== text) place.textContent = text;
  };
  studio.on("playing", (playing) => {
    cancelAnimationFrame(frame);
    face(playing);
    if (playing) follow();
    else place.textContent = placeName(null, studio.groove);
  });
  studio.on("change", show);
  show();
  face(false);
  place.textContent = placeName(null, studio.groove);
  // So that the first press of Play need not wait.
  setTimeout(() => transport.load().catch((error) => studio.fail(error)), LEISURE_MS);
}

/**
 * "2.3" is bar 2, beat 3; a count-in counts down.
 * @param {number | null} position
 * @param {Groove} groove
 */
function placeName(position, groove) {
  const [bar, beat] = [stepsPerBar(groove), 16 / groove.meter[1]];
  const step = Math.floor(position ?? 0);
  if (step < 0) return `−${Math.ceil(-step / beat)}`;
  return `${Math.floor(step / bar) + 1}.${Math.floor((step % bar) / beat) + 1}`;
}

/**
 * @param {Parameters<typeof icon>[0]} name
 * @param {string} label
 * @param {() => boolean} flip gives what is so now
 */
function flag(name, label, flip) {
  const button = h("button", { type: "button", class: "plain", title: label, "aria-label": label,
    "aria-pressed": "false",
    onclick: () => button.setAttribute("aria-pressed", String(flip())) }, icon(name));
  return button;
}
