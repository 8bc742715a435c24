// The interactive graph: cytoscape draws, positions come from the server. Without this script the page has a picture and a table.
(() => {
  "use strict";
  const KIND = 0, LOOK = 1, TITLE = 2, SECOND = 3, X = 4, Y = 5, W = 6, H = 7, URL_ = 8, FACTS = 9;
  const READABLE = 0.5; // about a zoom at which titles can be read
  const LARGE = 1200; // nodes from which drawing is simpler while moving

  for (const frame of document.querySelectorAll("[data-graph]")) start(frame);

  async function start(frame) {
    let data;
    try {
      const answer = await fetch(frame.dataset.graph, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      data = await answer.json();
    } catch {
      const note = document.createElement("p");
      note.className = "graph-note";
      note.textContent = "The graph could not be loaded; the table below has the same in words.";
      frame.append(note);
      return;
    }
    frame.querySelector("[data-graph-live]").hidden = false;
    new View(frame, data);
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  class View {
    constructor(frame, data) {
      this.frame = frame;
      this.nodes = data.nodes;
      this.edges = data.edges;
      this.after = data.nodes.map(() => []);
      this.before = data.nodes.map(() => []);
      for (const [from, to] of data.edges) { this.after[from].push(to); this.before[to].push(from); }
      this.chosen = -1;
      this.hits = [];
      this.hit = -1;
      this.collapsed = new Map(); // node → what it hides
      this.files = true;
      this.only = null;
      this.canvas = frame.querySelector(".graph-canvas");
      this.side = frame.querySelector("[data-graph-side]");
      this.spoken = frame.querySelector("[data-graph-say]");
      this.large = data.nodes.length > LARGE;
      this.draw(data);
      this.listen();
      const words = [`${data.nodes.length.toLocaleString("en")} nodes`];
      if (data.truncated) words.push("not everything is shown: there is too much of it");
      frame.querySelector("[data-graph-note]").textContent = words.join(" · ");
      frame.dataset.ready = "1";
    }

    draw(data) {
      const elements = [];
      const lows = data.nodes.map((node) => node[Y] + node[H] / 2), rights = data.nodes.map((node) => node[X] + node[W] / 2);
      const wide = Math.max(1, ...rights), high = Math.max(1, ...lows);
      const scale = Math.min(1.2, (this.canvas.clientWidth - 48) / wide);
      if (!this.large) this.canvas.style.height = `${Math.round(Math.min(Math.max(high * Math.max(scale, READABLE) + 96, 260), 0.7 * innerHeight))}px`;
      data.nodes.forEach((node, at) => elements.push({
        group: "nodes", data: { id: `n${at}`, at, label: node[TITLE], w: node[W], h: node[H] },
        position: { x: node[X], y: node[Y] }, classes: `${node[KIND]} ${node[LOOK]}`,
      }));
      data.edges.forEach(([from, to], at) => elements.push({
        group: "edges", data: { id: `e${at}`, source: `n${from}`, target: `n${to}` }, classes: "files",
      }));
      let more = data.edges.length;
      this.nodes.forEach((node, at) => {
        if (node[KIND] !== "file") return;
        for (const from of this.before[at]) for (const to of this.after[at]) {
          if (more - data.edges.length > 20000) return;
          elements.push({ group: "edges", data: { id: `e${more++}`, source: `n${from}`, target: `n${to}` }, classes: "direct" });
        }
      });
      this.cy = cytoscape({
        container: this.canvas, elements, style: this.style(), layout: { name: "preset" },
        autoungrabify: true, boxSelectionEnabled: false, selectionType: "single", minZoom: 0.01, maxZoom: 3,
        textureOnViewport: this.large, hideEdgesOnViewport: false, pixelRatio: this.large ? 1 : "auto",
      });
      this.begin();
    }

    style() {
      const c = colours();
      const font = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace";
      return [
        { selector: "node", style: {
          shape: "round-rectangle", width: "data(w)", height: "data(h)", label: "data(label)", "font-size": 13, "font-family": font,
          "text-valign": "center", "text-halign": "center", "text-wrap": "ellipsis", "text-max-width": "data(w)", color: c("ink"),
          "background-color": c("file"), "border-width": 1, "border-color": c("file-line"), "min-zoomed-font-size": 7,
          "overlay-opacity": 0, events: "yes" } },
        { selector: "node.job", style: { "background-color": c("job"), "border-color": c("job-line"), "border-width": 1.5, "font-weight": 600 } },
        { selector: "node.root", style: { "background-color": c("root"), "border-color": c("root-line") } },
        { selector: "node.end", style: { "background-color": c("end"), "border-color": c("end-line") } },
        { selector: "node.private", style: { "border-style": "dashed", color: c("soft") } },
        { selector: "node.incomplete", style: { "border-color": c("warn"), "border-style": "dashed" } },
        { selector: "node.failed", style: { "background-color": c("bad-paper"), "border-color": c("bad"), "border-width": 2 } },
        { selector: "edge", style: {
          width: 1.2, "line-color": c("strong"), "overlay-opacity": 0, events: "no",
          ...(this.large ? { "curve-style": "haystack", "haystack-radius": 0 } : {
            "curve-style": "straight", "source-endpoint": "90deg", "target-endpoint": "270deg", "target-arrow-shape": "triangle",
            "target-arrow-color": c("strong"), "arrow-scale": 0.8 }) } },
        { selector: "edge.direct", style: { display: "none" } },
        { selector: ".away", style: { display: "none" } },
        { selector: "node.faint", style: { opacity: 0.22 } },
        { selector: "edge.faint", style: { opacity: 0.12 } },
        { selector: "edge.lit", style: { width: 2, "line-color": c("mark"), "target-arrow-color": c("mark"), "z-index": 5 } },
        { selector: "node.hit", style: { "border-color": c("focus"), "border-width": 3, "background-color": c("hit") } },
        { selector: "node.chosen", style: { "border-color": c("mark"), "border-width": 4 } },
      ];
    }

    begin() {
      this.cy.fit(undefined, 24);
      if (this.cy.zoom() > 1.2) { this.cy.zoom(1.2); this.cy.center(); }
      if (this.cy.zoom() < 0.8 * READABLE) { // too small to read: from the beginning, then; "Fit" shows all of it
        const box = this.cy.elements().boundingBox();
        const zoom = READABLE * 1.5, first = this.nodes.reduce((best, node, at) => (node[X] < this.nodes[best][X] ? at : best), 0);
        this.cy.viewport({ zoom, pan: { x: 24 - box.x1 * zoom, y: this.cy.height() / 2 - this.nodes[first][Y] * zoom } });
      }
    }

    listen() {
      const on = (name, act) => this.frame.querySelector(`[data-graph-${name}]`).addEventListener("click", act);
      on("fit", () => this.cy.fit(this.cy.nodes().not(".away"), 24));
      on("in", () => this.zoom(1.3));
      on("out", () => this.zoom(1 / 1.3));
      on("all", () => this.showAll());
      on("files", (event) => this.toggleFiles(event.currentTarget));
      this.cy.on("tap", "node", (event) => this.choose(event.target.data("at")));
      this.cy.on("dbltap", "node", (event) => this.open(event.target.data("at")));
      this.cy.on("tap", (event) => { if (event.target === this.cy) this.letGo(); });
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      const find = this.frame.querySelector("#graph-find");
      find.addEventListener("input", () => this.find(find.value));
      find.addEventListener("keydown", (event) => {
        if (event.key === "Enter") { event.preventDefault(); this.nextHit(event.shiftKey ? -1 : 1); }
        if (event.key === "Escape") { find.value = ""; this.find(""); }
      });
      document.addEventListener("theme", () => this.cy.style(this.style()));
      new ResizeObserver(() => this.cy.resize()).observe(this.canvas);
    }

    zoom(factor) {
      this.cy.zoom({ level: this.cy.zoom() * factor, renderedPosition: { x: this.cy.width() / 2, y: this.cy.height() / 2 } });
    }

    reach(from, next) {
      const seen = new Set(), stack = [...next[from]];
      while (stack.length) {
        const at = stack.pop();
        if (seen.has(at)) continue;
        seen.add(at);
        stack.push(...next[at]);
      }
      seen.delete(from);
      return seen;
    }

    choose(at, move = false) {
      this.chosen = at;
      const up = this.reach(at, this.before), down = this.reach(at, this.after);
      const side = (one) => (one === at ? 0 : up.has(one) ? -1 : down.has(one) ? 1 : NaN);
      const on = (from, to) => side(from) + side(to) !== 0 && !Number.isNaN(side(from) + side(to)); // not past it, from above to below
      this.cy.batch(() => {
        this.cy.elements(".faint, .lit, .chosen").removeClass("faint lit chosen");
        if (this.large) { // all but the lineage is left as it is: there is too much of it to be changed at once
          this.edges.forEach(([from, to], each) => { if (on(from, to)) this.cy.getElementById(`e${each}`).addClass("lit"); });
        } else {
          this.cy.nodes().forEach((node) => { node.addClass(Number.isNaN(side(node.data("at"))) ? "faint" : "lit"); });
          this.cy.edges().forEach((edge) => { edge.addClass(on(edge.source().data("at"), edge.target().data("at")) ? "lit" : "faint"); });
        }
        this.cy.getElementById(`n${at}`).addClass("chosen");
      });
      this.tell(at, up.size, down.size);
      if (move) this.show(at);
      else this.keep(at);
    }

    keep(at) { // in sight, now that there is less room
      const node = this.cy.getElementById(`n${at}`), here = node.renderedPosition(), half = node.renderedOuterWidth() / 2 + 12;
      const over = here.x + half - this.cy.width(), under = here.x - half;
      if (over > 0 || under < 0) this.cy.panBy({ x: over > 0 ? -over : -under, y: 0 });
    }

    show(at) {
      const node = this.cy.getElementById(`n${at}`);
      const zoom = Math.max(this.cy.zoom(), 0.55);
      this.cy.viewport({ zoom, pan: { x: this.cy.width() / 2 - node.position("x") * zoom, y: this.cy.height() / 2 - node.position("y") * zoom } });
    }

    letGo() {
      this.chosen = -1;
      this.cy.batch(() => this.cy.elements(".faint, .lit, .chosen").removeClass("faint lit chosen"));
      this.side.hidden = true;
      this.side.parentElement.classList.remove("chosen");
      this.cy.resize();
    }

    tell(at, up, down) {
      const node = this.nodes[at], make = (name, text) => { const one = document.createElement(name); one.textContent = text; return one; };
      const button = (text, act) => { const one = make("button", text); one.type = "button"; one.className = "small"; one.addEventListener("click", act); return one; };
      this.side.replaceChildren(make("h3", node[TITLE]));
      const list = document.createElement("dl");
      for (const [name, value] of node[FACTS]) {
        if (name) list.append(make("dt", name));
        list.append(make("dd", value));
      }
      this.side.append(list, make("p", `${up.toLocaleString("en")} before it, ${down.toLocaleString("en")} after it`));
      const buttons = document.createElement("div");
      buttons.className = "graph-buttons";
      if (node[URL_]) {
        const link = make("a", "Open its page");
        link.href = node[URL_];
        link.className = "button small primary";
        buttons.append(link);
      }
      buttons.append(button("Only its lineage", () => this.narrow(at)));
      if (down) buttons.append(button(this.collapsed.has(at) ? "Unfold what follows" : "Fold what follows", () => this.collapse(at)));
      this.side.append(buttons);
      this.side.hidden = false;
      this.side.parentElement.classList.add("chosen");
      this.cy.resize();
      this.spoken.textContent = `${node[KIND]} ${node[TITLE]}, ${node[LOOK] || "ok"}, ${up} before it, ${down} after it`;
    }

    open(at) { if (this.nodes[at][URL_]) location.href = this.nodes[at][URL_]; }

    narrow(at) {
      this.only = new Set([at, ...this.reach(at, this.before), ...this.reach(at, this.after)]);
      this.refresh();
      this.cy.fit(this.cy.nodes().not(".away"), 24);
    }

    collapse(at) {
      if (this.collapsed.has(at)) this.collapsed.delete(at);
      else {
        const hidden = this.reach(at, this.after);
        this.nodes.forEach((_, root) => { // what only they took goes with them
          if (!this.before[root].length && this.after[root].length && root !== at && this.after[root].every((to) => hidden.has(to))) hidden.add(root);
        });
        hidden.delete(at);
        this.collapsed.set(at, hidden);
      }
      this.refresh();
      this.choose(at);
    }

    toggleFiles(button) {
      this.files = !this.files;
      button.setAttribute("aria-pressed", String(this.files));
      this.refresh();
    }

    showAll() {
      this.only = null;
      this.collapsed.clear();
      this.files = true;
      this.frame.querySelector("[data-graph-files]").setAttribute("aria-pressed", "true");
      this.refresh();
    }

    refresh() {
      const hidden = new Set();
      for (const own of this.collapsed.values()) own.forEach((at) => hidden.add(at));
      this.gone = (at) => hidden.has(at) || (this.only !== null && !this.only.has(at)) || (!this.files && this.nodes[at][KIND] === "file");
      this.cy.batch(() => {
        this.cy.nodes().forEach((node) => {
          const at = node.data("at"), own = this.collapsed.get(at);
          node.toggleClass("away", this.gone(at));
          node.data("label", own ? `${this.nodes[at][TITLE]} +${own.size}` : this.nodes[at][TITLE]);
        });
        this.cy.edges(".direct").style("display", this.files ? "none" : "element");
      });
      this.frame.querySelector("[data-graph-all]").hidden = this.files && this.only === null && !this.collapsed.size;
    }

    find(text) {
      const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
      this.hits = words.length ? this.nodes.flatMap((node, at) => {
        const whole = `${node[TITLE]} ${node[SECOND]} ${node[FACTS].map((fact) => fact[1]).join(" ")}`.toLowerCase();
        return words.every((word) => whole.includes(word)) ? [at] : [];
      }) : [];
      this.hit = -1;
      const hits = new Set(this.hits);
      this.cy.batch(() => this.cy.nodes().forEach((node) => { node.toggleClass("hit", hits.has(node.data("at"))); }));
      this.frame.querySelector("[data-graph-count]").textContent = words.length ? `${this.hits.length} found${this.hits.length ? ", Enter goes there" : ""}` : "";
    }

    nextHit(step) {
      if (!this.hits.length) return;
      this.hit = (this.hit + step + this.hits.length) % this.hits.length;
      this.choose(this.hits[this.hit], true);
    }

    key(event) {
      const moves = { ArrowRight: () => this.along(this.after), ArrowLeft: () => this.along(this.before), ArrowDown: () => this.beside(1), ArrowUp: () => this.beside(-1) };
      const acts = {
        ...moves, "+": () => this.zoom(1.3), "=": () => this.zoom(1.3), "-": () => this.zoom(1 / 1.3), 0: () => this.cy.fit(this.cy.nodes().not(".away"), 24),
        Escape: () => this.letGo(), Enter: () => this.chosen >= 0 && this.open(this.chosen), " ": () => this.chosen >= 0 && this.collapse(this.chosen),
      };
      const act = event.ctrlKey || event.metaKey || event.altKey ? null : acts[event.key];
      if (!act) return;
      event.preventDefault();
      if (this.chosen < 0 && moves[event.key]) this.choose(this.first(), true);
      else act();
    }

    seen(at) { return !this.gone || !this.gone(at); }

    first() {
      const shown = [...this.nodes.keys()].filter((at) => this.seen(at));
      return shown.reduce((best, at) => (this.nodes[at][X] < this.nodes[best][X] ? at : best), shown[0] || 0);
    }

    along(next) {
      const here = this.nodes[this.chosen];
      const found = [...this.reachShown(next)].sort((a, b) => Math.abs(this.nodes[a][Y] - here[Y]) - Math.abs(this.nodes[b][Y] - here[Y]));
      if (found.length) this.choose(found[0], true);
    }

    *reachShown(next) { // through files that are not drawn
      const seen = new Set(), stack = [...next[this.chosen]];
      while (stack.length) {
        const at = stack.pop();
        if (seen.has(at)) continue;
        seen.add(at);
        if (this.seen(at)) yield at;
        else stack.push(...next[at]);
      }
    }

    beside(step) {
      const here = this.nodes[this.chosen];
      let best = -1;
      this.nodes.forEach((node, at) => {
        const way = (node[Y] - here[Y]) * step;
        if (Math.abs(node[X] - here[X]) > 90 || way <= 0 || !this.seen(at)) return;
        if (best < 0 || way < (this.nodes[best][Y] - here[Y]) * step) best = at;
      });
      if (best >= 0) this.choose(best, true);
    }
  }
})();
