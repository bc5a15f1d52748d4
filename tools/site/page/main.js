// The page: what is chosen and written (`state`, also in the address), what the model says of it, and how that is drawn.
import {Model, cosine, softmax, startRuntime} from './model.js';
import {canvasOf} from './preprocess.js';
import {written} from './sign.js';

const MOST_TEXTS = 200;
const $ = id => document.getElementById(id);
const site = await fetch('site.json').then(answer => answer.json());
const pictures = new Map();  // name -> canvas
const models = new Map();  // name -> promise of a Model
const vectors = new WeakMap();  // canvas -> Map from a model's name to a promise of its vector
let state = fromAddress(location.hash) || {...site.tries[0].state};

// -------------------- the address

function fromAddress(hash) {
  const said = new URLSearchParams(hash.slice(1));
  if (![...said.keys()].length) return null;
  const read = {...site.tries[0].state, word: ''};
  for (const [name, value] of said) {
    if (name === 'x' || name === 'y') read.place = name === 'x' ? [bounded(value), read.place[1]] : [read.place[0], bounded(value)];
    else if (typeof read[name] === 'number') read[name] = Number.isFinite(+value) ? +value : read[name];
    else if (name in read) read[name] = value.slice(0, 20000);
  }
  if (!site.models.some(each => each.name === read.model)) read.model = site.models[0].name;
  if (!site.pictures.some(each => each.name === read.picture)) read.picture = site.pictures[0].name;
  if (!site.templates.includes(read.template)) read.template = site.templates[0];
  return read;
}

function bounded(value) {
  return Math.min(1, Math.max(0, +value || 0));
}

function toAddress() {
  const {place: [x, y], ...rest} = state;
  const own = !site.pictures.some(each => each.name === state.picture);
  const said = new URLSearchParams({...rest, ...(own ? {picture: site.pictures[0].name} : {}), x: x.toFixed(2), y: y.toFixed(2)});
  history.replaceState(null, '', `#${said}`);
}

// -------------------- pictures

async function pictureNamed(name) {
  if (!pictures.has(name)) {
    const {file} = site.pictures.find(each => each.name === name);
    pictures.set(name, await canvasOf(await fetch(file).then(answer => answer.blob())));
  }
  return pictures.get(name);
}

async function takeOwn(file) {
  const note = $('own-note');
  note.hidden = false;
  try {
    pictures.set(file.name, await canvasOf(file));
  } catch {
    note.textContent = `${file.name} cannot be read as a picture; give a JPEG or a PNG.`;
    return;
  }
  note.textContent = `${file.name}: this model has seen drawn scenes only. Whatever it says of a photograph is a guess.`;
  change({picture: file.name});
}

// -------------------- what the model says

function vectorOf(model, canvas) {
  if (!vectors.has(canvas)) vectors.set(canvas, new Map());
  const known = vectors.get(canvas), {name} = model.about;
  if (!known.has(name)) known.set(name, model.ofPicture(canvas));
  return known.get(name);
}

function textsOf(text) {
  const lines = text.split('\n').map(line => line.trim().replace(/\s+/g, ' ')).filter(Boolean);
  return [...new Set(lines)].slice(0, MOST_TEXTS);
}

const insideOf = text => text.replace(/^(a|an|the) /i, '');
/** "a cat" within "a photo of a {}." is not doubled. */
const filled = (template, text) => template.replace('{}', / (a|an) \{\}/.test(template) ? insideOf(text) : text);

function controlFor(word, texts) {
  const taken = new Set([word, ...texts].map(each => each.toLowerCase()));
  const away = other => Math.abs(other.length - word.length);
  return site.controlWords.filter(other => !taken.has(other)).reduce((best, other) => (away(other) < away(best) ? other : best));
}

