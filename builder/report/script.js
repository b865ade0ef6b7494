"use strict";
// The page can be read without this: it searches the rules, and closes what Escape should close.
const search = document.getElementById("search");
if (search) {
  const rows = [...document.querySelectorAll("#rules tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const found = document.getElementById("found");
  search.closest("[hidden]").hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !wanted.every((word) => texts[place].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    found.textContent = `${shown} of ${rows.length}`;
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && location.hash.startsWith("#cell-")) location.hash = "#confusions";
});
