// The contents are folded on a narrow screen, a link to a block opens it, and lines are copied.
"use strict";

const contents = document.querySelector(".contents details");
if (contents && matchMedia("(max-width: 65.99rem)").matches) contents.open = false;

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const block = target && (target.matches("details") ? target : target.nextElementSibling);
  if (block && block.matches("details")) block.open = true;
}

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
addEventListener("hashchange", openTarget);
openTarget();
