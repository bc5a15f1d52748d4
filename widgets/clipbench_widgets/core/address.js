// Runs when its image has loaded; `this` is the image. Keeps the address of a page with a kernel of its own up to date.
const image = this;
const start = () => {
  const bar = image.closest('.clipbench-address');
  const heard = bar && bar.querySelector('.clipbench-address-heard input');
  const told = bar && bar.querySelector('.clipbench-address-told');
  const copy = bar && bar.querySelector('.clipbench-copy-link');
  const invite = bar && bar.querySelector('.clipbench-invite');
  if (!heard || !told || !copy || !invite || !image.isConnected) return void setTimeout(start, 50);  // the page is still being put together
  const settings = document.getElementById('jupyter-config-data');
  if (bar.dataset.started || !settings || !JSON.parse(settings.textContent).kernelId) return;
  bar.dataset.started = 'yes';
  bar.classList.add('clipbench-in-page');
  const says = image.parentElement.querySelector('[role=status]');
  const say = text => { says.textContent = text; setTimeout(() => { if (says.textContent === text) says.textContent = ''; }, 6000); };
  let place = '', asked = '';  // asked: the number of an address that is not answered yet
  const tell = what => {
    const number = `${Date.now()}`;
    heard.value = number + what;
    heard.dispatchEvent(new Event('input', {bubbles: true}));
    return number;
  };
  const send = end => { asked = tell(end || '#'); };
  new MutationObserver(() => {
    const now = told.querySelector('[data-end]');
    if (!now || (asked && now.dataset.answers !== asked)) return;  // said before the address has arrived
    const goes = !asked && now.dataset.place !== place;  // another place: the back button leads here
    history[goes ? 'pushState' : 'replaceState'](null, '', location.pathname + location.search + now.dataset.end);
    [place, asked] = [now.dataset.place, ''];
  }).observe(told, {childList: true, subtree: true});
  const byHand = () => {  // pages over plain http may not use the clipboard
    const field = document.createElement('textarea');
    field.value = location.href;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  };
  copy.addEventListener('click', async () => {
    let done = false;
    try { await navigator.clipboard.writeText(location.href); done = true; } catch (error) { done = byHand(); }
    say(done ? 'Link copied.' : 'Copy the address of this page.');
  });
  invite.addEventListener('click', () => tell('@' + location.origin + location.pathname));
  // `window`, because names are looked up in the image and the document first
  window.addEventListener('hashchange', event => send(event.newURL.replace(/^[^#]*/, '')));
  if (location.hash.length > 1) send(location.hash);
};
start();
