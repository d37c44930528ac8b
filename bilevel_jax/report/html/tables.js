"use strict";
// Sorts a table by a column: the first click puts the best rows first, the next one reverses; undefined rows stay last.
(() => {
  const order = new Intl.Collator(undefined, { numeric: true });

  function sort(header) {
    const table = header.closest("table");
    const column = [...header.parentElement.children].indexOf(header);
    const better = header.dataset.better;
    const first = better === "down" || better === "text" ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = header.getAttribute("aria-sort") === first ? other : first;
    for (const cell of header.parentElement.children) {
      if (cell.hasAttribute("aria-sort")) cell.setAttribute("aria-sort", cell === header ? direction : "none");
    }
    const sign = direction === "ascending" ? 1 : -1;
    const key = (row) => row.children[column].dataset.value;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const left = key(a), right = key(b);
      if (left === undefined || right === undefined) return (left === undefined) - (right === undefined);
      return sign * (better === "text" ? order.compare(left, right) : Number(left) - Number(right));
    });
    table.tBodies[0].append(...rows);
  }

  for (const button of document.querySelectorAll("th[aria-sort] > button")) {
    button.addEventListener("click", () => sort(button.parentElement));
  }
})();
