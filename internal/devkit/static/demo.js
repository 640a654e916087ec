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
  for (const b of document.querySelectorAll('button[data-from]')) b.disabled = left(Number(b.dataset.from)) !== '';
}

tick();
setInterval(tick, 500);
