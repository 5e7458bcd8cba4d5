// What changes while somebody looks. A region says what it shows, by data-live="runs schedules beat", has an hx-get
// and hx-trigger="live", and is fetched anew when that changes: at most once a second, and never under a hand.
"use strict";

(() => {
  const KINDS = { run: "runs", schedule: "schedules" };
  const STREAM = "/api/v1/events";
  const BEAT = 5000;
  const AGAIN = 5000;
  const SOON = 1000;
  const line = document.getElementById("live");
  const waiting = new Set();
  let source = null;
  let timer = null;

  const busy = (region) =>
    region.querySelector("dialog[open], .pick:checked, form[data-guard], :popover-open, .htmx-request") ||
    (region.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), select, textarea")) ||
    (!getSelection().isCollapsed && region.contains(getSelection().anchorNode));

  const refresh = () => {
    timer = null;
    for (const region of all("[data-live]")) {
      const shown = region.dataset.live.split(" ");
      if (shown.some((kind) => waiting.has(kind)) && !busy(region)) htmx.trigger(region, "live");
    }
    waiting.clear();
  };
  const soon = (...kinds) => {
    for (const kind of kinds) waiting.add(kind);
    timer ??= setTimeout(refresh, SOON);
  };

  const stale = (since) => {
    document.body.classList.toggle("stale", Boolean(since));
    if (!line) return;
    line.hidden = false;
    const at = since && since.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    line.textContent = since ? line.dataset.stale.replace("…", at) : line.dataset.fresh;
  };
  const open = () => {
    source = new EventSource(STREAM);
    source.onopen = () => {
      stale(null);
      soon("runs", "schedules"); // what changed since the page was made was told to nobody
    };
    source.onerror = () => {
      if (!document.body.classList.contains("stale")) stale(new Date());
      if (source && source.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || open(), AGAIN);
    };
    for (const [event, kind] of Object.entries(KINDS)) source.addEventListener(event, () => soon(kind));
    source.addEventListener("reset", () => soon("runs", "schedules", "beat"));
  };
  const close = () => {
    source?.close();
    source = null;
  };

  // A value that moved is marked where it is.
  const values = (region) => new Map(all("[data-value]", region).map((one) => [one.dataset.value, one.textContent]));
  let before = new Map();
  document.addEventListener("htmx:beforeSwap", (event) => { before = values(event.detail.target); });
  document.addEventListener("htmx:afterSettle", (event) => {
    for (const one of all("[data-value]", event.target)) {
      const old = before.get(one.dataset.value);
      if (old !== undefined && old !== one.textContent) one.classList.add("changed");
    }
  });

  // The clock goes on from the server's time, whatever this machine's says.
  const clock = document.querySelector(".clock time");
  const started = clock && Date.parse(clock.dateTime) - performance.now();
  const format = (options) => new Intl.DateTimeFormat(page.lang === "en" ? "en-GB" : "zh-CN", { timeZone: page.dataset.zone, ...options });
  const day = clock && format({ weekday: "short", day: "numeric", month: "short" });
  const hour = clock && format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const tick = () => {
    if (!clock || clock.dataset.local) return;
    const at = new Date(started + performance.now());
    const date = day.format(at).replace(",", "").replace("日周", "日 周");
    clock.textContent = `${date} ${hour.format(at)}`;
    clock.dateTime = at.toISOString();
    clock.title = `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  };

  if (!line) return; // nobody is signed in
  open();
  setInterval(tick, 1000);
  setInterval(() => document.hidden || soon("beat"), BEAT);
  document.addEventListener("visibilitychange", () => {
    close();
    if (document.hidden) return;
    open();
    soon("runs", "schedules", "beat");
  });
  addEventListener("pagehide", close);
})();
