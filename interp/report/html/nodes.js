// The table of all nodes, and the place of each. Data lie packed in the page: see interp/report/browser/packed.py.
// Text from files is only ever set as textContent, or was escaped by the program that wrote the page.

// ---------------------------------------------------------------------------------------------------- data

async function unpacked(id) {
  const text = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// Reads the header and gives { layers, columns, starts, count }; each column with its Float32Array of values.
async function readNodes() {
  const buffer = await unpacked("nodes-data");
  const length = new DataView(buffer).getUint32(0, true);
  const nodes = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  nodes.starts = [];
  nodes.count = 0;
  for (const [, size] of nodes.layers) { nodes.starts.push(nodes.count); nodes.count += size; }
  nodes.columns.forEach((column, i) => {
    column.values = new Float32Array(buffer, 4 + length + 4 * i * nodes.count, nodes.count);
  });
  return nodes;
}

function layerOf(nodes, row) {
  let low = 0, high = nodes.starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (nodes.starts[middle] <= row) low = middle; else high = middle - 1;
  }
  return low;
}

function nameOf(nodes, row) {
  const layer = layerOf(nodes, row);
  return `${nodes.layers[layer][0]}:${row - nodes.starts[layer]}`;
}

function rowOf(nodes, name) {
  const colon = name.lastIndexOf(":");
  const layer = nodes.layers.findIndex(([known]) => known === name.slice(0, colon));
  const node = name.slice(colon + 1);
  if (layer < 0 || !/^\d+$/.test(node) || Number(node) >= nodes.layers[layer][1]) return -1;
  return nodes.starts[layer] + Number(node);
}

// ---------------------------------------------------------------------------------------------------- words

const MISSING = "\u2013";
const signed = (text) => text.replace("-", "\u2212");

function plain(value, places) {
  const text = value.toFixed(places);
  return signed(Number(text) === 0 ? text.replace("-", "") : text);
}

const LOOKS = {
  fixed: (value) => plain(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 0.1 || value === 0 ? 2 : 4),
  share: (value) => `${plain(value * 100, 1)} %`,
  points: (value) => (Math.round(value * 1000) > 0 ? "+" : "") + plain(value * 100, 1),
  probability: (value) => (value < 0.001 ? "< 0.001" : plain(value, 3)),
};

