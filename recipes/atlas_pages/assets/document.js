// On a narrow screen the contents are folded. A link to what is folded, or to its section, opens it.
"use strict";

const contents = document.querySelector(".contents details");
if (contents && matchMedia("(max-width: 65.99rem)").matches) contents.open = false;

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && (target.matches("details") ? target : target.closest("section")?.querySelector(":scope > details"));
  if (folded) folded.open = true;
}

addEventListener("hashchange", openTarget);
openTarget();
