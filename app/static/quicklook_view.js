// The view of a quick look: stretch, cuts, size, place and orientation on a canvas, its mark and its compass.

const LARGEST_ZOOM = 64;
const NOTHING = 24; // grey of pixels without a value, as in previews

const STRETCHES = {
  linear: (part) => part,
  log: (part) => Math.log1p(1000 * part) / Math.log1p(1000),
  asinh: (part, softening) => Math.asinh(part / softening) / Math.asinh(1 / softening),
};

export class View {
  stretch = "asinh";
  isInverted = false;
  turn = [[1, 0], [0, 1]]; // of a step on the picture, right and up, makes one on the page
  zoom = 0; // page pixels a pixel of the picture; 0: as large as the canvas
  pan = [0, 0]; // of the picture's middle from the canvas's, right and up
  mark = null;

  constructor(canvas, look) {
    this.canvas = canvas;
    this.look = look;
    this.cuts = look.cuts.preview;
    this.mark = [Math.floor(look.width / 2) + 0.5, Math.floor(look.height / 2) + 0.5];
    this.picture = Object.assign(document.createElement("canvas"), { width: look.width, height: look.height });
    this.paint();
  }

  get size() {
    return [this.canvas.clientWidth, this.canvas.clientHeight];
  }

  get scale() {
    return this.zoom || this.fitting;
  }

  get fitting() {
    const { width, height } = this.look;
    const [across, up] = this.turn[0][0] ? [width, height] : [height, width];
    return Math.min(this.size[0] / across, this.size[1] / up);
  }

  // Where a place of the picture is on the canvas, and the other way round.
  toPage(u, v) {
    const [x, y] = multiply(this.turn, [u - this.look.width / 2, v - this.look.height / 2]);
    return [this.size[0] / 2 + this.pan[0] + this.scale * x, this.size[1] / 2 - this.pan[1] - this.scale * y];
  }

  toPicture(x, y) {
    const step = [(x - this.size[0] / 2 - this.pan[0]) / this.scale, (this.size[1] / 2 - this.pan[1] - y) / this.scale];
    const [u, v] = multiply(transpose(this.turn), step);
    return [u + this.look.width / 2, v + this.look.height / 2];
  }

  // Change the size; what is at a place of the canvas stays there.
  zoomTo(zoom, at = this.size.map((length) => length / 2)) {
    const there = this.toPicture(...at);
    this.zoom = zoom && Math.min(Math.max(zoom, this.fitting / 2), LARGEST_ZOOM);
    const [x, y] = this.toPage(...there);
    this.moveBy(at[0] - x, at[1] - y);
  }

  moveBy(right, down) {
    const lengths = multiply(this.turn, [this.look.width, this.look.height]);
    const moved = [this.pan[0] + right, this.pan[1] - down];
    this.pan = moved.map((pan, axis) => {
      const most = Math.max((Math.abs(lengths[axis]) * this.scale - this.size[axis]) / 2, 0); // no edge leaves the other
      return Math.min(Math.max(pan, -most), most);
    });
    this.draw();
  }

  // Move the mark by whole steps as they are seen, and the picture with it where it would leave the canvas.
  moveMark(right, up) {
    const step = multiply(transpose(this.turn), [right, up]);
    const lengths = [this.look.width, this.look.height];
    this.mark = this.mark.map((place, axis) => Math.floor(Math.min(Math.max(place + step[axis], 0), lengths[axis] - 1)) + 0.5);
    const page = this.toPage(...this.mark);
    const [x, y] = page.map((place, axis) => Math.min(Math.max(place, 8), this.size[axis] - 8));
    this.moveBy(x - page[0], y - page[1]);
  }

  turnBy(turn) {
    this.turnTo(turn.map((row) => multiply(transpose(this.turn), row)));
  }

  turnTo(turn) {
    this.turn = turn;
    this.pan = [0, 0];
    this.draw();
  }

  // Make the picture's greys of its values.
  paint() {
    const { levelled, width, height, cuts } = this.look;
    const [low, high] = this.cuts;
    const span = high - low || 1;
    const stretch = STRETCHES[this.stretch];
    const image = new ImageData(width, height);
    const greys = new Uint32Array(image.data.buffer);
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++) {
        const value = levelled[row * width + column];
        const part = Math.min(Math.max((value - low) / span, 0), 1);
        const light = Number.isFinite(value) ? Math.round(255 * stretch(part, cuts.softening / span)) : NOTHING;
        const grey = this.isInverted && Number.isFinite(value) ? 255 - light : light;
        greys[(height - 1 - row) * width + column] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
      }
    this.picture.getContext("2d").putImageData(image, 0, 0);
    this.draw();
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const [width, height] = this.size.map((length) => Math.round(length * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    const [[a, c], [b, d]] = this.turn.map((row) => row.map((part) => part * this.scale * ratio));
    const [x, y] = this.toPage(0, this.look.height).map((place) => place * ratio);
    context.setTransform(a, -b, -c, d, x, y);
    context.imageSmoothingEnabled = this.scale * ratio < 1;
    context.drawImage(this.picture, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.drawMark(context);
    if (this.look.compass) this.drawCompass(context);
  }

  drawMark(context) {
    const [x, y] = this.toPage(...this.mark);
    const gap = Math.max(this.scale / 2, 4);
    const path = new Path2D();
    for (const [right, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      path.moveTo(x + right * gap, y + down * gap);
      path.lineTo(x + right * (gap + 12), y + down * (gap + 12));
    }
    outline(context, path);
  }

  drawCompass(context) {
    const middle = [44, this.size[1] - 44];
    for (const [letter, step] of [["E", this.look.compass[0]], ["N", this.look.compass[1]]]) {
      const [right, up] = multiply(this.turn, step);
      const [x, y] = [right, -up].map((part) => part / Math.hypot(right, up));
      const path = new Path2D();
      path.moveTo(...middle);
      path.lineTo(middle[0] + 22 * x, middle[1] + 22 * y);
      outline(context, path);
      context.font = "600 13px sans-serif";
      Object.assign(context, { textAlign: "center", textBaseline: "middle", lineWidth: 3 });
      context.strokeText(letter, middle[0] + 33 * x, middle[1] + 33 * y);
      context.fillText(letter, middle[0] + 33 * x, middle[1] + 33 * y);
    }
  }
}

// White on black, to be seen on any grey.
function outline(context, path) {
  for (const [lineWidth, strokeStyle] of [[4, "#000"], [1.5, "#fff"]]) {
    Object.assign(context, { lineWidth, strokeStyle });
    context.stroke(path);
  }
  Object.assign(context, { strokeStyle: "#000", fillStyle: "#fff" });
}

const transpose = ([[a, b], [c, d]]) => [[a, c], [b, d]];
const multiply = (matrix, [x, y]) => matrix.map(([a, b]) => a * x + b * y);
