// Small conveniences. Every page works without them.

const root = document.documentElement;
const status = document.getElementById("status");

function say(text) {
  if (status) status.textContent = text;
}

// Theme ------------------------------------------------------------------

function isDark() {
  if (root.dataset.theme) return root.dataset.theme === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function label(button) {
  const text = isDark() ? "Use light colours" : "Use dark colours";
  button.setAttribute("aria-label", text);
  button.title = text;
}

function toggleTheme() {
  root.dataset.theme = isDark() ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // The choice then lasts for this page.
  }
  document.querySelectorAll("[data-theme-toggle]").forEach(label);
}

// Copying ----------------------------------------------------------------

async function copy(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    say("Copying is not allowed here. Select the text instead.");
    return;
  }
  button.classList.add("done");
  say("Copied.");
  setTimeout(() => button.classList.remove("done"), 1500);
}

// Wiring -----------------------------------------------------------------

function enhance(scope) {
  for (const button of scope.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    label(button);
  }
  for (const button of scope.querySelectorAll("[data-copy]")) button.hidden = false;
  const message = scope.querySelector("[data-focus]");
  if (message) {
    message.removeAttribute("data-focus"); // once: the next swap may be elsewhere
    message.focus();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (button?.dataset.copy !== undefined) copy(button);
  if (button?.dataset.themeToggle !== undefined) toggleTheme();
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const field = [...document.querySelectorAll('[data-key="/"]')].find((f) => f.checkVisibility());
    if (field) {
      event.preventDefault();
      field.focus();
    }
  }
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

// A swapped table says how many rows it now shows; its focus stays where it was,
// because sort and page links keep their ids.
document.addEventListener("htmx:after:swap", () => {
  enhance(document);
  const table = document.querySelector(".tablebox[data-count]");
  if (table) say(`${table.dataset.count} rows shown.`);
});

enhance(document);