function shown(column, row) {
  const value = column.values[row];
  if (column.look === "words") return value < 0 ? MISSING : column.words[value];
  return Number.isNaN(value) ? MISSING : LOOKS[column.look](value);
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

// The same escapes as interp.report.tables.cells.place_of, so that a name has one address.
const placeOf = (name) => "#" + encodeURIComponent(name).replace(/%3A/g, ":").replace(/%2F/g, "/");

// ---------------------------------------------------------------------------------------------------- filters

const has = (column) => column !== undefined;

// Each filter is { label, options: [[words, test of a row]] }; one without a second option is not shown.
function filtersOf(nodes) {
  const column = Object.fromEntries(nodes.columns.map((one) => [one.key, one]));
  const { kind, reliability, effect, q } = column;
  const found = [];
  const among = (one, word) => (row) => one.values[row] === word;
  if (nodes.layers.length > 1) {
    found.push({ label: "layer", options: nodes.layers.map(([name, size], i) =>
      [`${name} (${size.toLocaleString("en")})`, (row) => row >= nodes.starts[i] && row < nodes.starts[i] + size]) });
  }
  if (has(kind)) {
    const counts = new Array(kind.words.length).fill(0);
    kind.values.forEach((value) => { if (value >= 0) counts[value] += 1; });
    found.push({ label: "kind", options: kind.words
      .map((word, i) => [`${word} (${counts[i].toLocaleString("en")})`, among(kind, i), counts[i]])
      .filter(([, , count]) => count) });
  }
  const byClass = [column.class, column.hurt].filter(has);
  if (byClass.length) {
    found.push({ label: "class", options: byClass[0].words.map((word, i) =>
      [word, (row) => byClass.some((one) => one.values[row] === i)]) });
  }
  if (has(effect)) {
    const sure = (row) => has(q) && q.values[row] < 0.05;
    found.push({ label: "effect of silencing", options: [
      ["it costs (q below 0.05)", (row) => sure(row) && effect.values[row] < 0],
      ["it gains (q below 0.05)", (row) => sure(row) && effect.values[row] > 0],
      ["none was found", (row) => !Number.isNaN(effect.values[row]) && !sure(row)],
      ["was not measured", (row) => Number.isNaN(effect.values[row])],
    ] });
  }
  if (has(kind) && has(reliability)) {
    const open = ["undecided", "unsampled"].map((word) => kind.words.indexOf(word));
    const decided = (row) => kind.values[row] >= 0 && !open.includes(kind.values[row]);
    found.push({ label: "doubt about the kind", options: [
      ["little", (row) => decided(row) && !(reliability.values[row] < 0.99)],
      ["reliability below 99 %", (row) => decided(row) && reliability.values[row] < 0.99],
      ["undecided, or not looked at", (row) => !decided(row)],
    ] });
  }
  return found.filter((one) => one.options.length > 1);
}

// ---------------------------------------------------------------------------------------------------- table

const ROW = 32;  // height of a row in pixels, as in the style sheet
const TALLEST = 8e6;  // pixels; browsers draw nothing below about 16 million

class NodeTable {
  constructor(nodes, home) {
    this.nodes = nodes;
    this.order = null;  // rows in the order shown
    this.by = null;  // column sorted by; null for the name
    this.up = true;
    this.current = 0;  // position that the arrow keys move
    this.filters = [];
    this.build(home);
    this.update();
  }

  build(home) {
    this.search = element("input", { type: "search", placeholder: "name, such as " + nameOf(this.nodes, 0),
      autocomplete: "off", spellcheck: "false" });
    this.search.addEventListener("input", () => this.update());
    const controls = element("div", { class: "filters", role: "search", "aria-label": "Find nodes" },
      element("label", {}, "search", this.search));
    for (const { label, options } of filtersOf(this.nodes)) {
      const select = element("select", {}, element("option", { value: "" }, "all"));
      options.forEach(([words], i) => select.append(element("option", { value: i }, words)));
      select.addEventListener("change", () => this.update());
      controls.append(element("label", {}, label, select));
      this.filters.push(() => (select.value === "" ? null : options[Number(select.value)][1]));
    }
    this.count = element("p", { class: "count", role: "status" });
    this.body = element("tbody", {});
    this.table = element("table", {}, this.caption(), this.head(), this.body);
    this.sizer = element("div", { class: "sizer" }, this.table);
    this.view = element("div", { class: "rows", tabindex: "0", role: "region", "aria-label": "Table of nodes" }, this.sizer);
    this.view.addEventListener("scroll", () => this.draw());
    this.view.addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => this.draw());
    home.append(controls, this.count, this.view);
  }

  caption() {
    return element("caption", {}, "A click on a heading sorts, a second one turns the order round. Arrow keys move from node to node, Enter opens a node's place.");
  }

  head() {
    this.headings = [null, ...this.nodes.columns].map((column) => {
      const button = element("button", { type: "button" }, column ? column.label : "node");
      const heading = element("th", { scope: "col", title: column ? column.meaning : "Layer and number of the node." }, button);
      if (column && column.look !== "words") heading.className = "right";
      button.addEventListener("click", () => this.sort(column));
      return heading;
    });
    return element("thead", {}, element("tr", {}, ...this.headings));
  }

  sort(column) {
    this.up = this.by === column ? !this.up : true;
    this.by = column;
    this.update();
  }

  update() {
    const words = this.search.value.trim().toLowerCase();
    const tests = this.filters.map((filter) => filter()).filter((test) => test !== null);
    const rows = [];
    for (let row = 0; row < this.nodes.count; row += 1) {
      if (tests.every((test) => test(row)) && (!words || nameOf(this.nodes, row).toLowerCase().includes(words))) rows.push(row);
    }
    this.order = this.sorted(rows);
    this.headings.forEach((heading, i) => {
      const mine = (i === 0 ? null : this.nodes.columns[i - 1]) === this.by;
      if (mine) heading.setAttribute("aria-sort", this.up ? "ascending" : "descending");
      else heading.removeAttribute("aria-sort");
    });
    this.count.textContent = `${rows.length.toLocaleString("en")} of ${this.nodes.count.toLocaleString("en")} nodes`;
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.view.classList.toggle("short", rows.length * ROW < 300);
    this.sizer.style.height = `${Math.min(rows.length * ROW, TALLEST) + this.table.tHead.offsetHeight + this.table.caption.offsetHeight}px`;
    this.current = 0;
    this.view.scrollTop = 0;
    this.draw();
  }

  // What is missing comes last in either order; words are sorted in their own order, which is that of the classes or kinds.
  sorted(rows) {
    if (this.by === null) return this.up ? rows : rows.reverse();
    const values = this.by.values, missing = this.by.look === "words" ? (value) => value < 0 : Number.isNaN;
    const known = rows.filter((row) => !missing(values[row])), others = rows.filter((row) => missing(values[row]));
    const sign = this.up ? 1 : -1;
    known.sort((a, b) => sign * (values[a] - values[b]) || a - b);
    return known.concat(others);
  }

  get visible() { return Math.ceil(this.view.clientHeight / ROW); }

  // Position of the first row in view: rows and pixels are in proportion where there are more than fit the tallest box.
  get first() {
    const free = this.sizer.offsetHeight - this.view.clientHeight;
    const last = Math.max(this.order.length - this.visible + 3, 0);
    if (this.order.length * ROW <= TALLEST) return Math.min(Math.floor(this.view.scrollTop / ROW), last);
    return Math.round((this.view.scrollTop / Math.max(free, 1)) * last);
  }

  draw() {
    const first = this.first, focused = this.body.contains(document.activeElement);
    const rows = this.order.slice(first, first + this.visible + 1);
    this.body.replaceChildren(...rows.map((row, i) => this.row(row, first + i)));
    if (focused) this.focus();
  }

  row(row, position) {
    const name = nameOf(this.nodes, row);
    const link = element("a", { href: placeOf(name), title: name, "data-position": position,
      tabindex: position === this.current ? "0" : "-1" }, element("code", {}, name));
    const cells = this.nodes.columns.map((column) => {
      const text = shown(column, row);
      if (column.look !== "words") return element("td", { class: "right" }, text);
      return element("td", { title: text }, column.key === "kind" && text !== MISSING ? element("span", { class: `badge ${text}` }, text) : text);
    });
    return element("tr", { "aria-rowindex": position + 2 }, element("td", {}, link), ...cells);
  }

  key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: this.visible - 3, PageUp: 3 - this.visible, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.tagName === "BUTTON" || !this.order.length) return;
    event.preventDefault();
    const step = steps[event.key], moves = this.body.contains(event.target) || !Number.isFinite(step);
    this.current = Math.max(0, Math.min(this.order.length - 1, moves ? this.current + step : this.first));
    this.scroll();
    this.draw();
    this.focus();
  }

  focus() { this.body.querySelector(`[data-position="${this.current}"]`)?.focus({ preventScroll: true }); }

  scroll() {
    const whole = this.visible - 3;
    if (this.order.length * ROW > TALLEST) {
      const last = Math.max(this.order.length - this.visible + 3, 1);
      if (this.current < this.first || this.current > this.first + whole) {
        this.view.scrollTop = (Math.min(this.current, last) / last) * (this.sizer.offsetHeight - this.view.clientHeight);
      }
    } else if (this.current < this.first) this.view.scrollTop = this.current * ROW;
    else if (this.current > this.first + whole) this.view.scrollTop = (this.current - whole) * ROW;
  }
}

