// The larger preview beside a row: while the pointer rests on its thumbnail, or the keyboard on its frame's name.

const REST_MS = 250; // what only passes by loads nothing
const GAP_PX = 8;
const NAME = "main .card-title a:focus-visible";
let timer, shown;

// Listen to events of a kind; the first of them has been there already.
export function listenForPeeks(kind, first) {
  const come = { pointerover: point, focusin: focus }[kind];
  come(first);
  document.addEventListener(kind, come);
}

document.addEventListener("keydown", ({ key }) => key === "Escape" && leave());
document.addEventListener("scroll", leave, { passive: true });

function point({ target, pointerType }) {
  if (pointerType === "touch" || target === shown?.picture) return clearTimeout(timer);
  const thumb = target.closest("main td a.thumb");
  if (thumb || !document.activeElement?.matches(NAME)) wait(thumb);
}

function focus({ target }) {
  wait(target.matches(NAME) ? target.closest("tr").querySelector("a.thumb") : null);
}

function wait(thumb) {
  clearTimeout(timer);
  if (thumb !== shown?.thumb) timer = setTimeout(thumb ? show : leave, REST_MS, thumb);
}

function leave() {
  clearTimeout(timer);
  shown?.picture.remove();
  shown = undefined;
}

async function show(thumb) {
  leave();
  const small = thumb.querySelector("img");
  if (!small) return;
  const picture = Object.assign(new Image(), { src: small.dataset.large ?? small.src, alt: "", className: "peek" });
  shown = { thumb, picture };
  await picture.decode().catch(leave);
  if (shown?.picture !== picture || !thumb.isConnected) return;
  document.body.append(picture);
  place(picture, thumb.getBoundingClientRect(), thumb.closest("tr").getBoundingClientRect());
}

// To the right of the thumbnail, below the row or else above it: the row itself stays in view.
function place(picture, thumb, row) {
  const { width, height } = picture.getBoundingClientRect();
  const below = row.bottom + GAP_PX;
  const top = below + height <= innerHeight ? below : Math.max(row.top - height - GAP_PX, GAP_PX);
  picture.style.left = `${Math.min(thumb.right + GAP_PX, innerWidth - width - GAP_PX)}px`;
  picture.style.top = `${top}px`;
}
