// A word printed on a picture, as clipbench/data/alter/sticker.py lays it out; the browser draws the letters itself.

const LETTERS = 0.76, MARGIN = 0.2, WIDEST = 0.98;  // as there
const PAPER = 'rgb(252, 252, 250)', INK = 'rgb(20, 20, 25)';
export const SIDE = 384;  // pixels of the square that is written on

const fontOf = size => `${size}px "Sign"`;

/** The middle square of a picture with a paper on it. place: [x, y] of its centre; height: both as fractions. */
export function written(picture, word, height, place) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  const side = Math.min(picture.width, picture.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  const paper = paperFor(context, word, height * SIDE);
  const [left, top] = [paper.width, paper.height].map((extent, axis) =>
    Math.round(Math.min(Math.max(place[axis] * SIDE - extent / 2, 0), Math.max(0, SIDE - extent))));
  context.fillStyle = PAPER;
  context.fillRect(left, top, paper.width, paper.height);
  context.fillStyle = INK;
  context.font = fontOf(paper.size);
  context.textBaseline = 'alphabetic';
  context.fillText(word, left + MARGIN * paper.height, top + (paper.height - paper.letters) / 2 + paper.above);
  return canvas;
}

/** Measures of the paper in pixels; a word that is too long for the picture is printed smaller. */
function paperFor(context, word, height) {
  const {above, below, width} = measured(context, word, 100);
  const wide = lettersSize => width * lettersSize / 100;
  const sizeAt = h => LETTERS * h * 100 / (above + below);
  const widthAt = h => wide(sizeAt(h)) + 2 * MARGIN * h;
  const fitting = height * Math.min(1, WIDEST * SIDE / widthAt(height));
  const size = sizeAt(fitting);
  return {width: widthAt(fitting), height: fitting, size, letters: LETTERS * fitting, above: above * size / 100};
}

function measured(context, word, size) {
  context.font = fontOf(size);
  const {actualBoundingBoxAscent: above, actualBoundingBoxDescent: below} = context.measureText('Hg');
  return {above, below, width: context.measureText(word).width};
}
