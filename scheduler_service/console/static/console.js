// What pages do beyond HTML. Every page works without it; nothing here is needed to read or to change something.
"use strict";

const page = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// The zone of this browser, for the server to write times in.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:" ? "; secure" : "";
document.cookie = `scheduler_own_zone=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;

// Dialogs hold the focus, as popovers do not; it returns to what opened them by itself.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[popovertarget]");
  const dialog = button && document.getElementById(button.getAttribute("popovertarget"));
  if (!dialog || dialog.tagName !== "DIALOG") return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else dialog.showModal();
});
document.addEventListener("click", (event) => {
  if (event.target.tagName === "DIALOG" && event.target.open) event.target.close();
});

// How many rows are selected, wherever that is said.
const countSelected = () => {
  const count = all(".pick:checked").length;
  for (const place of all("[data-selected]")) place.textContent = count.toLocaleString("en");
};
document.addEventListener("change", (event) => {
  if (event.target.matches(".pick-all")) for (const box of all(".pick")) box.checked = event.target.checked;
  if (event.target.matches(".pick, .pick-all")) countSelected();
});

// A second click does nothing while the first is on its way.
const SENDING_MS = 3000;
const sending = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (sending.has(form)) return event.preventDefault();
  sending.add(form);
  setTimeout(() => sending.delete(form), SENDING_MS);
});

// What is typed stays: leaving asks first, and a session that ended meanwhile loses nothing.
const DRAFT = "draft";
const typed = (form) => [...new FormData(form)].filter(([name, value]) => name !== "csrf_token" && typeof value === "string");
const said = (form) => JSON.stringify(typed(form));
const fill = (form, fields) => {
  for (const field of form.elements) {
    const values = fields.filter(([name]) => name === field.name).map(([, value]) => value);
    if (!field.name || field.name === "csrf_token" || field.type === "submit") continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
    else if (values.length) field.value = values[0];
  }
};
for (const form of all("form[data-guard]")) {
  let before = said(form);
  const kept = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
  if (kept && kept.signedIn && kept.path === location.pathname) {
    fill(form, kept.fields);
    sessionStorage.removeItem(DRAFT);
  }
  form.addEventListener("submit", () => {
    before = said(form);
    sessionStorage.setItem(DRAFT, JSON.stringify({ path: location.pathname, fields: typed(form) }));
  });
  addEventListener("beforeunload", (event) => {
    if (said(form) !== before) event.preventDefault();
  });
}
if (location.pathname === "/sign-in" && sessionStorage.getItem(DRAFT)) {
  sessionStorage.setItem(DRAFT, JSON.stringify({ ...JSON.parse(sessionStorage.getItem(DRAFT)), signedIn: true }));
}

// Times in UTC for those who cannot point at them.
const UTC = "utc";
const showZone = (within = document) => {
  const utc = sessionStorage.getItem(UTC) === "1";
  for (const time of all("time[title]", within)) {
    if (utc && !time.dataset.local) [time.dataset.local, time.textContent] = [time.textContent, time.title];
    else if (!utc && time.dataset.local) {
      time.textContent = time.dataset.local;
      delete time.dataset.local;
    }
  }
};
const toggleZone = () => {
  sessionStorage.setItem(UTC, sessionStorage.getItem(UTC) === "1" ? "0" : "1");
  showZone();
};
showZone();
document.addEventListener("htmx:afterSettle", (event) => showZone(event.target));

// A refusal is shown like any other answer.
document.addEventListener("htmx:beforeSwap", (event) => {
  if ([403, 409, 412, 422].includes(event.detail.xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// A toast goes by itself, unless somebody is about to use it.
for (const toast of all(".toast")) {
  setTimeout(() => toast.matches(":hover, :focus-within") || toast.remove(), 12000);
}
