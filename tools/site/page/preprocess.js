// Pictures to a model's input, as clipbench/preprocess.py does it: the same integers as Pillow's bicubic resize.

const BITS = 22;  // of the fractions in Pillow's fixed-point numbers
const REACH = 2;  // of the bicubic kernel, in pixels
const LONGEST = 1024;  // pixels; the browser makes larger pictures smaller first

function bicubic(x) {
  const a = -0.5, d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < REACH ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

/** For each pixel of a resized line: the first pixel it is made of, and the weights from there on. */
function weightsOf(from, to) {
  const step = from / to, stretch = Math.max(1, step), reach = REACH * stretch;
  return Array.from({length: to}, (_, place) => {
    const centre = (place + 0.5) * step;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = Array.from({length: end - first}, (_, k) => bicubic((k + first - centre + 0.5) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return {first, weights: weights.map(weight => fixed(weight / total))};
  });
}

const fixed = weight => Math.trunc(weight * 2 ** BITS + (weight < 0 ? -0.5 : 0.5));
const eightBits = sum => Math.min(255, Math.max(0, sum >> BITS));

/** One direction: `lines` lines, each `along` bytes from the next, of pixels that lie `apart` bytes from each other. */
function resizedAlong(image, lines, along, apart, from, to, out, outAlong, outApart) {
  weightsOf(from, to).forEach(({first, weights}, place) => {
    for (let line = 0; line < lines; line++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 1 << (BITS - 1), at = line * along + first * apart + channel;
        for (const weight of weights) { sum += image[at] * weight; at += apart; }
        out[line * outAlong + place * outApart + channel] = eightBits(sum);
      }
    }
  });
}

const across = ({data, width, height}, newWidth) => {
  const out = new Uint8Array(newWidth * height * 3);
  resizedAlong(data, height, width * 3, 3, width, newWidth, out, newWidth * 3, 3);
  return {data: out, width: newWidth, height};
};

const down = ({data, width, height}, newHeight) => {
  const out = new Uint8Array(width * newHeight * 3);
  resizedAlong(data, width, 3, width * 3, height, newHeight, out, 3, width * 3);
  return {data: out, width, height: newHeight};
};

/** Resize RGB pixels (height x width x 3) in the order of Pillow 13, which begins with the height of tall pictures. */
export function resized(image, newWidth, newHeight) {
  const {width, height} = image;
  if (newWidth === width) return newHeight === height ? image : down(image, newHeight);
  if (newHeight === height) return across(image, newWidth);
  const tall = height > 2 * width && newHeight < height && newWidth * height >= width * newHeight;
  return tall ? across(down(image, newHeight), newWidth) : down(across(image, newWidth), newHeight);
}

/** The shorter side becomes `size`, and the middle is cut out: RGB, size x size x 3. */
export function square(image, size) {
  const {width, height} = image;
  const whole = width <= height
    ? resized(image, size, Math.trunc(size * height / width))
    : resized(image, Math.trunc(size * width / height), size);
  const left = (whole.width - size) >> 1, top = (whole.height - size) >> 1;
  const out = new Uint8Array(size * size * 3);
  for (let row = 0; row < size; row++) {
    const at = ((row + top) * whole.width + left) * 3;
    out.set(whole.data.subarray(at, at + size * 3), row * size * 3);
  }
  return out;
}

/** Pixels from 0 to 255 (size x size x 3) to the model's input (3 x size x size). */
export function normalised(pixels, size, mean, std) {
  const plane = size * size, out = new Float32Array(3 * plane);
  for (let at = 0; at < plane; at++) {
    for (let channel = 0; channel < 3; channel++) {
      out[channel * plane + at] = (pixels[3 * at + channel] - 255 * mean[channel]) / (255 * std[channel]);
    }
  }
  return out;
}

/** A canvas with a picture on white, its longest side at most LONGEST. */
export async function canvasOf(blob) {
  const bitmap = await createImageBitmap(blob, {colorSpaceConversion: 'none'});
  const factor = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height].map(side => Math.max(1, Math.round(side * factor)));
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** What a canvas shows, without its fourth channel, which is opaque. */
export function pixelsOf(canvas) {
  const {width, height} = canvas;
  const four = canvas.getContext('2d', {willReadFrequently: true}).getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < four.length; from += 4, to += 3) {
    data[to] = four[from];
    data[to + 1] = four[from + 1];
    data[to + 2] = four[from + 2];
  }
  return {data, width, height};
}
