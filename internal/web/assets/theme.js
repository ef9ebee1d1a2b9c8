// Runs before the first paint, so that a chosen theme does not flash. The choice
// stays in this browser; without one, the system's setting rules.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch {
    // Storage can be switched off. The page still follows the system.
  }
})();
