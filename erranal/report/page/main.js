// Putting it together: theme, section in view, records, map, keys, and the address.
const root = document.documentElement;
const darkByDefault = matchMedia("(prefers-color-scheme: dark)");
let redraw = () => {};
byId("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : darkByDefault.matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("erranal-theme", root.dataset.theme);
  } catch {
    // Not kept where the browser keeps nothing for files.
  }
  redraw();
});
darkByDefault.addEventListener("change", () => redraw());

const links = new Map([...document.querySelectorAll("nav a")].map((a) => [a.hash.slice(1), a]));
const inView = new Set();
const inViewObserver = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) inView[isIntersecting ? "add" : "delete"](target.id);
  const first = [...links.keys()].find((id) => inView.has(id));
  for (const [id, a] of links) {
    if (id === first) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
}, { rootMargin: "-15% 0px -60% 0px" });

const asked = () => (location.hash.includes("=") ? Object.fromEntries(new URLSearchParams(location.hash.slice(1))) : {});

const keys = (browser) => (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && (typing || byId("detail").contains(event.target))) return byId("list").focus();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return null;
  const inList = byId("list") === document.activeElement;
  const steps = { j: 1, k: -1, ...(inList && { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 }) };
  if (event.key in steps) browser.step(steps[event.key]);
  else if (event.key === "/") byId("f-search").focus();
  else if (event.key === "Enter" && inList) byId("detail").focus();
  else return null;
  event.preventDefault();
  return null;
};

const startMap = async (store) => {
  const points = byId("map") && (await unpack("map"));
  if (!points) return;
  const list = [...document.querySelectorAll("#cluster-list details")];
  const choose = (cluster) => {
    for (const entry of list) {
      entry.open = Number(entry.dataset.cluster) === cluster;
      if (entry.open) entry.parentElement.scrollTop = entry.offsetTop - entry.parentElement.offsetTop;
    }
    map.highlight(cluster);
  };
  const map = new ClusterMap(points, store, choose);
  for (const entry of list) {
    entry.addEventListener("toggle", () => {
      const open = list.find((other) => other.open);
      map.highlight(open ? Number(open.dataset.cluster) : null);
    });
  }
  redraw = () => map.draw();
};

const start = async () => {
  const core = await unpack("core");
  const cases = new Map();
  core.columns.case.forEach((number, i) => cases.get(number)?.push(i) ?? cases.set(number, [i]));
  const store = { core, cases, texts: new Pieces("texts", core.starts.texts), details: new Pieces("details", core.starts.details) };
  const browser = new Browser(store);
  await browser.load(asked());
  if (location.hash.includes("=") && !location.hash.startsWith("#theme=")) byId("browser").scrollIntoView();
  addEventListener("keydown", keys(browser));
  addEventListener("hashchange", async () => {
    if (!location.hash.includes("=")) return;
    await browser.load(asked());
    byId("browser").scrollIntoView();
  });
  await startMap(store);
  root.dataset.ready = "true";
};

for (const section of document.querySelectorAll("main > section")) {
  if (links.has(section.id)) inViewObserver.observe(section);
}
start().catch((error) => {
  byId("status").textContent = `The records could not be unpacked: ${error.message}. This page needs a browser of 2023 or later.`;
});
