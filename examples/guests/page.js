// The page of the guest book: it shows the list as it is, whoever writes it, and says when it cannot know.
// @ts-check

import { json, open } from './haret/index.js';
import { greetedPath, guestSchema, guestsPath, namespace } from './guest.js';

const haret = open({ urls: new URLSearchParams(location.search).getAll('node') });
const ns = haret.namespace(namespace);
const guests = ns.queue(guestsPath, json(guestSchema));
const list = guests.live();
const greeted = ns.counter(greetedPath).live();

const of = (selector) => document.querySelector(selector);
const form = of('form');

function render() {
  of('#state').textContent = haret.state;
  of('#greeted').textContent = String(greeted.state.value ?? 0);
  of('ul').className = list.state.status;
  of('ul').replaceChildren(
    ...(list.state.value ?? []).map(({ name, at }) => {
      const item = document.createElement('li');
      item.textContent = `${name}, ${new Date(at).toLocaleTimeString()}`;
      return item;
    }),
  );
}

haret.on('state', render);
list.subscribe(render);
greeted.subscribe(render);

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const name = new FormData(form).get('name');
  form.reset();
  try {
    await guests.push({ name, at: Date.now() });
    of('#problem').textContent = '';
  } catch (error) {
    const doubt = error.outcome === 'unknown' ? ' It may be in the book all the same.' : '';
    of('#problem').textContent = `${error.message}.${doubt}`;
  }
});
