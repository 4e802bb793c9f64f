document.addEventListener("click", async ({ target }) => {
  if (!target.matches("button.copy")) return;
  const part = target.closest(".methods, details");
  const texts = part.querySelectorAll(":scope > .paste:not(ul), :scope > ul > li");
  try {
    await navigator.clipboard.writeText([...texts].map((text) => text.innerText).join("\n") + "\n");
    target.textContent = "copied";
  } catch { // no permission to copy: the text is selected, to be copied by hand
    getSelection().selectAllChildren(part);
    target.textContent = "selected";
  }
});
