// Copies the lines of a page.
"use strict";

function say(button, word) {
  button.ariaLabel = button.ariaLabel.replace(button.textContent, word);
  button.textContent = word;
}

// Some browsers refuse the clipboard to pages from disk: then the lines are selected, to be copied by hand.
async function copy(button) {
  const lines = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(lines.textContent);
    say(button, "Copied");
  } catch {
    getSelection().selectAllChildren(lines);
    say(button, document.execCommand("copy") ? "Copied" : "Selected");
  }
  setTimeout(() => say(button, "Copy"), 1500);
}

for (const button of document.querySelectorAll(".copy button")) button.addEventListener("click", () => copy(button));
