// The cart without reloading: the same forms, sent by fetch; what they answer is shown and announced.

const live = document.body.appendChild(document.createElement("div"));
live.className = "toast";
live.setAttribute("role", "status");

function show(message, cart, count) {
  live.textContent = message;
  if (cart === undefined) return;
  for (const place of document.querySelectorAll("[data-cart-summary]")) place.textContent = cart;
  document.querySelector("[data-cart-count]").dataset.cartCount = count;
}

// A frame's button does the opposite next time.
function toggle(button, action) {
  const next = action === "add" ? "remove" : "add";
  button.setAttribute("form", `cart-${next}`);
  button.firstElementChild.textContent = button.dataset[next] ?? (next === "add" ? "Add" : "Remove");
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("form[data-cart]") || form.id === "cart-remove" && !submitter?.matches("[data-cart-toggle]")) return;
  event.preventDefault();
  const body = new FormData(form, submitter);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const { message, detail, cart, count } = await answer.json();
    show(message ?? detail, cart, count);
    if (!answer.ok) return;
    const ids = new Set(body.getAll("frame_ids").join(" ").split(" "));
    for (const button of document.querySelectorAll("[data-cart-toggle]"))
      if (ids.has(button.value) || !body.has("frame_ids")) toggle(button, form.dataset.cart);
  } catch {
    show("The archive does not answer: try again.");
  }
});
