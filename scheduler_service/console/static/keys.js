// The keyboard. An element with data-key="e" is what that letter does, in the row where j and k stand, or on the page.
"use strict";

(() => {
  const PLACES = { o: "/", s: "/schedules", r: "/runs", w: "/work/pipelines", y: "/system" };
  let chord = false;
  let from = null;

  const rows = () => all("main .grid tbody tr").filter((row) => row.querySelector("a, .pick"));
  const current = () => document.querySelector("tr.cursor");
  const typing = (target) => target.closest("input:not(.pick):not([type=checkbox]):not([type=radio]), select, textarea, [contenteditable]");

  const move = (by) => {
    const list = rows();
    const row = list[Math.min(Math.max(list.indexOf(current()) + by, 0), list.length - 1)];
    if (!row) return;
    current()?.classList.remove("cursor");
    row.classList.add("cursor");
    row.scrollIntoView({ block: "nearest" });
    row.querySelector(".pick, a")?.focus({ preventScroll: true });
  };
  const select = (range) => {
    const list = rows();
    const [row, begin] = [list.indexOf(current()), list.indexOf(from)];
    if (row < 0) return;
    const box = list[row].querySelector(".pick");
    if (!box) return;
    if (range && begin >= 0) {
      for (const one of list.slice(Math.min(begin, row), Math.max(begin, row) + 1)) one.querySelector(".pick").checked = true;
    } else box.checked = !box.checked;
    from = list[row];
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const press = (key) => {
    const selector = `[data-key="${CSS.escape(key)}"]`;
    const target = current()?.querySelector(selector) || document.querySelector(selector);
    target?.click();
    return Boolean(target);
  };
  const find = () => (document.querySelector("main .find input, main input[type=search]") || document.getElementById("find"))?.focus();

  const ACTS = {
    "/": find,
    j: () => move(1),
    k: () => move(-1),
    x: () => select(false),
    X: () => select(true),
    u: toggleZone,
    "?": () => document.getElementById("keys")?.showModal(),
    g: () => { chord = true; setTimeout(() => { chord = false; }, 1500); },
  };

  const escape = (target) => {
    if (document.querySelector("dialog[open]")) return;
    if (typing(target)) target.blur();
    else if (all(".pick:checked").length) {
      for (const box of all(".pick, .pick-all")) box.checked = false;
      countSelected();
    } else current()?.classList.remove("cursor");
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return escape(event.target);
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      const form = event.target.closest("form");
      if (form?.method === "post") form.requestSubmit();
      return undefined;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || page.dataset.keys === "off") return undefined;
    if (document.querySelector("dialog[open]")) return undefined;
    if (chord && PLACES[event.key]) {
      location.assign(PLACES[event.key]);
    } else if (event.key === "Enter") {
      if (!current() || event.target.closest("a, button, summary")) return undefined;
      current().querySelector("th a, td a")?.click();
    } else if (ACTS[event.key]) {
      ACTS[event.key]();
    } else if (!/^[a-z]$/.test(event.key) || !press(event.key)) {
      return undefined;
    }
    return event.preventDefault();
  });
})();
