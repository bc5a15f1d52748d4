// A model in the browser: two ONNX graphs, a tokenizer, and the vectors that were computed already.
import * as ort from './onnxruntime/ort.wasm.bundle.min.mjs';
import {normalised, pixelsOf, square} from './preprocess.js';
import {Tokenizer} from './tokenizer.js';

const bytes = async (file, told) => {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`${file} is missing on this server (${answer.status})`);
  const parts = [];
  for (const reader = answer.body.getReader(); ;) {
    const {done, value} = await reader.read();
    if (done) break;
    parts.push(value);
    told(value.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
};

/** Load what runs any model. told: called with the bytes that have arrived. */
export async function startRuntime(told = () => {}) {
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = 1;  // more need headers that few web hosts send
  ort.env.wasm.wasmBinary = await bytes('onnxruntime/ort-wasm-simd-threaded.wasm', told);
}

export class Model {
  /** about: an entry of site.json's models. */
  static async load(about, told = () => {}) {
    const [vocab, merges] = await Promise.all([
      fetch('vocab.json').then(answer => answer.json()),
      fetch('merges.txt').then(answer => answer.text()),
    ]);
    const lines = merges.split('\n').filter(line => line && !line.startsWith('#version'));
    const graphs = await Promise.all([about.imageFile, about.textFile].map(file => bytes(file, told)));
    const model = new Model();
    model.about = about;
    model.tokenizer = new Tokenizer(vocab, lines, about.contextLength);
    model.known = new Map();
    model.turn = Promise.resolve();
    [model.image, model.text] = [await ort.InferenceSession.create(graphs[0]), await ort.InferenceSession.create(graphs[1])];
    return model;
  }

  /** One computation at a time, as the runtime wants it. */
  run(session, name, tensor) {
    const answer = this.turn.then(() => session.run({[name]: tensor}));
    this.turn = answer.catch(() => {});
    return answer.then(found => found.features.data);
  }

  /** The unit vector of what a canvas shows. */
  ofPicture(canvas) {
    return this.ofPixels(pixelsOf(canvas));
  }

  ofPixels(pixels) {
    const {imageSize: size, mean, std} = this.about;
    const input = normalised(square(pixels, size), size, mean, std);
    return this.run(this.image, 'pictures', new ort.Tensor('float32', input, [1, 3, size, size]));
  }

  /** Unit vectors of texts; each text is read once. */
  async ofTexts(texts) {
    const fresh = [...new Set(texts)].filter(text => !this.known.has(text));
    if (fresh.length) (await this.read(fresh)).forEach((vector, row) => this.known.set(fresh[row], vector));
    return texts.map(text => this.known.get(text));
  }

  async read(texts) {
    const rows = texts.map(text => this.tokenizer.ids(text));
    const longest = Math.max(...rows.map(row => row.length));
    const ids = new BigInt64Array(rows.length * longest);  // padded with 0
    rows.forEach((row, number) => row.forEach((id, place) => { ids[number * longest + place] = BigInt(id); }));
    const found = await this.run(this.text, 'tokens', new ort.Tensor('int64', ids, [rows.length, longest]));
    const width = found.length / rows.length;
    return rows.map((_, number) => found.slice(number * width, (number + 1) * width));
  }
}

export const cosine = (one, other) => one.reduce((sum, value, place) => sum + value * other[place], 0);

export function softmax(values) {
  const most = Math.max(...values), shares = values.map(value => Math.exp(value - most));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map(share => share / total);
}
