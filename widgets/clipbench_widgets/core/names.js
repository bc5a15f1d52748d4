// Runs when its image has loaded; `this` is the image. Gives controls the names and values that a screen reader speaks:
// those that the page shows beside them.
const image = this;
const start = () => {
  const app = image.closest('.clipbench-app, .clipbench-page');
  if (!app || !image.isConnected) return void setTimeout(start, 50);  // the page is still being put together
  if (app.dataset.named) return;
  app.dataset.named = 'yes';
  const PICTURES = {'clipbench-monitor-matrix': 'Cosines of the first pairs: texts down, pictures across'};
  const set = (element, name, value) => { if (value && element.getAttribute(name) !== value) element.setAttribute(name, value); };
  const textIn = (element, selector) => element?.querySelector(selector)?.textContent.trim();
  const speak = () => {
    for (const handle of app.querySelectorAll('.noUi-handle, .ui-slider-handle')) {
      const slider = handle.closest('.widget-slider');
      set(handle, 'aria-label', textIn(slider, '.widget-label'));
      set(handle, 'aria-valuetext', textIn(slider, '.widget-readout'));
    }
    for (const field of app.querySelectorAll('input[type=color]')) {
      set(field, 'aria-label', textIn(field.closest('.widget-colorpicker'), '.widget-label'));
    }
    for (const [name, text] of Object.entries(PICTURES)) {
      for (const picture of app.querySelectorAll(`img.${name}`)) set(picture, 'alt', text);
    }
  };
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; speak(); });
  };
  new MutationObserver(later).observe(app, {childList: true, subtree: true, attributeFilter: ['aria-valuetext']});
  speak();
};
start();
