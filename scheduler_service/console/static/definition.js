"use strict";
// The editor of definitions: a fault leads to its line. Without script it names the line.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-line]");
  const editor = document.getElementById("definition");
  if (!link || !editor) return;
  event.preventDefault();
  const lines = editor.value.split("\n");
  const line = Math.min(Number(link.dataset.line), lines.length);
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  editor.focus();
  editor.setSelectionRange(start, start + lines[line - 1].length);
  editor.scrollTop = (editor.scrollHeight / lines.length) * (line - 4);
});
