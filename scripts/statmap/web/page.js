// A page that was sent alone, or that a report shows, has no files beside it: its links become text that says where they
// lead, in the folder of the results.
function standAlone() {
  document.documentElement.classList.add("alone");
  const here = new URL(document.documentElement.dataset.at ?? "", "file:///");
  for (const link of document.querySelectorAll("a[href]")) {
    const address = link.getAttribute("href");
    if (/^(#|\w+:)/.test(address)) continue;
    const where = decodeURIComponent(new URL(address, here).pathname.slice(1));
    const text = document.createElement("span");
    text.append(...link.childNodes);
    if (link.matches(".names")) text.append(` (${where})`);
    text.title = where;
    link.replaceWith(text);
  }
}

addEventListener("DOMContentLoaded", () => {
  if (!/^(file|https?):$/.test(location.protocol)) return standAlone();
  const figure = document.querySelector("figure > a"); // an image is what one can ask for beside a page on a disk
  if (figure) Object.assign(new Image(), { onerror: standAlone, src: figure.href });
});
