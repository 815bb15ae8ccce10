// "Explore in Aladin Lite": the footprints of a page on a sky that can be moved. Aladin is loaded for the first of them.

const WIDEST_DEG = 120; // what is wider is shown as the whole sky
const MARKED_DEG = 10; // across which a footprint is too small to be seen
// Aladin reports each start to its makers, and offers surveys, names and catalogues of many servers: all of it is off.
const QUIET = {
  log: false,
  samp: false,
  hipsList: [],
  survey: [],
  showLayersControl: false,
  showSimbadPointerControl: false,
  showShareControl: false,
  showCooLocation: false,
  showContextMenu: false,
};
let started; // for all pages of results: a browser has room for few such views

export async function explore(button) {
  const state = button.nextElementSibling;
  const place = state.nextElementSibling;
  button.disabled = true;
  state.textContent = "Loading Aladin Lite…";
  try {
    place.hidden = false;
    started ??= start(button.dataset, place);
    const viewer = await started;
    if (viewer.view !== place) place.replaceWith(viewer.view);
    draw(viewer, JSON.parse(button.dataset.sky));
    button.hidden = true;
    state.textContent = "";
  } catch (error) {
    started = undefined;
    place.hidden = true;
    button.disabled = false;
    state.textContent = `Aladin Lite can't be shown: ${error.message ?? error}`;
  }
}

async function start({ aladin: address, survey }, view) {
  const { default: A } = await import(address);
  await A.init;
  const colours = getComputedStyle(view);
  const options = { backgroundColor: colours.backgroundColor, gridColor: colours.borderColor, showCooGrid: true };
  const aladin = A.aladin(view, { ...QUIET, ...options, mode: "dark" });
  if (survey) aladin.setBaseImageLayer(survey);
  useStyles(view);
  return { A, aladin, view };
}

// Aladin puts its styles into the page as text, which the page's policy refuses; as a sheet made here they may be used.
function useStyles(view) {
  const style = view.querySelector("style");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style.textContent);
  style.remove();
  document.adoptedStyleSheets.push(sheet);
}

function draw({ A, aladin, view }, { footprints, circle, centre, field }) {
  const { color, outlineColor } = getComputedStyle(view);
  const overlay = A.graphicOverlay({ color, lineWidth: 2 });
  aladin.removeOverlays();
  aladin.addOverlay(overlay);
  if (field > MARKED_DEG) {
    const marks = A.catalog({ shape: "circle", color, sourceSize: 9 });
    aladin.addCatalog(marks);
    marks.addSources(footprints.map((ring) => A.source(...ring[0])));
  }
  for (const ring of footprints) overlay.add(A.polygon(ring)); // which takes the last corner away
  if (circle) overlay.add(A.circle(...circle, { color: outlineColor }));
  aladin.setProjection(field > WIDEST_DEG ? "AIT" : "SIN");
  aladin.gotoRaDec(...centre);
  aladin.setFoV(field * Math.max(1, view.clientWidth / view.clientHeight)); // of the width
}
