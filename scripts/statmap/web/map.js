document.addEventListener("click", async ({ target }) => {
  if (!target.matches("button.copy")) return;
  const parts = [...target.closest(".methods").querySelectorAll("p, li")].map((part) => part.innerText);
  try {
    await navigator.clipboard.writeText(parts.join("\n") + "\n");
    target.textContent = "copied";
  } catch { // no permission: what is selected can be copied by hand
    getSelection().selectAllChildren(target.closest(".methods"));
    target.textContent = "selected";
  }
});
