/** Makes the studio, mounts its panels, and asks for the first loop. */

import * as create from "./create/panel.js";
import * as files from "./files/panel.js";
import * as grid from "./grid/panel.js";
import * as midi from "./midi/panel.js";
import * as space from "./space/panel.js";
import * as transport from "./transport/panel.js";
import * as tray from "./tray/panel.js";
import { makeEngine } from "./engine/choice.js";
import { mountNotices, mountProgress } from "./shell/notices.js";
import { mountShortcuts } from "./shell/shortcuts.js";
import { mountTools } from "./shell/tools.js";
import { Studio } from "./state/studio.js";

const PANELS = { grid, transport, create, space, tray, files, midi };

const studio = new Studio(await makeEngine(document.documentElement.dataset.engine));
mountNotices(studio);
mountProgress(studio.engine);
mountShortcuts(studio);
mountTools(studio);
for (const [name, panel] of Object.entries(PANELS)) {
  const root = document.querySelector(`[data-panel="${name}"]`);
  if (root instanceof HTMLElement) panel.mount(root, studio);
}
// For those who look under the bonnet, and for the tests.
Object.assign(window, { studio });
// A panel may have set a groove already, such as one that came in a link.
if (!studio.undoable) await create.first(studio);
document.documentElement.dataset.ready = "";
