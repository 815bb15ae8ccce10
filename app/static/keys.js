// Single keys: / the box, j and k the rows, x a row's tick, p its preview, ? what they are. Shift-click ticks a range.

const rows = () => [...document.querySelectorAll("main table.cards tbody tr")];
const current = () => document.activeElement.closest("main table.cards tbody tr");
let ticked = null;

const ACTIONS = {
  "/": () => document.querySelector("#field-q")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  x: () => current()?.querySelector('input[type="checkbox"]')?.click(),
  p: () => preview(current()),
  "?": () => location.assign(document.querySelector("a[data-help]").href),
};

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]");
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
    const dialog = document.querySelector("dialog[open]");
    if (dialog) return event.key === "p" ? dialog.close() : undefined;
    const action = ACTIONS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.matches('main tbody input[type="checkbox"]')) return;
    const boxes = rows().map((row) => row.querySelector('input[type="checkbox"]'));
    const [from, to] = [boxes.indexOf(ticked), boxes.indexOf(event.target)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
    ticked = event.target;
  });
}

function step(by) {
  const all = rows();
  const place = all.indexOf(current());
  const next = all[place < 0 ? 0 : Math.min(Math.max(place + by, 0), all.length - 1)];
  next?.querySelector(".card-title a")?.focus();
}

function preview(row) {
  const small = row?.querySelector("img.thumb");
  if (!small) return;
  const dialog = document.createElement("dialog");
  const large = Object.assign(new Image(), { src: small.dataset.large ?? small.src, alt: small.alt, className: "picture" });
  const close = Object.assign(document.createElement("button"), { className: "button", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.ariaLabel = small.alt;
  dialog.append(large, close);
  document.body.append(dialog);
  dialog.showModal();
}
