// The map: one dot a response on a canvas, hover for its text, click to choose its cluster.
const CATEGORIES = ["#4477aa", "#ee6677", "#228833", "#b8a21e", "#66ccee", "#aa3377", "#994f00", "#7a6bd1", "#44aa99", "#999933"];

class ClusterMap {
  constructor(points, store, choose) {
    Object.assign(this, { points, store, choose, chosen: null, byCluster: false, zoom: 1, dx: 0, dy: 0 });
    this.box = byId("map");
    this.canvas = this.box.querySelector("canvas");
    this.tip = byId("map-tip");
    this.legend();
    byId("map-colour").addEventListener("click", (event) => {
      this.byCluster = !this.byCluster;
      event.target.setAttribute("aria-pressed", String(this.byCluster));
      event.target.textContent = this.byCluster ? "Colour by arm" : "Colour by cluster";
      this.draw();
    });
    byId("map-in").addEventListener("click", () => this.scale(1.6));
    byId("map-out").addEventListener("click", () => this.scale(1 / 1.6));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.canvas.addEventListener("pointerdown", (event) => (this.from = [event.clientX, event.clientY, this.dx, this.dy]));
    this.canvas.addEventListener("pointerup", (event) => this.release(event));
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  legend() {
    for (const arm of this.points.arms) byId("map-legend").append(make("span", {}, make("i", { class: `key dot h-${this.points.hues[arm]}` }), arm));
  }

  scale(by) {
    const zoom = Math.min(Math.max(this.zoom * by, 1), 40);
    this.dx *= zoom / this.zoom;
    this.dy *= zoom / this.zoom;
    this.zoom = zoom;
    if (zoom === 1) this.dx = this.dy = 0;
    this.draw();
  }

  place(i) {
    const { clientWidth: w, clientHeight: h } = this.box;
    const pad = 18;
    const x = pad + (this.points.x[i] / 10000) * (w - 2 * pad);
    const y = h - pad - (this.points.y[i] / 10000) * (h - 2 * pad);
    return [(x - w / 2) * this.zoom + w / 2 + this.dx, (y - h / 2) * this.zoom + h / 2 + this.dy];
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    const hue = (name) => style.getPropertyValue(`--${name}`).trim();
    const quiet = hue("quiet");
    const ofArm = this.points.arms.map((arm) => hue(this.points.hues[arm]));
    if (!this.byCluster) return (i) => ofArm[this.points.arm[i]];
    return (i) => (this.points.cluster[i] < 0 ? quiet : CATEGORIES[this.points.cluster[i] % CATEGORIES.length]);
  }

  draw() {
    const { clientWidth: w, clientHeight: h } = this.box;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = w * ratio;
    this.canvas.height = h * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    this.cells = new Map();
    const n = this.points.x.length;
    const r = Math.max(1.4, Math.min(3.4, 160 / Math.sqrt(n))) * Math.min(Math.sqrt(this.zoom), 2);
    const layers = new Map();
    const colour = this.colours();
    for (let i = 0; i < n; i++) {
      const [x, y] = this.place(i);
      if (x < -r || y < -r || x > w + r || y > h + r) continue;
      const dim = this.chosen !== null && this.points.cluster[i] !== this.chosen;
      const key = `${dim ? 0.12 : this.points.cluster[i] < 0 ? 0.35 : 0.75}|${colour(i)}`;
      if (!layers.has(key)) layers.set(key, []);
      layers.get(key).push([x, y, this.points.arm[i]]);
      const cell = `${x >> 4},${y >> 4}`;
      if (!this.cells.has(cell)) this.cells.set(cell, []);
      this.cells.get(cell).push([x, y, i]);
    }
    for (const [key, dots] of [...layers].sort()) this.paint(pen, key, dots, r);
  }

  // Arms differ in shape too: round for the first, square for the others.
  paint(pen, key, dots, r) {
    const [alpha, colour] = key.split("|");
    pen.globalAlpha = Number(alpha);
    pen.fillStyle = colour;
    pen.beginPath();
    for (const [x, y, arm] of dots) {
      if (arm) pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
      else {
        pen.moveTo(x + r, y);
        pen.arc(x, y, r, 0, 2 * Math.PI);
      }
    }
    pen.fill();
  }

  nearest(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const x = event.clientX - left;
    const y = event.clientY - top;
    let best = null;
    let least = 144;
    for (let a = -1; a <= 1; a++) {
      for (let b = -1; b <= 1; b++) {
        for (const [px, py, i] of this.cells.get(`${(x >> 4) + a},${(y >> 4) + b}`) ?? []) {
          const d = (px - x) ** 2 + (py - y) ** 2;
          if (d < least) [least, best] = [d, i];
        }
      }
    }
    return [best, x, y];
  }

  move(event) {
    if (this.from && event.buttons && this.zoom > 1) {
      this.dx = this.from[2] + event.clientX - this.from[0];
      this.dy = this.from[3] + event.clientY - this.from[1];
      this.draw();
      return;
    }
    const [i, x, y] = this.nearest(event);
    this.tip.hidden = i === null;
    if (i !== null) this.show(i, x, y);
  }

  async show(i, x, y) {
    this.hovered = i;
    const { record, cluster, arm, arms } = this.points;
    const { columns, items, terms } = this.store.core;
    const lines = [make("b", {}, clusterName(cluster[i], terms))];
    if (record[i] >= 0) {
      const text = await this.store.texts.at(columns.text[record[i]]);
      lines.push(make("div", {}, `${items[columns.item[record[i]]][0]} · ${arms[arm[i]]}`), make("div", { dir: "auto" }, text.slice(0, 140) || "(empty)"));
    } else lines.push(make("div", {}, arms[arm[i]]));
    if (this.hovered !== i) return;
    this.tip.replaceChildren(...lines);
    const right = x > this.box.clientWidth / 2;
    this.tip.style.left = right ? "auto" : `${x + 12}px`;
    this.tip.style.right = right ? `${this.box.clientWidth - x + 12}px` : "auto";
    this.tip.style.top = `${Math.min(y + 10, this.box.clientHeight - 110)}px`;
  }

  release(event) {
    const [x0, y0] = this.from ?? [0, 0];
    this.from = null;
    if (Math.hypot(event.clientX - x0, event.clientY - y0) > 5) return;
    const [i] = this.nearest(event);
    const cluster = i === null ? null : this.points.cluster[i];
    this.choose(cluster !== null && cluster >= 0 && cluster !== this.chosen ? cluster : null);
  }

  highlight(cluster) {
    this.chosen = cluster;
    this.draw();
  }
}
