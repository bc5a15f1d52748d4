// Runs when its image has loaded; `this` is the image. Sends places as fractions of the picture to two hidden fields.
const image = this;
const start = () => {
  const pointer = image.closest('.clipbench-pointer'), stage = pointer && pointer.parentElement;
  if (!stage || !image.isConnected) return void setTimeout(start, 50);  // the page is still being put together
  if (stage.dataset.pointed) return;
  stage.dataset.pointed = 'yes';
  stage.tabIndex = 0;
  stage.setAttribute('role', 'application');
  stage.setAttribute('aria-label', image.dataset.label);
  const channel = name => pointer.querySelector('.clipbench-' + name + '-channel input');
  const send = (name, message) => {
    const field = channel(name);
    field.value = JSON.stringify(message);
    field.dispatchEvent(new Event('input', {bubbles: true}));
  };
  let recent = [], last = 0;
  const act = action => {
    last = Math.max(last + 1, Date.now());
    recent = [...recent.slice(-7), {n: last, ...action}];
    while (JSON.stringify(recent).length > 150000) recent.shift();
    send('action', recent);
  };
  const hover = at => send('hover', {n: Date.now(), at});  // a number, because a field sends nothing twice
  const place = event => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map(n => +n.toFixed(4));
  };
  const held = event => event.shiftKey || event.ctrlKey || event.metaKey;
  const path = pointer.querySelector('svg path');
  let down = null, corners = [], waiting = null;

  const outline = () => {
    const [a, b] = [corners[0], corners[corners.length - 1]];
    return stage.classList.contains('clipbench-drags-box') ? [a, [b[0], a[1]], b, [a[0], b[1]]] : corners;
  };
  const far = event => down && Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) > 4;
  const end = () => { down = null; corners = []; path.setAttribute('d', ''); };

  stage.addEventListener('pointerdown', event => {
    if (event.button !== 0) return;
    down = event;
    corners = [place(event)];
    stage.setPointerCapture(event.pointerId);
    stage.focus({preventScroll: true});
    event.preventDefault();
  });
  stage.addEventListener('pointermove', event => {
    if (!down) {
      if (waiting === null) requestAnimationFrame(() => { if (waiting) hover(waiting); waiting = null; });
      waiting = place(event);
      return;
    }
    if (corners.length > 1 || far(event)) {
      if (corners.length < 1500) corners.push(place(event));
      path.setAttribute('d', 'M' + outline().map(corner => corner.join(' ')).join('L') + 'Z');
    }
  });
  stage.addEventListener('pointerup', event => {
    if (!down) return;
    if (corners.length > 2) act({kind: 'outline', corners: outline(), add: held(event)});
    else act({kind: 'click', at: place(event), add: held(event)});
    end();
  });
  stage.addEventListener('pointercancel', end);
  stage.addEventListener('pointerleave', () => { waiting = null; if (!down) hover(null); });
  stage.addEventListener('blur', () => hover(null));
  stage.addEventListener('dblclick', event => act({kind: 'zoom', at: place(event), factor: event.shiftKey ? 2 : 0.5}));
  stage.addEventListener('wheel', event => {
    if (!event.ctrlKey && !event.metaKey) return;  // without a key the wheel scrolls the page
    event.preventDefault();
    act({kind: 'zoom', at: place(event), factor: event.deltaY > 0 ? 1.25 : 0.8});
  }, {passive: false});
  stage.addEventListener('keydown', event => {
    const known = /^(Arrow(Left|Right|Up|Down)|Enter|Escape|[-+0])$/.test(event.key);
    if (!known || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // JupyterLab has keys of its own
    act({kind: 'key', key: event.key});
  });
};
start();
