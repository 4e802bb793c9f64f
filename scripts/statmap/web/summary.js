const rows = [...document.querySelectorAll("tr[data-find]")];
const words = document.getElementById("words"), warned = document.getElementById("warned");

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const text = row.dataset.find;
    row.hidden = (warned.checked && !row.classList.contains("warned")) || !wanted.every((word) => text.includes(word));
    shown += !row.hidden && "counts" in row.dataset;
  }
  const all = rows.filter((row) => "counts" in row.dataset).length;
  document.getElementById("shown").textContent = shown === all ? "" : `${shown} of ${all} rows`;
}

document.querySelector(".filter").addEventListener("input", filter);
document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
filter();
