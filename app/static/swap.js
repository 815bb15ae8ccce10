// Instant searches: the address that a link or form of the search page leads to is fetched, and its `main` swapped in.
// History, focus and the announcement are what a new page's would be. What has no search page goes to the browser itself;
// what can't be had just now leaves the page, and what was typed, as they are, and says why.

const main = document.querySelector("main");
const isSearch = () => main.querySelector("[data-swap]") !== null;
const LONGEST_PAGE = 200; // rows until which scrolling asks for more
let asked = 0;
let shown = addressHere();
let seeing;

export function swapPages(enhance) {
  if (!isSearch()) return;
  history.scrollRestoration = "manual";
  document.addEventListener("click", (event) => {
    const link = event.target.closest("main a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || !isHere(link) || link.hash) return;
    event.preventDefault();
    go(link.href, enhance, { key: "longer" in link.dataset ? "" : keyOf(link), keeps: "longer" in link.dataset });
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "get" || !isHere(new URL(form.action))) return;
    event.preventDefault();
    const url = new URL(form.action);
    url.search = new URLSearchParams(new FormData(form));
    go(url.href, enhance, { key: "#results-title" });
  });
  addEventListener("popstate", ({ state }) => {
    if (addressHere() !== shown) go(location.href, enhance, { isBack: true, top: state?.top ?? 0 }); // no mere #anchor
  });
  addEventListener("pagehide", () => history.replaceState({ top: scrollY }, ""));
  if (history.state?.top) scrollTo(0, history.state.top);
  watchForEnd(enhance);
}

async function go(url, enhance, { key = "", keeps = false, isBack = false, top = 0 }) {
  const turn = ++asked;
  main.setAttribute("aria-busy", "true");
  let page;
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.status >= 429) {
      const cause = page.querySelector("main p")?.textContent ?? `The archive answered ${answer.status}.`;
      throw new Error(`${cause} (Request ${answer.headers.get("X-Request-Id")}.)`);
    }
  } catch (error) {
    if (turn === asked) complain(error instanceof TypeError ? "The archive can't be reached." : error.message, url);
    return;
  }
  if (turn !== asked) return; // a later one is under way
  const fresh = page.querySelector("main");
  if (!fresh?.querySelector("[data-swap]")) return location.assign(url);
  const place = scrollY;
  if (!isBack) {
    history.replaceState({ top: place }, "");
    history[keeps ? "replaceState" : "pushState"]({ top: keeps ? place : 0 }, "", url);
  }
  shown = addressHere();
  const focused = pathTo(document.activeElement);
  const open = [...main.querySelectorAll("details[id][open]")].map((details) => details.id);
  main.replaceChildren(...fresh.childNodes);
  main.removeAttribute("aria-busy");
  document.title = page.title;
  document.querySelector(".site-account").replaceChildren(...page.querySelector(".site-account").childNodes); // logs in to here
  for (const back of document.querySelectorAll('input[name="back"]')) back.value = shown;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  enhance(main);
  if (isBack) scrollTo(0, top);
  else if (keeps) focused?.reduce((element, place) => element?.children[place], main)?.focus({ preventScroll: true });
  else {
    const results = main.querySelector(".search");
    if (results && results.getBoundingClientRect().top < 0) results.scrollIntoView();
    (find(key) ?? find("#results-title") ?? main.querySelector("[aria-invalid]") ?? main).focus({ preventScroll: true });
  }
  announce();
  watchForEnd(enhance);
}

function complain(cause, url) {
  main.removeAttribute("aria-busy");
  const again = Object.assign(document.createElement("a"), { href: url, textContent: "Try again" });
  const notice = Object.assign(document.createElement("div"), { id: "complaint", className: "notice is-bad", role: "alert" });
  notice.append(`${cause} `, again);
  document.querySelector("#complaint")?.remove();
  main.prepend(notice);
}

function announce() {
  const title = main.querySelector("#results-title")?.textContent ?? main.querySelector("[role=alert]")?.textContent ?? "";
  const count = main.querySelector(".pages > span")?.textContent ?? "";
  document.querySelector("#announcement").textContent = `${title} ${count}`.trim();
}

// The next rows come when the end of the table does; the address then names all that is shown.
function watchForEnd(enhance) {
  seeing?.disconnect();
  const link = main.querySelector("a[data-longer]");
  if (!link || Number(new URL(link.href).searchParams.get("limit")) > LONGEST_PAGE) return;
  seeing = new IntersectionObserver(([end]) => {
    const isAmongPages = link.parentElement.contains(document.activeElement); // where the keyboard chooses
    if (end.isIntersecting && scrollY > 0 && !isAmongPages) go(link.href, enhance, { keeps: true });
  });
  seeing.observe(link);
}

// Where an element stands in `main`, by numbers: rows that are added behind don't change that.
function pathTo(element) {
  const path = [];
  for (; element && element !== main; element = element.parentElement) path.unshift([...(element.parentElement?.children ?? [])].indexOf(element));
  return element && path;
}

// The same link on the new page: by where it stands and what it says, as its address has changed.
function keyOf(link) {
  const section = link.closest("[aria-labelledby], [aria-label]");
  const name = section?.getAttribute("aria-labelledby") ?? "";
  return name ? `[aria-labelledby="${name}"] a ${textOf(link)}` : "";
}

function find(key) {
  const [, selector, text] = /^(\[.*?\] a) (.*)$/s.exec(key) ?? ["", key, ""];
  if (!selector) return null;
  return [...main.querySelectorAll(selector)].find((element) => !text || textOf(element) === text);
}

function addressHere() {
  return location.pathname + location.search;
}

const textOf = (element) => (element.firstElementChild ?? element).textContent.trim();
const isHere = (url) => url.origin === location.origin && url.pathname === location.pathname;
