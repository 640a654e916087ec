// The page works without this file. With it a choice is shown at once, and the
// focus stays where it is.
"use strict";

const find = (id, root = document) => root.getElementById(id);
const form = find("choice");
let latest = 0;

async function show() {
  const mine = ++latest;
  const url = "/templates?" + new URLSearchParams(new FormData(form));
  const answer = await fetch(url);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!answer.ok || mine !== latest) return;
  const channels = find("channel", page), channel = channels.value;
  find("channel").replaceChildren(...channels.childNodes);
  find("channel").value = channel;
  find("preview").replaceChildren(...find("preview", page).childNodes);
  history.replaceState(null, "", url);
}

document.documentElement.classList.add("scripted");
form.addEventListener("change", show);
