// Counts down what the server has said; without it the forms work all the same.
'use strict';

function left(until) {
  const s = Math.ceil((until - Date.now()) / 1000);
  if (s <= 0) return '';
  return s < 100 ? `${s} s` : `${Math.floor(s / 60)} min ${s % 60} s`;
}

function tick() {
  for (const e of document.querySelectorAll('[data-until]')) {
    const text = left(Number(e.dataset.until));
    e.textContent = text && e.dataset.say + text;
  }
}

// What the backend said to the widget is shown too.
async function refresh() {
  const page = new DOMParser().parseFromString(await (await fetch('/demo')).text(), 'text/html');
  const said = document.getElementById('said');
  said.replaceChildren(...page.getElementById('said').childNodes);
  said.hidden = false;
  for (const t of document.querySelectorAll('[data-at]')) t.replaceWith(page.querySelector('[data-at]') ?? t);
}

for (const name of ['refused', 'resent']) document.addEventListener('otpipe-' + name, refresh);
tick();
setInterval(tick, 500);
