// Unpacking: every block is gzip in base64; long lists come in pieces that are unpacked when needed.
const unpack = async (name) => {
  const text = atob(document.getElementById(`data-${name}`).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Response(bytes).body.pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
};

class Pieces {
  constructor(name, starts) {
    this.name = name;
    this.starts = starts;
    this.unpacked = [];
  }
  piece(number) {
    this.unpacked[number] ??= unpack(`${this.name}-${number}`);
    return this.unpacked[number];
  }
  async at(index) {
    let low = 0;
    let high = this.starts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= index) low = middle;
      else high = middle;
    }
    return (await this.piece(low))[index - this.starts[low]];
  }
}

// Elements are made here and nowhere else: texts go in as text, never as markup.
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child));
  return element;
};

const byId = (id) => document.getElementById(id);
const words = (name) => name.replaceAll("_", " ");
