// Comforts for pages that work without them.
import "./cart.js";
import { listenToKeys } from "./keys.js";
import { swapPages } from "./swap.js";

// Done for the page as it comes, and again for each `main` that takes the old one's place.
function enhance(root) {
  // <input data-filter-table="#id">: show only the rows of that table that contain what is typed.
  for (const input of root.querySelectorAll("input[data-filter-table]")) {
    const rows = [...document.querySelectorAll(`${input.dataset.filterTable} tbody tr`)];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      rows.forEach((row, index) => (row.hidden = !texts[index].includes(wanted)));
    });
  }

  // <form method="get" data-skip-blank>: keep what is left blank out of the address.
  for (const form of root.querySelectorAll("form[data-skip-blank]")) {
    form.addEventListener("formdata", ({ formData }) => {
      for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
    });
  }

  // <span data-copy="name">, <pre data-copy>: a button beside it copies its text, or selects it where that is not allowed.
  for (const text of root.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button button-quiet copy", textContent: "Copy" });
    const name = document.getElementById(text.getAttribute("aria-labelledby"))?.textContent ?? text.textContent.trim();
    button.ariaLabel = `Copy ${text.dataset.copy || name}`;
    button.addEventListener("click", () => copy(button, text.textContent.trim().replaceAll("−", "-"), text));
    text.after(button);
  }

  // <button hidden data-copy-rows="#id">: copy all rows of that table, as name = value.
  for (const button of root.querySelectorAll("button[data-copy-rows]")) {
    const table = document.querySelector(button.dataset.copyRows);
    const lines = [...table.tBodies[0].rows].map(({ cells: [name, value] }) => `${name.textContent.padEnd(8)} = ${value.firstElementChild.textContent}`);
    button.hidden = false;
    button.addEventListener("click", () => copy(button, `${lines.join("\n")}\n`, table));
  }

  // <button hidden data-aladin="address">: the sky map, to be moved about.
  for (const button of root.querySelectorAll("button[data-aladin]")) {
    button.hidden = false;
    button.addEventListener("click", () => import("./sky.js").then(({ explore }) => explore(button)));
  }

  // <div data-look="address">: the picture's pixels, with their values.
  for (const part of root.querySelectorAll("[data-look]")) import("./quicklook.js").then(({ offerQuickLook }) => offerQuickLook(part));
}

async function copy(button, text, place) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(place);
    return;
  }
  document.querySelector("#announcement").textContent = "Copied.";
  button.textContent = "Copied";
}

// The larger previews, once somebody comes to a table that may have some.
for (const kind of ["pointerover", "focusin"])
  document.addEventListener(kind, function come(event) {
    if (!event.target.closest("main table.cards")) return;
    document.removeEventListener(kind, come);
    import("./peek.js").then(({ listenForPeeks }) => listenForPeeks(kind, event));
  });

// <div hidden><input type="checkbox" data-reload-every-s="5"></div>: reload the page as long as it is ticked.
for (const box of document.querySelectorAll("input[data-reload-every-s]")) {
  box.closest("[hidden]").hidden = false;
  box.checked = sessionStorage.getItem("reload") === "true";
  box.addEventListener("change", () => sessionStorage.setItem("reload", box.checked));
  setInterval(() => box.checked && !document.hidden && location.reload(), box.dataset.reloadEveryS * 1000);
}

// <section id="…" data-live="address of events">: put what the page now has there in its place whenever it has changed.
for (const part of document.querySelectorAll("[data-live]")) {
  new EventSource(part.dataset.live).addEventListener("change", async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = answer.ok && page.getElementById(part.id);
    if (fresh) part.replaceChildren(...fresh.childNodes);
  });
}

enhance(document);
swapPages(enhance);
if ("keys" in document.documentElement.dataset) listenToKeys();
