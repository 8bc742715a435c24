// Before anything is drawn: the colours that the reader chose here. Without a choice the system's hold.
(() => {
  "use strict";
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* no storage, no memory */ }
})();
