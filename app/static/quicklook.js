// "Pixel values" on a frame's page: a canvas in place of the preview, its tools, and what is under the pointer.
import { fetchQuickLook, formatDegrees, formatSky } from "./quicklook_data.js";
import { View } from "./quicklook_view.js";

const REMEMBERED = "pixels"; // whoever has asked for them once gets them on the next frame's page as well
const ANNOUNCE_AFTER_MS = 700; // of quiet: not each step of a mark that moves is told
const DRAG_PX = 4; // what moves less is a click

export function offerQuickLook(part) {
  const button = part.querySelector("[data-look-open]");
  const stage = part.querySelector(".look-stage");
  const preview = part.parentElement.querySelector(".picture")?.closest("a, div, figure > *");
  let opened;

  const show = (isShown) => {
    stage.hidden = !isShown;
    preview?.toggleAttribute("hidden", isShown);
    button.setAttribute("aria-pressed", isShown);
    remember(isShown);
  };
  const open = async (takesFocus) => {
    const state = part.querySelector("[data-look-state]");
    const height = preview?.getBoundingClientRect().height;
    try {
      state.textContent = "Reading the file…";
      button.disabled = true;
      opened ??= await fetchQuickLook(part.dataset.look, (text) => (state.textContent = text));
      state.textContent = "";
    } catch (error) {
      state.textContent = error instanceof TypeError ? "The archive can't be reached: try again." : error.message;
      return;
    } finally {
      button.disabled = false;
    }
    const isFirst = !(opened instanceof Tools);
    show(true);
    if (isFirst) opened = new Tools(part, opened, height);
    if (takesFocus) opened.canvas.focus({ preventScroll: true });
  };

  part.hidden = false;
  button.addEventListener("click", () => (stage.hidden ? open(true) : show(false)));
  if (isRemembered()) open(false);
}

class Tools {
  constructor(part, look, height) {
    this.part = part;
    this.look = look;
    this.canvas = part.querySelector("canvas");
    this.canvas.style.height = `${Math.min(Math.max(height || 0, 260), 0.78 * innerHeight)}px`;
    this.view = new View(this.canvas, look);
    this.tell();
    this.set("upright", look.upright);
    this.listenToTools();
    this.listenToPointer();
    this.canvas.addEventListener("keydown", (event) => this.takeKey(event));
    new ResizeObserver(() => this.view.moveBy(0, 0)).observe(this.canvas);
    if (look.upright) this.act("upright");
    this.readMark();
  }

  tell() {
    const { factor, unit, pieces } = this.look;
    const means = factor > 1 ? `Values are means of ${factor} × ${factor} pixels of the file, ` : "Values are the file's own, ";
    const several = pieces.length > 1 ? ` The picture is made of ${pieces.length} images, shown at one level.` : "";
    const places = pieces.some(({ sky }) => sky) ? "" : " Its header does not say where it is on the sky.";
    this.find("about").textContent = `${means}in ${unit || "a unit that the header does not name"}; x and y count from 1.${several}${places}`;
    this.find("low").value = short(this.view.cuts[0]);
    this.find("high").value = short(this.view.cuts[1]);
  }

  find(name) {
    return this.part.querySelector(`[data-look-${name}]`);
  }

  set(action, isPossible) {
    this.part.querySelector(`[data-look-do="${action}"]`).disabled = !isPossible;
  }

  listenToTools() {
    for (const button of this.part.querySelectorAll("[data-look-do]"))
      button.addEventListener("click", () => this.act(button.dataset.lookDo));
    this.find("stretch").addEventListener("change", ({ target }) => {
      this.view.stretch = target.value;
      this.view.paint();
    });
    this.find("cuts").addEventListener("change", ({ target }) => this.cut(this.look.cuts[target.value] ?? this.view.cuts));
    for (const name of ["low", "high"])
      this.find(name).addEventListener("change", () => {
        const cuts = ["low", "high"].map((end) => this.find(end).valueAsNumber);
        if (!cuts.every(Number.isFinite)) return;
        this.find("cuts").value = "own";
        this.cut(cuts);
      });
  }

  cut(cuts) {
    this.view.cuts = cuts;
    this.find("low").value = short(cuts[0]);
    this.find("high").value = short(cuts[1]);
    this.view.paint();
  }

