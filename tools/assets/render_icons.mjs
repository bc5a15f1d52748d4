// Render SVG pictures to PNG: node render_icons.mjs NODE_MODULES JOBS.json OUT.bin FIRST
// Appends to OUT.bin, for each job from FIRST on, the length of its PNG (32 bits, little-endian) and
// the PNG; a picture that cannot be read has length 0. The renderer can abort the whole process; the
// caller then starts behind that job again.
import { appendFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const WIDTH = 160; // pixels; a sprite is 64

const [folder, jobsFile, out, first] = process.argv.slice(2);
const { Resvg } = createRequire(`${folder}/`)("@resvg/resvg-js");

function rendered(svg) {
  try {
    return new Resvg(svg, { fitTo: { mode: "width", value: WIDTH } }).render().asPng();
  } catch {
    return Buffer.alloc(0);
  }
}

for (const svg of JSON.parse(readFileSync(jobsFile, "utf-8")).slice(Number(first))) {
  const png = rendered(svg);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(png.length);
  appendFileSync(out, Buffer.concat([length, png]));
}
