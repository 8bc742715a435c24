"use strict";
const nodes = JSON.parse(document.getElementById("facts").textContent);
const svg = document.querySelector("svg.roar"), view = document.getElementById("view");
const panel = document.querySelector("aside"), words = document.getElementById("words"), count = document.getElementById("count");
const boxes = [...svg.querySelectorAll(".node")];
const edges = [...svg.querySelectorAll(".edge")].map(
  element => ({element, source: +element.dataset.source, target: +element.dataset.target}));
const following = boxes.map(() => []), preceding = boxes.map(() => []);
for (const {source, target} of edges) { following[source].push(target); preceding[target].push(source); }

/* ---- moving and scaling: the part of the picture that is seen ---- */

const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
let seen = {x: 0, y: 0, w: width, h: height};
document.body.classList.add("live");
svg.setAttribute("width", "100%");
svg.setAttribute("height", "100%");

function show() { svg.setAttribute("viewBox", `${seen.x} ${seen.y} ${seen.w} ${seen.h}`); }

function fit() {
  const room = view.getBoundingClientRect(), scale = Math.max(width / room.width, height / room.height, 1);
  seen = {w: room.width * scale, h: room.height * scale};
  seen.x = (width - seen.w) / 2;
  seen.y = (height - seen.h) / 2;
  show();
}

function zoom(factor, x, y) {
  const room = view.getBoundingClientRect();
  const by = Math.min(Math.max(seen.w * factor, 80), Math.max(width, room.width) * 8) / seen.w;
  seen.x += (x - room.left) / room.width * seen.w * (1 - by);
  seen.y += (y - room.top) / room.height * seen.h * (1 - by);
  seen.w *= by;
  seen.h *= by;
  show();
}

view.addEventListener("wheel", event => {
  event.preventDefault();
  zoom(Math.exp(event.deltaY * 0.0015), event.clientX, event.clientY);
}, {passive: false});

const fingers = new Map();
let drag = null;
const apart = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

view.addEventListener("pointerdown", event => {
  fingers.set(event.pointerId, event);
  drag = {x: event.clientX, y: event.clientY, moved: false};
});
view.addEventListener("pointermove", event => {
  if (!fingers.has(event.pointerId)) return;
  const before = [...fingers.values()];
  fingers.set(event.pointerId, event);
  if (fingers.size === 2) {
    const now = [...fingers.values()];
    if (apart(now)) zoom(apart(before) / apart(now), (now[0].clientX + now[1].clientX) / 2, (now[0].clientY + now[1].clientY) / 2);
    drag.moved = true;
    return;
  }
  const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
  if (!drag.moved && Math.hypot(dx, dy) < 4) return;
  if (!drag.moved) view.setPointerCapture(event.pointerId);
  const room = view.getBoundingClientRect();
  seen.x -= dx / room.width * seen.w;
  seen.y -= dy / room.height * seen.h;
  drag = {x: event.clientX, y: event.clientY, moved: true};
  show();
});
for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, event => fingers.delete(event.pointerId));

/* ---- choosing a box: what it came from and what was made from it ---- */

function reach(start, next) {
  const reached = new Set([start]), left = [start];
  while (left.length) for (const at of next[left.pop()]) if (!reached.has(at)) { reached.add(at); left.push(at); }
  return reached;
}

function light(nodesLit, edgesLit, choosing) {
  svg.classList.toggle("choosing", choosing);
  boxes.forEach((box, at) => box.classList.toggle("lit", nodesLit(at)));
  for (const edge of edges) edge.element.classList.toggle("lit", edgesLit(edge));
}

function choose(at) {
  for (const box of boxes) box.classList.remove("chosen");
  panel.hidden = at === null;
  if (at === null) return light(() => false, () => false, false);
  const up = reach(at, preceding), down = reach(at, following);
  light(node => up.has(node) || down.has(node),
    ({source, target}) => (up.has(source) && up.has(target)) || (down.has(source) && down.has(target)), true);
  boxes[at].classList.add("chosen");
  const title = document.createElement("h2"), list = document.createElement("dl");
  title.textContent = nodes[at].title;
  for (const [name, value] of Object.entries(nodes[at].facts)) {
    const term = document.createElement("dt"), fact = document.createElement("dd");
    term.textContent = name;
    fact.textContent = value;
    list.append(term, fact);
  }
  panel.replaceChildren(title, list);
}

boxes.forEach((box, at) => {
  box.setAttribute("tabindex", "0");
  box.setAttribute("role", "button");
  box.addEventListener("click", () => { if (!drag?.moved) choose(at); });
  box.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(at);
  });
});
view.addEventListener("click", event => { if (!event.target.closest(".node") && !drag?.moved) choose(null); });

/* ---- finding boxes by words ---- */

const texts = nodes.map(node => `${node.title} ${Object.values(node.facts).join(" ")}`.toLowerCase());

function find() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = texts.map(text => wanted.length > 0 && wanted.every(word => text.includes(word)));
  boxes.forEach((box, at) => box.classList.toggle("found", found[at]));
  count.textContent = wanted.length ? `${found.filter(Boolean).length} found` : "";
  light(at => found[at], () => false, wanted.length > 0);
}

words.addEventListener("input", find);
document.addEventListener("keydown", event => {
  if (event.key === "Escape") { words.value = ""; find(); choose(null); }
  else if (event.key === "/" && event.target !== words) { event.preventDefault(); words.focus(); }
});
document.getElementById("fit").addEventListener("click", fit);
addEventListener("resize", fit);
fit();
