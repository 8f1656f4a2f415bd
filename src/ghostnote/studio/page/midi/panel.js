/** MIDI out to hardware or a DAW, and MIDI in for tapping. */

import { Problem } from "../engine/problem.js";
import { freshId, h } from "../shell/dom.js";
import { MidiOut, strikeOf } from "./out.js";

/** @import { Studio } from "../state/studio.js" */

const NONE = "This browser has no Web MIDI. Chrome, Edge and Firefox have it; the MIDI file under " +
  "“In and out” works everywhere.";

/**
 * @param {HTMLElement} root
 * @param {Studio} studio
 */
export function mount(root, studio) {
  root.append(h("h2", { text: "MIDI" }));
  if (!("requestMIDIAccess" in navigator)) {
    root.append(h("p", { class: "hint", text: NONE }));
    return;
  }
  const connect = h("button", { type: "button", text: "Connect MIDI" });
  const hint = h("p", { class: "hint", text:
    "Play hardware or a DAW on channel 10, in time with its clock, and tap on pads." });
  connect.addEventListener("click", async () => {
    try {
      const access = await navigator.requestMIDIAccess();
      connect.remove();
      hint.remove();
      root.append(ports(studio, access));
    } catch {
      studio.fail(new Problem({
        title: "No MIDI",
        detail: "The browser does not let this page use MIDI.",
        remedy: "Allow MIDI in the browser's settings of this page, and connect again.",
      }));
    }
  });
  root.append(hint, connect);
}

/**
 * @param {Studio} studio
 * @param {MIDIAccess} access
 */
function ports(studio, access) {
  const out = new MidiOut(studio.transport);
  /** @type {MIDIInput | null} */
  let heard = null;
  const outputs = h("select", { id: freshId() });
  const inputs = h("select", { id: freshId() });
  const struck = h("p", { class: "hint", role: "status" });

  /** @param {MIDIMessageEvent} event */
  function strike({ data, timeStamp }) {
    const strike = strikeOf(data);
    if (!strike) return;
    struck.textContent = `Heard note ${strike.pitch}, velocity ${Math.round(strike.velocity * 127)}.`;
    studio.emit("tap", { time: timeStamp, velocity: strike.velocity });
  }

  function choose() {
    out.port = access.outputs.get(outputs.value) ?? null;
    const input = access.inputs.get(inputs.value) ?? null;
    if (input === heard) return;
    heard?.removeEventListener("midimessage", strike);
    input?.addEventListener("midimessage", strike);
    // Without this, a port to which one listens by `addEventListener` need not open.
    void input?.open();
    heard = input;
  }

  function list() {
    fill(outputs, [...access.outputs.values()], "No output");
    fill(inputs, [...access.inputs.values()], "No input");
    choose();
  }

  outputs.addEventListener("change", choose);
  inputs.addEventListener("change", choose);
  access.addEventListener("statechange", list);
  list();
  const kit = studio.transport;
  return h("div", { class: "ports" },
    h("label", { class: "field", for: outputs.id }, h("span", { class: "name", text: "Output" }), outputs),
    check("Notes on channel 10", out.sendsNotes, (on) => { out.sendsNotes = on; }),
    check("Clock", out.sendsClock, (on) => { out.sendsClock = on; }),
    check("Sound of the page, too", kit.audible, (on) => { kit.audible = on; }),
    h("label", { class: "field", for: inputs.id }, h("span", { class: "name", text: "Input for tapping" }), inputs),
    struck);
}

/**
 * The ports that there are now; the chosen one stays chosen, or else the first is.
 *
 * @param {HTMLSelectElement} select
 * @param {MIDIPort[]} ports
 * @param {string} none
 */
function fill(select, ports, none) {
  const before = select.value;
  const present = ports.filter(({ state }) => state === "connected");
  const fresh = !select.options.length || (select.options.length === 1 && before === "");
  select.replaceChildren(
    new Option(none, ""),
    ...present.map(({ id, name }) => new Option(name ?? "Unnamed port", id)),
  );
  const stays = present.some(({ id }) => id === before);
  select.value = stays ? before : fresh && present[0] ? present[0].id : "";
}

/**
 * @param {string} text
 * @param {boolean} on
 * @param {(on: boolean) => void} set
 */
function check(text, on, set) {
  const box = h("input", { type: "checkbox" });
  box.checked = on;
  box.addEventListener("change", () => set(box.checked));
  return h("label", { class: "check" }, box, text);
}