  act(action, at) {
    const { view, look } = this;
    const actions = {
      fit: () => view.zoomTo(0),
      one: () => view.zoomTo(1, at),
      two: () => view.zoomTo(2, at),
      larger: () => view.zoomTo(view.scale * Math.SQRT2, at),
      smaller: () => view.zoomTo(view.scale / Math.SQRT2, at),
      mirror: () => view.turnBy([[-1, 0], [0, 1]]),
      flip: () => view.turnBy([[1, 0], [0, -1]]),
      turn: () => view.turnBy([[0, -1], [1, 0]]),
      upright: () => view.turnTo(this.isUpright() ? [[1, 0], [0, 1]] : look.upright),
      invert: () => {
        view.isInverted = !view.isInverted;
        view.paint();
      },
    };
    actions[action]();
    this.press("invert", view.isInverted);
    this.press("upright", this.isUpright());
    this.find("zoom").textContent = `${Math.round(100 * view.scale)} %`;
    this.canvas.classList.toggle("is-zoomed", view.scale > view.fitting);
  }

  isUpright() {
    return String(this.view.turn.flat().map((part) => part || 0)) === String(this.look.upright?.flat());
  }

  press(action, isPressed) {
    this.part.querySelector(`[data-look-do="${action}"]`).setAttribute("aria-pressed", isPressed);
  }

  listenToPointer() {
    const { canvas, view } = this;
    let from = null;
    let moved = 0;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      from = [event.offsetX, event.offsetY];
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const here = [event.offsetX, event.offsetY];
      if (from) {
        moved += Math.hypot(here[0] - from[0], here[1] - from[1]);
        if (moved >= DRAG_PX) view.moveBy(here[0] - from[0], here[1] - from[1]);
        from = here;
      }
      this.read(view.toPicture(...here));
    });
    canvas.addEventListener("pointerup", (event) => {
      const place = view.toPicture(event.offsetX, event.offsetY);
      if (from && moved < DRAG_PX && this.look.find(...place)) {
        view.mark = place;
        view.draw();
        this.readMark();
      }
      from = null;
    });
    canvas.addEventListener("pointercancel", () => (from = null));
    canvas.addEventListener("pointerleave", () => this.readMark());
    canvas.addEventListener("wheel", (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      this.act(event.deltaY < 0 ? "larger" : "smaller", [event.offsetX, event.offsetY]);
    });
  }

  takeKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    const action = { "+": "larger", "=": "larger", "-": "smaller", 0: "fit", 1: "one", 2: "two", n: "upright", i: "invert" }[event.key];
    if (steps) {
      this.view.moveMark(...steps.map((step) => step * (event.shiftKey ? 10 : 1)));
      this.readMark();
      this.announce();
    } else if (action && !this.part.querySelector(`[data-look-do="${action}"]`).disabled) {
      this.act(action, this.view.toPage(...this.view.mark));
    } else return;
    event.preventDefault();
  }

  readMark() {
    this.read(this.view.mark);
  }

  read(place) {
    const found = this.look.find(...place);
    const { unit, factor } = this.look;
    const digits = factor > 1 || this.view.scale > 4 ? 1 : 0;
    const pixel = found && `x ${found.x.toFixed(digits)}  y ${found.y.toFixed(digits)}${found.name ? `  ${found.name}` : ""}`;
    const value = found && (Number.isFinite(found.value) ? `${short(found.value)} ${unit}`.trim() : "no value");
    this.find("pixel").textContent = pixel ?? "–";
    this.find("value").textContent = value ?? "–";
    this.find("sexagesimal").textContent = found?.sky ? formatSky(found.sky) : "–";
    this.find("degrees").textContent = found?.sky ? formatDegrees(found.sky) : "–";
  }

  announce() {
    clearTimeout(this.announcing);
    this.announcing = setTimeout(() => {
      const texts = ["pixel", "value", "sexagesimal"].map((name) => this.find(name).textContent);
      document.querySelector("#announcement").textContent = texts.join(", ");
    }, ANNOUNCE_AFTER_MS);
  }
}

const short = (value) => String(Number(value.toPrecision(7)));

function remember(isShown) {
  try {
    localStorage.setItem(REMEMBERED, isShown);
  } catch {
    // a browser that keeps nothing for us
  }
}

function isRemembered() {
  try {
    return localStorage.getItem(REMEMBERED) === "true";
  } catch {
    return false;
  }
}
