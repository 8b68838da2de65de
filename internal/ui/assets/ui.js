// Shows what has changed of a build: the part of the page that lives is asked for again, from this server and as the same page.
"use strict";
const every = 2000; // milliseconds
async function renew() {
  const live = document.querySelector("[data-live]");
  if (!live || document.hidden) return;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (answer.ok && next && next.innerHTML !== live.innerHTML && !live.contains(document.activeElement)) live.replaceChildren(...next.childNodes);
  } catch { /* the command has ended: the page stays as it was */ }
}
if (document.querySelector("[data-live]")) setInterval(renew, every);
