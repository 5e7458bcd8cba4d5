// Tables of which rows are asked about in a dialog, and which are kept up to date without a row moving.
"use strict";

const rows = () => all("table[data-rows] tbody tr[data-row]");

// What a letter does to the row where j and k stand, one button or link does for all rows: it is told which.
document.addEventListener("click", (event) => {
  const shared = event.target.closest("[data-of-row]");
  if (!shared) return;
  const row = document.querySelector("tr.cursor");
  if (!row) event.stopImmediatePropagation(), event.preventDefault();
  else if (shared.tagName === "A") shared.href = row.dataset[shared.dataset.ofRow];
  else shared.value = row.dataset.row;
}, { capture: true });

// What a deed would do is asked in a dialog; the way out of the page's question closes it.
const ask = document.getElementById("ask");
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target !== ask || ask.open) return;
  ask.showModal();
  ask.querySelector("[autofocus]")?.focus();
});
document.addEventListener("click", (event) => {
  if (!ask || !event.target.closest("[data-close]")) return;
  event.preventDefault();
  ask.close();
});
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.dataset.busy) return;
  button.textContent = button.dataset.busy;
  setTimeout(() => { button.disabled = true; });
});

// A live answer changes the figures of the rows that are there, and neither their order nor what is selected.
const renew = (row, fresh) => {
  for (const cell of all("[data-cell]", fresh)) {
    const old = row.querySelector(`[data-cell="${cell.dataset.cell}"]`);
    if (!old || old.innerHTML === cell.innerHTML) continue;
    const isNew = old.textContent !== cell.textContent;
    old.className = cell.className;
    old.replaceChildren(...cell.childNodes);
    if (isNew) old.classList.add("changed");
  }
};
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, serverResponse, xhr } = event.detail;
  if (target?.id !== "list" || requestConfig.elt !== target || xhr.status !== 200) return;
  event.detail.shouldSwap = false;
  const fresh = new DOMParser().parseFromString(serverResponse, "text/html");
  for (const row of rows()) {
    const found = fresh.querySelector(`tr[data-row="${row.dataset.row}"]`);
    if (found) renew(row, found);
  }
});

// A file is read into the form, where it can be looked at before it is sent.
for (const place of all(".needs-script")) place.hidden = false;
for (const input of all("input[type=file][data-into]")) {
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    document.getElementById(input.dataset.into).value = await file.text();
    document.getElementById(input.dataset.format).value = file.name.endsWith(".json") ? "json" : "yaml";
  });
}
