// The engine's own worker under Node, which is dressed up as a worker of a browser.
//
//   node worker.mjs FOLDER < JOBS.json > RESULTS.json
//
// The folder is what `ghostnote studio --static` writes; the jobs are a list of {verb, request},
// of which one with `cancel` is called off as soon as it has been sent. Bytes come and go as
// {"raw": [...]}. Results are {value} or {problem}.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";

const HOST = "http://studio.test/";
const [folder] = process.argv.slice(2);
const jobs = JSON.parse(readFileSync(0, "utf-8"), (_, value) =>
  (value?.raw ? Uint8Array.from(value.raw) : value));

new Response(""); // loads what asks for Node's version, before it is hidden from onnxruntime
const { node, ...versions } = process.versions;
Object.defineProperty(process, "versions", { value: versions });
/** @type {any} */
const self = globalThis;
self.self = self;
self.importScripts = () => { throw new Error("modules have none"); };
self.location = new URL("engine/worker.js", HOST);

const TYPES = { ".wasm": "application/wasm", ".json": "application/json" };
self.fetch = async (url) => {
  const file = path.join(folder, new URL(url).pathname);
  try {
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    return new Response(await readFile(file), { headers: { "Content-Type": type } });
  } catch {
    return new Response("", { status: 404, statusText: "Not Found" });
  }
};

let hear;
self.addEventListener = (_, listener) => { hear = (data) => listener({ data }); };
const results = [];
let done = 0;
self.postMessage = (message) => {
  if ("progress" in message) return;
  results[message.id] = "problem" in message ? { problem: message.problem } : { value: message.value };
  if (++done < jobs.length) return;
  process.stdout.write(JSON.stringify(results, (_, value) =>
    (value instanceof Uint8Array ? { raw: [...value] } : value)), () => process.exit(0));
};

await import(pathToFileURL(path.join(folder, "engine", "worker.js")).href);
hear({ root: HOST });
jobs.forEach(({ verb, request, cancel }, id) => {
  hear({ id, verb, request });
  if (cancel) hear({ id, cancel: true });
});
