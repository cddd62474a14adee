// Copies the lines of a page.
"use strict";

// From disk, browsers refuse the clipboard: then the lines are selected, to be copied by hand.
async function copy(button) {
  const lines = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(lines.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(lines);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

for (const button of document.querySelectorAll(".copy button")) button.addEventListener("click", () => copy(button));
