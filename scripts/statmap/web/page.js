// A page that was sent alone, or that a report shows, has no files beside it: each of its links becomes text that names
// its target in the results folder.
const linksToFiles = () => (
  [...document.querySelectorAll("a[href]")].filter((link) => !/^(#|\w+:)/.test(link.getAttribute("href"))));

function standAlone() {
  document.documentElement.classList.add("alone");
  const here = new URL(document.documentElement.dataset.at ?? "", "file:///");
  for (const link of linksToFiles()) {
    const address = link.getAttribute("href");
    const where = decodeURIComponent(new URL(address, here).pathname.slice(1));
    const text = document.createElement("span");
    text.append(...link.childNodes);
    if (link.matches(".names")) text.append(` (${where})`);
    text.title = where;
    link.replaceWith(text);
  }
}

// Whether a file exists. A page opened from disk can load images and scripts only, so another page is loaded as a script;
// the syntax error that follows is hidden.
function isThere(link) {
  if (location.protocol !== "file:") return fetch(link.href, { method: "HEAD" }).then(({ ok }) => ok, () => false);
  const probe = link.matches("figure > a") ? new Image() : document.createElement("script");
  const hide = (event) => event.filename !== location.href.split("#")[0] && event.preventDefault();
  addEventListener("error", hide);
  return new Promise((resolve) => {
    Object.assign(probe, { onload: () => resolve(true), onerror: () => resolve(false), src: link.href });
    if (probe.matches("script")) document.head.append(probe);
  }).finally(() => {
    removeEventListener("error", hide);
    probe.remove();
  });
}

addEventListener("DOMContentLoaded", async () => {
  const link = document.querySelector("figure > a") ?? linksToFiles()[0];
  if (!/^(file|https?):$/.test(location.protocol) || (link && !await isThere(link))) standAlone();
});
