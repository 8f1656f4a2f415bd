// Loads a checkpoint with @magenta/music, by HTTP as a browser does, and says what comes out.
//
//   node magenta_music.js JOB.json RESULT.json
//
// The job names the installed `packages`, and a `folder` of a model that decodes `z` and encodes
// `inputs`, or of `tensors` alone, which TensorFlow.js reads; or `configs`, by name, of which
// converters of notes are made.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');
const {createRequire} = require('module');

const [jobFile, resultFile] = process.argv.slice(2);
const job = JSON.parse(fs.readFileSync(jobFile));
const load = createRequire(path.join(job.packages, 'package.json'));
// The copy of TensorFlow.js that @magenta/music itself computes with.
const tf = createRequire(load.resolve('@magenta/music/node/music_vae'))('@tensorflow/tfjs');

const {MusicVAE} = load('@magenta/music/node/music_vae');

async function tensors(url) {
  const manifest = await (await fetch(`${url}/weights_manifest.json`)).json();
  const found = Object.entries(await tf.io.loadWeights(manifest, url));
  return found.map(([name, tensor]) => {
    const {dtype, shape} = tensor;
    return {name, dtype, shape, values: Array.from(tensor.dataSync())};
  });
}

async function music(url) {
  const model = new MusicVAE(url);
  await model.initialize();
  const controlled = (controls) =>
      controls ? {extraControls: {hits: tf.tensor2d(controls)}} : undefined;

  const first = controlled(job.controls && job.controls[0]);
  // Without a temperature it takes the likeliest cell.
  const samples = await model.decodeTensors(tf.tensor2d(job.z), undefined, first);
  const sequences = await Promise.all(
      tf.unstack(samples).map((sample) => model.dataConverter.toNoteSequence(sample)));
  const mu = [];
  for (let i = 0; i < job.inputs.length; ++i) {
    const controls = controlled(job.controls && job.controls[i]);
    mu.push(...await (await model.encodeTensors(tf.tensor3d([job.inputs[i]]), controls)).array());
  }
  return {
    samples: await samples.array(),
    pitches: sequences.map(({notes}) => notes.map(({pitch}) => pitch)),
    mu,
  };
}

function converters() {
  return Object.fromEntries(Object.entries(job.configs).map(([name, config]) => {
    const model = new MusicVAE('', config);
    model.instantiateFromSpec();
    const {numSteps, pitchToClass, humanize, tapify} = model.dataConverter;
    return [name, {numSteps, voices: Array.from(pitchToClass), humanize, tapify}];
  }));
}

const server = http.createServer((request, response) => {
  fs.readFile(path.join(job.folder, decodeURIComponent(request.url)), (error, content) => {
    response.writeHead(error ? 404 : 200);
    response.end(content);
  });
});

server.listen(0, '127.0.0.1', async () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const result = await (job.configs ? converters() : job.tensors ? tensors(url) : music(url));
  fs.writeFileSync(resultFile, JSON.stringify(result));
  process.exit(0);
});