/** Rows of a text with its shares before, after and with the control word, and its cosine. */
async function ask(now) {
  const [model, picture] = await Promise.all([modelNamed(now.model), pictureNamed(now.picture)]);
  const texts = textsOf(now.texts), word = now.word.trim(), control = controlFor(word, texts);
  const shown = word ? written(picture, word, now.height, now.place) : picture;
  const looked = word ? [picture, shown, written(picture, control, now.height, now.place)] : [picture];
  const read = texts.map(text => filled(now.template, text));
  const about = await model.ofTexts(read);
  const seen = await Promise.all(looked.map(canvas => vectorOf(model, canvas)));
  const scale = model.about.scale * 10 ** now.scale;
  const cosines = seen.map(vector => about.map(other => cosine(vector, other)));
  const shares = cosines.map(row => (row.length ? softmax(row.map(value => scale * value)) : []));
  const last = word ? 1 : 0;
  return {
    model, shown, word, control, scale,
    cut: read.filter(text => model.tokenizer.isCut(text)).length,
    rows: texts.map((text, n) => ({
      text, cosine: cosines[last][n], share: shares[last][n],
      before: shares[0][n], control: word ? shares[2][n] : shares[0][n],
    })),
  };
}

const best = (rows, when) => rows.reduce((most, row) => (row[when] > most[when] ? row : most));

/** What the words say of the verdict: [flipped, headline, explanation]. */
function judged({rows, word, control}) {
  if (!rows.length) return [false, 'Write a text.', 'The model can only choose among texts.'];
  if (rows.length === 1) return [false, rows[0].text, 'One text has 100 % of any picture. Write another.'];
  const [after, before, aside] = ['share', 'before', 'control'].map(when => best(rows, when));
  if (!word) return [false, `${after.text}, ${percent(after.share)}`, `the most probable of ${rows.length} texts`];
  const aims = after.text.toLowerCase() === word.toLowerCase(), flips = after !== before;
  const headline = flips ? `The verdict flips: ${before.text} → ${after.text}` : `The verdict stays: ${before.text}`;
  return [flips, headline, because(flips, aims, aside !== before, aside === after, control)];
}

function because(flips, aims, controlFlips, sameAsControl, control) {
  const other = `the word “${control}”, which means nothing,`;
  if (flips && aims && sameAsControl) return `But ${other} leads to the same: the paper counts, not what it says.`;
  if (flips && aims) return `The model reads: ${other} does not have this effect.`;
  if (flips && controlFlips) return `But ${other} changes the verdict too: the paper hides the picture.`;
  if (flips) return `Not to the written word, though; ${other} leaves the verdict as it was.`;
  return controlFlips ? `Only ${other} changes it.` : `Neither this word nor ${other} changes it.`;
}

// -------------------- drawing

function percent(share) {
  if (share > 0 && share < 0.001) return '<0.1 %';
  if (share > 0.999 && share < 1) return '>99.9 %';
  return `${(100 * share).toFixed(1)} %`;
}

const signed = value => value.toFixed(3).replace(/^-(?=0\.000)/, '').replace('-', '−');

function element(name, about = {}, ...children) {
  const made = Object.assign(document.createElement(name), about);
  made.append(...children);
  return made;
}

function drawRow(row, word) {
  const bar = element('div', {className: 'bar'}, element('u'));
  bar.firstChild.style.width = `${100 * row.share}%`;
  if (word) {
    bar.append(element('s', {title: `without the word: ${percent(row.before)}`}));
    bar.lastChild.style.left = `${100 * row.before}%`;
  }
  return element('li', {}, element('span', {textContent: row.text, dir: 'auto'}), bar,
    element('b', {textContent: percent(row.share)}), element('i', {textContent: signed(row.cosine)}));
}

