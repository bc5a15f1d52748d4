// Runs when its image has loaded; `this` is the image. Makes pictures smaller before they are sent: a photograph of a phone
// is larger than what Jupyter's connection lets through. The canvas also turns it upright, and lays it on white.
const image = this;
const LONGEST = 1024;  // pixels, the longest side
const MOST_BYTES = 8 << 20;  // of a file that is sent as it is; uploads.py has the same
const start = () => {
  const box = image.closest('.clipbench-upload-box');
  if (!box || !image.isConnected) return void setTimeout(start, 50);  // the page is still being put together
  if (box.dataset.shrinks) return;
  box.dataset.shrinks = 'yes';

  const decoded = file => new Promise(done => {
    const picture = new Image(), finish = found => { window.URL.revokeObjectURL(picture.src); done(found); };
    picture.onload = () => finish(picture);
    picture.onerror = () => finish(null);
    picture.src = window.URL.createObjectURL(file);  // here, URL alone is the document's address
  });
  const drawn = (picture, factor) => {
    const canvas = document.createElement('canvas'), context = canvas.getContext('2d');
    canvas.width = Math.max(1, Math.round(factor * picture.naturalWidth));
    canvas.height = Math.max(1, Math.round(factor * picture.naturalHeight));
    context.fillStyle = 'white';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise(done => canvas.toBlob(done, 'image/jpeg', 0.95));
  };
  const smaller = async file => {
    const picture = await decoded(file).catch(() => null);
    const factor = picture ? Math.min(1, LONGEST / Math.max(picture.naturalWidth, picture.naturalHeight)) : 1;
    if (factor === 1 && file.size <= MOST_BYTES) return file;
    const part = picture && await drawn(picture, factor);
    return new File([part || file.slice(0, MOST_BYTES + 1)], file.name);  // the kernel says what is wrong with such a part
  };

  const met = new WeakSet();
  const meet = field => {
    if (field.type !== 'file' || met.has(field)) return;
    met.add(field);
    let ready = false;
    field.addEventListener('change', async event => {
      if (ready) return void (ready = false);
      event.stopImmediatePropagation();
      const files = new DataTransfer();
      for (const file of [...field.files]) files.items.add(await smaller(file));
      field.files = files.files;
      ready = true;
      field.dispatchEvent(new Event('change'));
    }, true);
  };
  // ipywidgets 8 keeps its file field out of the document: it is met when the button clicks it
  let click;
  const isOfField = event => event.target.type === 'file';
  box.addEventListener('click', event => {
    if (isOfField(event)) return;
    click = HTMLInputElement.prototype.click;
    HTMLInputElement.prototype.click = function () { meet(this); click.call(this); };
  }, true);
  box.addEventListener('click', event => { if (!isOfField(event)) HTMLInputElement.prototype.click = click; });
};
start();
