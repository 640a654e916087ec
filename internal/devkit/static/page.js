// The page works without this file. With it the list keeps itself up to date,
// the search answers while one types, and codes can be copied.
"use strict";

const find = (id, root = document) => root.getElementById(id);
const now = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

function ago(date) {
  const s = Math.round((Date.now() - date) / 1000);
  if (s < 5) return "just now";
  if (s < 60) return now.format(-s, "second");
  if (s < 3600) return now.format(-Math.floor(s / 60), "minute");
  if (s < 86400) return now.format(-Math.floor(s / 3600), "hour");
  return now.format(-Math.floor(s / 86400), "day");
}

function tellTimes() {
  for (const t of document.querySelectorAll("time")) t.textContent = ago(new Date(t.dateTime));
}

// merge leaves messages alone that are shown already: an open HTML view stays
// open and the focus stays where it is.
function merge(list, fresh) {
  const wanted = new Set([...fresh.children].map((li) => li.id));
  for (const li of [...list.children]) if (!wanted.has(li.id)) li.remove();
  let at = list.firstElementChild;
  for (const li of [...fresh.children]) {
    if (at && at.id === li.id) at = at.nextElementSibling;
    else list.insertBefore(li, at);
  }
}

// tellNews greets what has come since the last look; an older message that a
// wider search brings back is no news.
let newest = new Date().toISOString();
function tellNews(list) {
  const came = (li) => li.querySelector("time").dateTime;
  const news = [...list.children].filter((li) => came(li) > newest);
  if (news.length === 0) return;
  newest = came(news[0]);
  for (const li of news) li.classList.add("new");
  find("news").textContent = news[0].dataset.news;
}

async function look() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["states", "empty"]) find(id).replaceChildren(...find(id, fresh).childNodes);
  merge(find("messages"), find("messages", fresh));
  tellTimes();
  tellNews(find("messages"));
}

// One look at a time; what comes meanwhile asks for one more.
let looking = false, again = false;
async function refresh() {
  if (looking) { again = true; return; }
  looking = true;
  do { again = false; await look().catch(() => {}); } while (again);
  looking = false;
}

function listen() {
  const show = (state, text) => { find("live").hidden = false; find("live").dataset.state = state; find("live-text").textContent = text; };
  const events = new EventSource("/events");
  events.onopen = () => show("on", "live");
  events.onerror = () => show("off", "waiting for otpipe");
  events.onmessage = refresh;
}

find("to").addEventListener("input", (e) => {
  history.replaceState(null, "", e.target.value ? "/?to=" + encodeURIComponent(e.target.value) : "/");
  refresh();
});

document.addEventListener("click", async (e) => {
  const button = e.target.closest("[data-copy]");
  if (!button) return;
  const label = button.textContent;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
});

document.documentElement.classList.add("scripted");
tellTimes();
setInterval(tellTimes, 5000);
listen();