function draw(answer) {
  const {rows, word, shown, scale, cut, model} = answer;
  const [flipped, headline, why] = judged(answer);
  $('headline').textContent = headline;
  $('because').textContent = why;
  $('verdict').classList.toggle('flipped', flipped);
  $('rows').replaceChildren(...[...rows].sort((one, other) => other.share - one.share).map(row => drawRow(row, word)));
  $('key').textContent = `Bars: probability, softmax of ${scale.toPrecision(3)} × cosine (right).${word ? ' Orange mark: without the word.' : ''}`;
  $('remark').textContent = cut ? `${cut} of the texts ${cut === 1 ? 'is' : 'are'} longer than the ${model.about.contextLength} tokens the model reads; the rest is ignored.` : '';
  $('about').textContent = model.about.about;
  $('loading').hidden = true;
  drawPicture(shown, word);
  $('trouble').hidden = true;
}

function drawLoading(arrived, total, title) {
  $('headline').textContent = 'Loading the model …';
  $('because').textContent = `${title}: ${(arrived / 1e6).toFixed(0)} of ${(total / 1e6).toFixed(0)} MB`;
  $('verdict').classList.remove('flipped');
  $('loading').hidden = false;
  $('loading').value = arrived / total;
}

function drawPicture(shown, word) {
  const canvas = $('picture'), side = canvas.width, context = canvas.getContext('2d');
  const factor = side / Math.max(shown.width, shown.height), [wide, high] = [shown.width * factor, shown.height * factor];
  context.clearRect(0, 0, side, side);
  context.imageSmoothingQuality = 'high';
  context.drawImage(shown, (side - wide) / 2, (side - high) / 2, wide, high);
  canvas.setAttribute('aria-label', word ? `${state.picture}, with the word ${word} on it; arrow keys move it` : state.picture);
  canvas.setAttribute('role', word ? 'application' : 'img');
  canvas.classList.toggle('movable', Boolean(word));
}

function drawControls() {
  for (const name of ['word', 'texts', 'template', 'model', 'height', 'scale']) {
    if ($(name).value !== String(state[name])) $(name).value = state[name];
  }
  for (const button of document.querySelectorAll('.strip button')) {
    const chosen = button.dataset.name === state.picture;
    button.setAttribute('aria-checked', chosen);
    button.tabIndex = chosen ? 0 : -1;
  }
  const {scale} = site.models.find(each => each.name === state.model), factor = 10 ** state.scale;
  speak('height', `${Math.round(100 * state.height)} % of the picture`);
  speak('scale', `${(scale * factor).toPrecision(3)}${state.scale ? ` (own scale × ${factor.toPrecision(2)})` : ' (the model’s own)'}`);
}

function speak(name, text) {
  $(`${name}-shown`).textContent = text;
  $(name).setAttribute('aria-valuetext', text);
}

// -------------------- one change after the other

let asking = false, again = false;

async function update() {
  again = true;
  $('app').setAttribute('aria-busy', 'true');
  if (asking) return;
  asking = true;
  while (again) {
    again = false;
    try {
      const asked = ask({...state});
      showLoading();
      draw(await asked);
    } catch (error) {
      fail(error);
    }
  }
  asking = false;
  $('app').setAttribute('aria-busy', 'false');
}

function change(parts) {
  state = {...state, ...parts};
  drawControls();
  toAddress();
  update();
}

function fail(error) {
  $('headline').textContent = 'No answer';
  $('because').textContent = '';
  $('loading').hidden = true;
  $('trouble').hidden = false;
  $('trouble').textContent = `This does not work here: ${error.message}`;
}

// -------------------- loading

const progress = new Map();  // name of a model -> bytes [arrived, expected]
let runtime = null;

function modelNamed(name) {
  if (!models.has(name)) models.set(name, loaded(site.models.find(each => each.name === name)));
  return models.get(name);
}

async function loaded(about) {
  progress.set(about.name, [0, about.bytes + (runtime ? 0 : site.runtimeBytes)]);
  const told = count => {
    progress.get(about.name)[0] += count;
    if (state.model === about.name) showLoading();
  };
  runtime ||= startRuntime(told);
  await runtime;
  const model = await Model.load(about, told);
  progress.delete(about.name);
  return model;
}