// ---------------------------------------------------------------------------------------------------- places

class Places {
  constructor(nodes, table) {
    this.nodes = nodes;
    this.table = table;
    this.blocks = new Map();  // number of a block -> promise of its places
    this.shown = null;  // article in view
    addEventListener("hashchange", () => this.go());
    this.go();
  }

  // Shows the node that the address names; any other address is left to the browser.
  async go() {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { return; }
    const row = rowOf(this.nodes, name);
    if (row < 0) return;
    const article = document.getElementById(name) ?? await this.packed(name, row) ?? this.bare(name, row);
    if (this.shown !== article) {
      this.shown?.classList.remove("shown");
      if (!article.isConnected) document.getElementById("places").append(article);
      article.classList.add("shown");
      this.shown = article;
    }
    this.steps(article, row);
    article.scrollIntoView({ behavior: "instant" });
    article.querySelector("h3").focus({ preventScroll: true });
  }

  async packed(name, row) {
    const block = this.nodes.blocks.findIndex((rows) => rows.includes(row));
    if (block < 0) return null;
    if (!this.blocks.has(block)) {
      this.blocks.set(block, unpacked(`places-${block}`).then((buffer) => JSON.parse(new TextDecoder().decode(buffer))));
    }
    const html = (await this.blocks.get(block))[this.nodes.blocks[block].indexOf(row)];
    return document.getElementById(name) ?? document.createRange().createContextualFragment(html).querySelector("article");
  }

  // Of a node without a place of its own: what the table holds of it.
  bare(name, row) {
    const facts = this.nodes.columns.flatMap((column) => [element("dt", {}, column.label),
      element("dd", {}, shown(column, row), element("small", {}, column.meaning))]);
    return element("article", { id: name, class: "place" }, element("h3", { tabindex: "-1" }, name),
      element("p", { class: "more" }, this.nodes.rule), element("dl", { class: "facts" }, ...facts));
  }

  // Links to the nodes before and after in the order of the table, and back to the table.
  steps(article, row) {
    article.querySelector(".steps")?.remove();
    const at = this.table.order.indexOf(row);
    const links = [["all nodes", "#all-nodes"]];
    if (at > 0) links.push(["previous", placeOf(nameOf(this.nodes, this.table.order[at - 1]))]);
    if (at >= 0 && at + 1 < this.table.order.length) links.push(["next", placeOf(nameOf(this.nodes, this.table.order[at + 1]))]);
    article.querySelector("h3").after(element("p", { class: "steps" }, ...links.map(([words, href]) => element("a", { href }, words))));
  }
}

document.documentElement.classList.add("scripted");
if (document.getElementById("nodes-data")) {
  readNodes().then((nodes) => {
    const table = new NodeTable(nodes, document.getElementById("node-table"));
    new Places(nodes, table);
  });
}
