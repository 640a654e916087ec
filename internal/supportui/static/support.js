"use strict";

// The reader's own clock, beside the one that all of the staff share.
addEventListener("mouseover", (e) => {
  const at = e.target.closest?.("time[datetime]");
  if (at && !at.title) at.title = new Date(at.dateTime).toLocaleString();
});

// The summary goes into the clipboard; without this script the link opens it.
addEventListener("click", async (e) => {
  const link = e.target.closest?.("a.copy");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || !navigator.clipboard) return;
  e.preventDefault();
  const label = link.dataset.label ??= link.textContent;
  try {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(answer.status);
    await navigator.clipboard.writeText(await answer.text());
    link.textContent = "Copied";
    setTimeout(() => { link.textContent = label; }, 2000);
  } catch {
    location.assign(link.href);
  }
});
