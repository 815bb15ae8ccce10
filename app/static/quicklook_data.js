// A quick look as it comes from the archive: its values, and where each place of it is in the file and on the sky.

const MOST_TRIES = 8;
const DEGREES = 180 / Math.PI;

// Ask for a quick look, again while the archive is making others. An error's message is for people.
export async function fetchQuickLook(url, tellWaiting) {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(url, { headers: { Accept: "application/json" } });
    if (answer.ok) return decode(answer.body);
    const { detail, code } = await answer.json().catch(() => ({ detail: `The archive answered ${answer.status}.` }));
    if (code !== "busy" || tried === MOST_TRIES) throw new Error(detail);
    tellWaiting(detail);
    await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(answer.headers.get("Retry-After")) || 2)));
  }
}

async function decode(stream) {
  const plain = await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const end = 4 + new DataView(plain).getUint32(0, true);
  const facts = JSON.parse(new TextDecoder().decode(new Uint8Array(plain, 4, end - 4)));
  const count = facts.width * facts.height;
  const planes = new Uint8Array(plain, end);
  const bits = new Uint32Array(count);
  for (let place = 0; place < count; place++)
    bits[place] = (planes[place] << 24) | (planes[count + place] << 16) | (planes[2 * count + place] << 8) | planes[3 * count + place];
  return new QuickLook(facts, new Float32Array(bits.buffer));
}

// Places are counted in pixels of the picture from its lower left corner: u to the right, v up, of the lowest row first.
class QuickLook {
  constructor(facts, values) {
    Object.assign(this, facts);
    this.values = values;
    this.levelled = this.level();
  }

  // What is at a place: the file's pixel (its centre is whole), the value, and RA and Dec in degrees; null outside.
  find(u, v) {
    const column = Math.floor(u);
    const row = Math.floor(v);
    if (column < 0 || row < 0 || column >= this.width || row >= this.height) return null;
    const piece = this.pieces.find(({ box: [left, bottom, right, top] }) => u >= left && u < right && v >= bottom && v < top);
    if (!piece) return null;
    const [left, bottom] = piece.box;
    return {
      name: piece.name,
      x: piece.x[0] + piece.x[1] * (u - left),
      y: piece.y[0] + piece.y[1] * (v - bottom),
      value: this.values[row * this.width + column],
      sky: piece.sky && findSky(piece.sky, piece.box, u, v),
    };
  }

  // The values that are drawn: of several images in one picture, brought to one level.
  level() {
    if (this.pieces.every(({ offset }) => offset === 0)) return this.values;
    const levelled = this.values.slice();
    for (const { box: [left, bottom, right, top], offset } of this.pieces)
      for (let row = bottom; row < top; row++)
        for (let place = row * this.width + left; place < row * this.width + right; place++) levelled[place] += offset;
    return levelled;
  }
}

// Between four unit vectors of a grid: linear, and so exact to a few thousandths of a step between nodes.
function findSky({ side, nodes }, [left, bottom, right, top], u, v) {
  const across = ((u - left) / (right - left)) * (side - 1);
  const up = ((v - bottom) / (top - bottom)) * (side - 1);
  const column = Math.min(Math.floor(across), side - 2);
  const row = Math.min(Math.floor(up), side - 2);
  const at = row * side + column;
  const corners = [nodes[at], nodes[at + 1], nodes[at + side], nodes[at + side + 1]];
  if (corners.includes(null)) return null;
  const [s, t] = [across - column, up - row];
  const weights = [(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t];
  const [x, y, z] = [0, 1, 2].map((axis) => corners.reduce((sum, corner, index) => sum + weights[index] * corner[axis], 0));
  const ra = Math.atan2(y, x) * DEGREES;
  return { ra: ra < 0 ? ra + 360 : ra, dec: Math.atan2(z, Math.hypot(x, y)) * DEGREES };
}

// As 05h35m17.28s −05°23′28.1″, as the archive's pages write it.
export function formatSky({ ra, dec }) {
  return `${sexagesimal(ra / 15, 2, "hms", 24)} ${dec < 0 ? "−" : "+"}${sexagesimal(Math.abs(dec), 1, "°′″")}`;
}

export function formatDegrees({ ra, dec }) {
  return `${ra.toFixed(5)} ${dec < 0 ? "−" : "+"}${Math.abs(dec).toFixed(5)}`;
}

function sexagesimal(number, decimals, units, full = Infinity) {
  const ticks = Math.round(number * 3600 * 10 ** decimals) % (full * 3600 * 10 ** decimals);
  const seconds = ((ticks / 10 ** decimals) % 60).toFixed(decimals).padStart(3 + decimals, "0");
  const minutes = Math.floor(ticks / 10 ** decimals / 60);
  return [Math.floor(minutes / 60), minutes % 60].map((part, index) => String(part).padStart(2, "0") + units[index]).join("") + seconds + units[2];
}