/** Say how far the chosen model is, while it is not there yet. */
function showLoading() {
  const {name, title} = site.models.find(each => each.name === state.model);
  if (progress.has(name)) drawLoading(...progress.get(name), title);
  else $('loading').hidden = true;
}

// -------------------- controls

function fill() {
  $('template').append(...site.templates.map(each => element('option', {value: each, textContent: each === '{}' ? 'as written' : each})));
  $('model').append(...site.models.map(each => element('option', {value: each.name, textContent: each.title})));
  document.querySelector('.tries').append(...site.tries.map(each =>
    element('button', {type: 'button', textContent: each.title, onclick: () => change(each.state)})));
  document.querySelector('.strip').append(...site.pictures.map(({name, file}) => {
    const button = element('button', {type: 'button', onclick: () => change({picture: name})}, element('img', {src: file, alt: name}));
    button.setAttribute('role', 'radio');
    button.dataset.name = name;
    return button;
  }));
  $('links').append(...site.links.flatMap(({title, address}) => [element('a', {href: address, textContent: title}), ' · ']));
}

function connect() {
  for (const name of ['word', 'texts']) $(name).addEventListener('input', event => change({[name]: event.target.value}));
  for (const name of ['template', 'model']) $(name).addEventListener('change', event => change({[name]: event.target.value}));
  for (const name of ['height', 'scale']) $(name).addEventListener('input', event => change({[name]: +event.target.value}));
  $('own').addEventListener('change', event => event.target.files[0] && takeOwn(event.target.files[0]));
  document.querySelector('.strip').addEventListener('keydown', event => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const at = site.pictures.findIndex(each => each.name === state.picture), count = site.pictures.length;
    change({picture: site.pictures[(Math.max(at, 0) + step + count) % count].name});
    document.querySelector('.strip [aria-checked=true]').focus();
  });
  addEventListener('dragover', event => event.preventDefault());
  addEventListener('drop', event => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) takeOwn(event.dataTransfer.files[0]);
  });
  addEventListener('hashchange', () => { const said = fromAddress(location.hash); if (said) change(said); });
  $('copy').addEventListener('click', copyLink);
  connectSign();
}

function connectSign() {
  const canvas = $('picture');
  const move = event => {
    const box = canvas.getBoundingClientRect();
    change({place: [bounded((event.clientX - box.left) / box.width), bounded((event.clientY - box.top) / box.height)]});
  };
  canvas.addEventListener('pointerdown', event => { if (state.word.trim()) { canvas.setPointerCapture(event.pointerId); move(event); } });
  canvas.addEventListener('pointermove', event => { if (canvas.hasPointerCapture(event.pointerId)) move(event); });
  canvas.addEventListener('keydown', event => {
    const step = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]}[event.key];
    if (!step || !state.word.trim()) return;
    event.preventDefault();
    change({place: state.place.map((value, axis) => bounded(value + 0.02 * step[axis]))});
  });
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    $('told').textContent = 'Link copied.';
  } catch {
    $('told').textContent = 'Copy the address of this page.';
  }
  setTimeout(() => { $('told').textContent = ''; }, 5000);
}

function connectTheme() {
  const root = document.documentElement, system = matchMedia('(prefers-color-scheme: dark)');
  const dark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const show = () => { $('theme').textContent = dark() ? 'Light' : 'Dark'; };
  $('theme').addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; show(); });
  system.addEventListener('change', show);
  show();
}

fill();
connect();
connectTheme();
drawControls();
await new FontFace('Sign', 'url(DejaVuSansCondensed-Bold.ttf)').load().then(font => document.fonts.add(font)).catch(fail);
await update();
navigator.serviceWorker?.register('offline.js').catch(() => {});  // the page works without it
for (const each of site.models) modelNamed(each.name).catch(fail);
