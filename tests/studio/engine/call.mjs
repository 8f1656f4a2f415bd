// Calls functions of the engine's modules, and says what they gave.
//
//   node call.mjs ENGINE < CALLS.json > RESULTS.json
//
// The calls are a list of [module, function, ...arguments]; a function of a class is
// "Class.method", called on a new one made of the first argument, a list. Bytes are {"raw": [...]},
// arrays of numbers {"array": "float32", "values": [...]}.

import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const ARRAYS = { float32: Float32Array, float64: Float64Array };
const [engine] = process.argv.slice(2);
const calls = JSON.parse(readFileSync(0, "utf-8"), (_, value) => {
  if (value?.raw) return Uint8Array.from(value.raw);
  return value?.array ? ARRAYS[value.array].from(value.values) : value;
});

const results = [];
for (const [module, name, ...given] of calls) {
  const loaded = await import(pathToFileURL(path.join(engine, `${module}.js`)).href);
  const [owner, method] = name.split(".");
  if (method) {
    const [made, ...rest] = given;
    const one = new loaded[owner](...made);
    results.push(method === "draws" ? rest[0].map(([draw, ...how]) => one[draw](...how))
      : one[method](...rest));
  } else {
    results.push(loaded[name](...given));
  }
}
process.stdout.write(JSON.stringify(results, (_, value) => {
  if (value instanceof Uint8Array) return { raw: [...value] };
  return ArrayBuffer.isView(value) ? [...value] : value;
}));
