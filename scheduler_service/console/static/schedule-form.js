// The form of a schedule: a pasted crontab line goes into all its fields, and a name that was found joins the chain.
"use strict";
(() => {
  const form = document.getElementById("edit");
  const tell = (field) => field.dispatchEvent(new Event("input", { bubbles: true }));

  const five = [...form.querySelectorAll(".cron .input")];
  const aliases = { "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *" };
  for (const field of five) {
    field.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text").trim();
      const parts = (aliases[text] ?? text).split(/\s+/);
      if (parts.length !== five.length) return;
      event.preventDefault();
      five.forEach((one, place) => { one.value = parts[place]; });
      tell(field);
    });
  }

  const find = document.getElementById("find-after"), add = document.getElementById("add-after"), after = document.getElementById("after");
  add.hidden = false;
  add.addEventListener("click", () => {
    const names = after.value.split("\n").filter(Boolean), name = find.value.trim();
    if (name && !names.includes(name)) after.value = [...names, name].join("\n");
    find.value = "";
    tell(after);
  });

  // What was filled in again, after a sign-in, is not what the server told of.
  const isFilledIn = [...form.elements].some((one) => one.type !== "hidden" && "defaultValue" in one && one.value !== one.defaultValue);
  if (isFilledIn) document.addEventListener("DOMContentLoaded", () => tell(form));
})();
