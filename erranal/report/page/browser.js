// The list of records: filters with counts, search in all texts, and only the visible rows drawn.
const ROW = 54;
const ERRORS = "errors";

class Browser {
  constructor(store) {
    this.store = store;
    this.list = byId("list");
    this.runway = byId("runway");
    this.pane = byId("detail");
    this.filters = {};
    this.query = "";
    this.hits = null;
    this.shown = [];
    this.current = -1;
    this.asked = 0;
    this.selects = [...document.querySelectorAll("#filters select")];
    for (const select of this.selects) {
      select.closest("label").hidden = this.single(select.dataset.facet);
      select.addEventListener("change", () => this.choose(select.dataset.facet, select.value));
    }
    byId("filters").addEventListener("reset", (event) => {
      event.preventDefault();
      this.load({});
    });
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    let timer;
    byId("f-search").addEventListener("input", (event) => {
      clearTimeout(timer);
      timer = setTimeout(() => this.search(event.target.value), 250);
    });
    this.list.addEventListener("scroll", () => this.draw(), { passive: true });
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest(".rec");
      if (row) this.open(Number(row.dataset.index));
    });
    new ResizeObserver(() => this.draw()).observe(this.list);
  }

  single(facet) {
    const { names, columns } = this.store.core;
    if (!names[facet].length) return true;
    return facet !== "outcome" && names[facet].length < 2 && !columns[facet].some((v) => v === -1 || v === null || Array.isArray(v));
  }

  // Filters as they stand in the address; "outcome" is "errors" unless said otherwise.
  async load(asked) {
    this.filters = { outcome: ERRORS };
    for (const { dataset } of this.selects) if (asked[dataset.facet] !== undefined) this.filters[dataset.facet] = asked[dataset.facet];
    if (asked.id !== undefined && asked.outcome === undefined) delete this.filters.outcome;
    byId("f-search").value = asked.search ?? "";
    await this.search(asked.search ?? "", asked.id);
  }

  choose(facet, value) {
    if (value === "") delete this.filters[facet];
    else this.filters[facet] = value;
    this.apply();
  }

  async search(query, id) {
    const turn = ++this.asked;
    this.query = query.trim().toLowerCase();
    this.hits = this.query ? await this.find(this.query, turn) : null;
    if (turn === this.asked) this.apply(id);
  }

  async find(query, turn) {
    const { starts } = this.store.core;
    const found = new Uint8Array(starts.texts.at(-1));
    for (let piece = 0; piece + 1 < starts.texts.length && turn === this.asked; piece++) {
      byId("status").textContent = `Searching texts, part ${piece + 1} of ${starts.texts.length - 1} …`;
      const texts = await this.store.texts.piece(piece);
      texts.forEach((text, i) => {
        const whole = typeof text === "string" ? text : (text[0] ?? []).join("\n");
        if (whole.toLowerCase().includes(query)) found[starts.texts[piece] + i] = 1;
      });
    }
    return found;
  }

  matchesText(i) {
    const { columns, items } = this.store.core;
    const [itemId, , question, choices] = items[columns.item[i]];
    const texts = [columns.text[i], columns.reasoning[i], question, choices];
    return texts.some((t) => t >= 0 && this.hits[t]) || columns.id[i] === this.query || itemId.toLowerCase().includes(this.query);
  }

  tests() {
    const { names, columns } = this.store.core;
    return Object.entries(this.filters).map(([facet, value]) => {
      const column = columns[facet];
      if (facet === "outcome" && value === ERRORS) {
        const right = new Set(["correct", "ungradable", "not scored"].map((name) => names.outcome.indexOf(name)));
        return [facet, (i) => !right.has(column[i])];
      }
      const place = names[facet].findIndex((name) => String(name) === value);
      if (place < 0) return [facet, () => false];
      return [facet, (i) => (Array.isArray(column[i]) ? column[i].includes(place) : column[i] === place)];
    });
  }

  // A record that fails one filter only counts for that filter's options.
  apply(id) {
    const { columns } = this.store.core;
    const tests = this.tests();
    const counts = Object.fromEntries(this.selects.map((s) => [s.dataset.facet, new Map()]));
    this.shown = [];
    for (let i = 0; i < columns.id.length; i++) {
      if (this.hits && !this.matchesText(i)) continue;
      const failed = tests.filter(([, test]) => !test(i));
      if (failed.length === 0) this.shown.push(i);
      if (failed.length > 1) continue;
      for (const facet of failed.length ? [failed[0][0]] : Object.keys(counts)) {
        const value = columns[facet][i];
        for (const v of Array.isArray(value) ? value : [value]) counts[facet].set(v, (counts[facet].get(v) ?? 0) + 1);
      }
    }
    for (const select of this.selects) this.options(select, counts[select.dataset.facet]);
    const total = columns.id.length;
    byId("status").textContent = `${this.shown.length.toLocaleString("en")} of ${total.toLocaleString("en")} responses`;
    this.runway.style.height = `${this.shown.length * ROW}px`;
    const wanted = id === undefined ? this.shown[0] ?? -1 : columns.id.indexOf(id);
    this.list.scrollTop = 0;
    this.open(wanted, id === undefined);
  }

  options(select, counts) {
    const { names } = this.store.core;
    const facet = select.dataset.facet;
    const n = (place) => (counts.get(place) ?? 0).toLocaleString("en");
    const options = names[facet].map((name, place) => [place, make("option", { value: String(name) }, `${this.label(facet, name)} (${n(place)})`)]);
    if (facet === "cluster" || facet === "subject") options.sort((a, b) => (counts.get(b[0]) ?? 0) - (counts.get(a[0]) ?? 0));
    const kept = options.filter(([place, option]) => counts.get(place) || this.filters[facet] === option.value);
    const first = [make("option", { value: "" }, "any")];
    if (facet === "outcome") first.push(make("option", { value: ERRORS }, "all errors"));
    select.replaceChildren(...first, ...kept.map(([, option]) => option));
    select.value = this.filters[facet] ?? "";
  }

  label(facet, name) {
    const { terms, titles, judges } = this.store.core;
    if (facet === "cluster") return clusterName(name, terms);
    if (facet === "code" || facet === "beside") return titles[name] ?? name;
    if (facet !== "split" && facet !== "flag") return words(String(name)) || "(none)";
    const told = name.slice(2);
    return judges.length > 1 ? `${judges[name[0]].name}: ${titles[told] ?? told}` : told;
  }

  async open(index, quiet = false) {
    this.current = index;
    if (index < 0) this.pane.replaceChildren(make("p", { class: "quiet" }, "No response matches."));
    this.remember(quiet);
    this.reveal();
    this.draw();
    if (index < 0) return;
    const put = await showDetail(this.store, index, this.pane);
    if (this.current === index) put();
  }

  reveal() {
    const place = this.shown.indexOf(this.current);
    if (place < 0) return;
    const top = place * ROW;
    const { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.list.scrollTop = top + ROW - clientHeight;
  }

  step(by) {
    if (!this.shown.length) return;
    const place = this.shown.indexOf(this.current);
    this.open(this.shown[Math.min(Math.max(place + by, 0), this.shown.length - 1)]);
  }

  remember(quiet) {
    const state = new URLSearchParams(this.filters);
    if (state.get("outcome") === ERRORS) state.delete("outcome");
    else if (!state.has("outcome")) state.set("outcome", "");
    if (this.query) state.set("search", this.query);
    if (this.current >= 0 && !quiet) state.set("id", this.store.core.columns.id[this.current]);
    // The first showing, which nobody asked for, leaves the address alone.
    if (!quiet || location.hash.includes("=")) history.replaceState(null, "", `${location.search}#${state}`);
  }

  draw() {
    const { scrollTop, clientHeight } = this.list;
    const first = Math.max(Math.floor(scrollTop / ROW) - 4, 0);
    const last = Math.min(Math.ceil((scrollTop + clientHeight) / ROW) + 4, this.shown.length);
    const rows = [];
    for (let place = first; place < last; place++) rows.push(this.row(place));
    this.runway.replaceChildren(...rows);
    const active = this.shown.includes(this.current) ? `rec-${this.current}` : null;
    if (active) this.list.setAttribute("aria-activedescendant", active);
    else this.list.removeAttribute("aria-activedescendant");
  }

  row(place) {
    const { columns, names, items, hues, titles } = this.store.core;
    const i = this.shown[place];
    const [itemId, gold] = items[columns.item[i]];
    const arm = names.arm[columns.arm[i]];
    const by = (facet) => (columns[facet][i] ?? []).map((c) => titles[names[facet][c]] ?? names[facet][c]);
    const differ = names.agreement[columns.agreement[i]] === "judges differ";
    const codes = differ ? [`${by("code").join(", ") || "no code"} ≠ ${by("beside").join(", ") || "no code"}`] : by("code");
    const answer = columns.answer[i] ? `${columns.answer[i]} for ${gold}` : "";
    return make("div", { class: "rec", role: "option", id: `rec-${i}`, "data-index": i, "aria-selected": String(i === this.current),
      "aria-posinset": place + 1, "aria-setsize": this.shown.length, style: `top:${place * ROW}px` },
      make("div", { class: "top" }, make("b", {}, itemId), chip(names.outcome[columns.outcome[i]])),
      make("div", { class: "low" }, make("i", { class: `key dot h-${hues[arm]}` }),
        [arm, ...codes, answer, ...["style", "model"].filter((f) => names[f].length > 1).map((f) => names[f][columns[f][i]])].filter(Boolean).join(" · ")));
  }
}

const clusterName = (number, terms) => (number < 0 ? "in none" : `${number}: ${(terms[number] ?? []).slice(0, 3).join(", ")}`);
