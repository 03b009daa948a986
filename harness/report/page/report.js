"use strict";
// Tables are sorted by the column whose heading is pressed; pressed again, the other way around.
for (const table of document.querySelectorAll("table.grid")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => {
    const numeric = head.classList.contains("number");
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => {
        const cell = row.cells[at];
        return numeric ? Number(cell.dataset.sort ?? "-Infinity") : cell.textContent;
      };
      const compare = numeric ? (a, b) => value(a) - value(b)
        : (a, b) => value(a).localeCompare(value(b), "en", { numeric: true });
      const rows = [...body.rows].sort(compare);
      body.append(...(down ? rows.reverse() : rows));
    });
  });
}
// A link to something inside a folded part opens it; so does printing.
const unfold = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
};
addEventListener("hashchange", unfold);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
unfold();
