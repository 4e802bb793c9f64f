// A page of the report, or one that was sent alone, has no files beside it: figures that are missing and links that
// lead nowhere are not shown. In the head, before the first figure is asked for.
if (!/^(file|https?):$/.test(location.protocol)) document.documentElement.classList.add("alone");
addEventListener("error", ({ target }) => {
  if (target instanceof HTMLImageElement) target.closest("figure").hidden = true;
}, true);
