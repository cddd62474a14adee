// On a narrow screen the contents are folded, and a link to a command opens its options.
"use strict";

const contents = document.querySelector(".contents details");
if (contents && matchMedia("(max-width: 65.99rem)").matches) contents.open = false;

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const options = target && target.parentElement.querySelector(":scope > details");
  if (options) options.open = true;
}

addEventListener("hashchange", openTarget);
openTarget();
