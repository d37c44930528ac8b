"use strict";
// The theme switch (system's setting, light, dark), the mark of the part in view in the navigation, and the copy button.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const icons = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
  let theme = "auto";
  // A browser may refuse storage to a page opened from disk.
  try { theme = localStorage.getItem("report-theme") || "auto"; } catch { /* the system's setting stays */ }

  function show() {
    if (!themes.includes(theme)) theme = "auto";
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    button.textContent = icons[theme];
    button.title = "Colours: " + theme;
  }
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem("report-theme", theme); } catch { /* the choice lasts until the page is closed */ }
    show();
  });
  show();

  const links = [...document.querySelectorAll("nav a")];
  const parts = links.map((link) => document.getElementById(link.hash.slice(1)));
  function place() {
    let here = 0;
    parts.forEach((part, i) => { if (part.getBoundingClientRect().top < 120) here = i; });
    links.forEach((link, i) => link.classList.toggle("here", i === here));
  }
  addEventListener("scroll", place, { passive: true });
  place();

  for (const copy of document.querySelectorAll(".copy")) {
    copy.addEventListener("click", () => {
      const source = copy.parentElement.querySelector("pre");
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      // Not every browser lets a page from disk write to the clipboard. The text stays selected, so that it can be copied.
      const done = () => { copy.textContent = "Copied"; };
      if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(done, () => {});
      else if (document.execCommand("copy")) done();
    });
  }
})();
