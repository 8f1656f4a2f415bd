// Calls functions of the page's modules under Node, and says what they gave.
//
//   node modules.js PAGE < JOB.json > RESULT.json
//
// The job is a list of [module, function, ...arguments]; bytes come and go as {"raw": [...]}.

import {readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const [page] = process.argv.slice(2);
const job = JSON.parse(readFileSync(0, 'utf-8'), (_, value) =>
  (value?.raw ? Uint8Array.from(value.raw) : value));

const results = [];
for (const [module, name, ...args] of job) {
  const loaded = await import(pathToFileURL(`${page}/${module}.js`).href);
  try {
    const found = loaded[name];
    results.push({value: plain(typeof found === 'function' ? found(...args) : found)});
  } catch (error) {
    results.push({error: `${error.message} ${error.remedy}`});
  }
}
process.stdout.write(JSON.stringify(results));

function plain(value) {
  return value instanceof Uint8Array ? {raw: Array.from(value)} : value;
}
