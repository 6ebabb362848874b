'use strict';
{
const SVG = 'http://www.w3.org/2000/svg';
const HTML = 'http://www.w3.org/1999/xhtml';
const root = document.getElementById('edbprof');
const data = JSON.parse(document.getElementById('profile').textContent);

function make(space, tag, attributes, ...children) {
  const element = document.createElementNS(space, tag);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...children);
  return element;
}

const significant = value =>
  value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
const share = ns => (data.whole ? 100 * ns / data.whole : 0).toFixed(2) + ' %';
const counted = (n, one, many) => n.toLocaleString('en') + ' ' + (n === 1 ? one : many);

function duration(ns) {
  for (const [unit, size] of [['s', 1e9], ['ms', 1e6], ['µs', 1e3]]) {
    if (ns >= 0.9995 * size) return significant(ns / size) + ' ' + unit;
  }
  return Math.round(ns) + ' ns';
}

let cell = 7.3;  // the width of one character, measured below

// `text` cut to `room` cells; East Asian characters take two.
function fit(text, room) {
  let shown = '', used = 0, cut = '';
  for (const c of text) {
    used += c.codePointAt(0) >= 0x1100 ? 2 : 1;
    if (used > room) return cut && cut + '…';
    shown += c;
    if (used < room) cut = shown;
  }
  return shown;
}

// One of the two graphs. Frame i is the i-th rectangle and the i-th entry of every
// column; a frame's children follow each other in the next row, widest first.
class Graph {
  constructor(name, columns) {
    this.name = name;
    this.columns = columns;
    this.element = document.getElementById(name);
    this.heading = document.getElementById(name + '-heading');
    this.rows = [...this.element.children];
    this.rects = [...this.element.querySelectorAll('rect')];
    const n = this.rects.length;
    this.parent = new Int32Array(n).fill(-1);
    this.depth = new Int32Array(n);
    this.start = new Float64Array(n);
    this.self = new Float64Array(n);
    this.estimated = new Uint8Array(n);
    this.shown = new Uint8Array(n).fill(1);
    this.x = new Float64Array(n);
    this.width = new Float64Array(n);
    const { total, hidden, children } = columns;
    let next = 0;
    const place = (count, left, parent) => {
      for (const end = next + count; next < end; next++) {
        this.parent[next] = parent;
        this.depth[next] = parent < 0 ? 0 : this.depth[parent] + 1;
        this.start[next] = left;
        left += total[next];
      }
      return left;
    };
    place(columns.roots, 0, -1);
    for (let i = 0; i < n; i++) {
      this.rects[i].frame = i;
      this.self[i] = total[i] - hidden[i] - (place(children[i], this.start[i], i) - this.start[i]);
    }
    let at = 0, flag = 0;
    for (const run of columns.estimated) {
      this.estimated.fill(flag, at, at + run);
      at += run;
      flag ^= 1;
    }
    this.zoomed = -1;
    this.current = 0;
    this.measure();
  }

  function(i) { return this.columns.function[i]; }
  text(i) { return data.names[this.function(i)]; }

  // Left edge and width of every frame as shares of the graph's width.
  measure() {
    const z = this.zoomed, { total } = this.columns;
    const left = z < 0 ? 0 : this.start[z], span = (z < 0 ? data.whole : total[z]) || 1;
    const inside = new Uint8Array(total.length);
    for (let i = 0; i < total.length; i++) {
      inside[i] = z < 0 || i === z || this.parent[i] >= 0 && inside[this.parent[i]];
      this.shown[i] = inside[i];
      this.x[i] = (this.start[i] - left) / span;
      this.width[i] = total[i] / span;
    }
    for (let i = z < 0 ? -1 : this.parent[z]; i >= 0; i = this.parent[i]) {
      [this.shown[i], this.x[i], this.width[i]] = [1, 0, 1];
    }
  }

  zoom(i) {
    this.zoomed = i < this.rects.length ? i : -1;
    this.measure();
    const top = this.zoomed < 0 ? 0 : this.depth[this.zoomed];
    this.rects.forEach((rect, i) => {
      if (!this.shown[i]) return rect.setAttribute('display', 'none');
      rect.removeAttribute('display');
      rect.setAttribute('x', 100 * this.x[i] + '%');
      rect.setAttribute('width', 100 * this.width[i] + '%');
      rect.classList.toggle('faded', this.depth[i] < top);
      rect.classList.toggle('w', this.width[i] > 0.002);
    });
    this.label();
  }

  label() {
    for (const old of this.element.querySelectorAll('svg')) old.remove();
    const pixels = this.element.getBoundingClientRect().width / scale().a;
    for (let i = 0; i < this.rects.length; i++) {
      const room = Math.floor((this.width[i] * pixels - 7) / cell);
      if (!this.shown[i] || room < 2) continue;
      const text = fit(this.text(i), room);
      if (!text) continue;
      this.rows[this.depth[i]].append(make(SVG, 'svg', {
        x: 100 * this.x[i] + '%', width: 100 * this.width[i] + '%', height: 17,
      }, make(SVG, 'text', { x: 4, y: 12.5 }, text)));
    }
  }

  describe(i) {
    const { total, calls, resumes } = this.columns, f = this.function(i);
    let base = i;
    while (this.parent[base] >= 0) base = this.parent[base];
    const where = this.name === 'stacks'
      ? [`${share(total[i])} of all time here: total ${duration(total[i])}, self ${duration(this.self[i])}`,
         calls[i] || resumes[i] ? counted(calls[i], 'call', 'calls')
           + (resumes[i] ? ', ' + counted(resumes[i], 'resume', 'resumes') : '') + ' on this path' : '']
      : [i === base ? `${share(total[i])} of all time is its own: ${duration(total[i])}`
           : `${share(total[i])} of all time: ${duration(total[i])} of ${this.text(base)}'s own time came this way`];
    const [cc, nc, tt, ct, least] = data.figures[f] || [];
    if (nc !== undefined) {
      where.push(`Everywhere: total ${least ? 'at least ' : ''}${duration(ct * 1e9)}, self ${duration(tt * 1e9)}, `
        + counted(nc, 'call', 'calls') + (cc === nc ? '' : ` (${counted(cc, 'primitive', 'primitive')})`));
    }
    where.push(this.estimated[i] ? 'Estimated: the input held callers, not call stacks' : '');
    return [this.text(i), data.places[f], ...where];
  }
}

const graphs = ['stacks', 'reverse'].map(name => new Graph(name, data[name]));
const scale = () => root.getScreenCTM();
const probe = make(SVG, 'text', { visibility: 'hidden' }, 'm'.repeat(50));
root.append(probe);
cell = probe.getComputedTextLength() / 50 || cell;
probe.remove();

// Tools: search field, reset button, matched share. They stay in view.
const query = make(HTML, 'input', {
  type: 'search', placeholder: 'Search: regular expression', 'aria-label': 'Search', spellcheck: 'false',
});
const reset = make(HTML, 'button', { type: 'button', title: 'Escape' }, 'Reset');
const matched = make(HTML, 'span', { role: 'status' });
const tools = make(HTML, 'div', { id: 'tools' }, query, reset, matched);
const top = document.getElementById('top');
top.append(make(SVG, 'foreignObject', { x: 16, y: 52, width: '96%', height: 32 }, tools));
// The head and the heading of the graph in view move along with the window.
const stick = () => {
  const { d, f } = scale(), above = Math.max(0, -f / d);
  top.setAttribute('transform', `translate(0 ${above})`);
  let head = 0;
  for (const { element, heading } of graphs) {
    const most = element.height.baseVal.value, natural = element.y.baseVal.value;
    head = head || natural;
    const shift = Math.max(0, Math.min(most, above + head - natural));
    heading.setAttribute('transform', `translate(0 ${shift})`);
  }
};
addEventListener('scroll', stick, { passive: true });

const lines = [...Array(6)].map((_, i) => make(HTML, i ? 'div' : 'b', {}));
const tip = make(HTML, 'div', { id: 'tip', role: 'status', 'aria-live': 'polite' }, ...lines);
const tipbox = make(SVG, 'foreignObject', { id: 'tipbox', width: 640, height: 240, display: 'none' }, tip);
root.append(tipbox);

function showTip(graph, i, clientX, clientY) {
  const text = graph.describe(i);
  lines.forEach((line, at) => { line.textContent = text[at] || ''; });
  tipbox.removeAttribute('display');
  const m = scale(), box = tip.getBoundingClientRect();
  const left = Math.max(4, Math.min(clientX + 14, innerWidth - box.width - 8));
  const above = clientY + 18 + box.height > innerHeight;
  const up = above ? Math.max(4, clientY - box.height - 12) : clientY + 18;
  tipbox.setAttribute('x', (left - m.e) / m.a);
  tipbox.setAttribute('y', (up - m.f) / m.d);
}
const hideTip = () => tipbox.setAttribute('display', 'none');

// Hovering a function shows where else it is.
const rectsOf = data.names.map(() => []);
for (const graph of graphs) graph.rects.forEach((rect, i) => rectsOf[graph.function(i)].push(rect));
let marked = -1;
function mark(f) {
  if (f === marked) return;
  for (const rect of rectsOf[marked] || []) rect.classList.remove('same');
  for (const rect of rectsOf[f] || []) rect.classList.add('same');
  marked = f;
}

function search(text) {
  query.value = text;
  let pattern = null;
  try {
    pattern = text ? new RegExp(text, text === text.toLowerCase() ? 'iu' : 'u') : null;
    query.removeAttribute('aria-invalid');
    matched.textContent = '';
  } catch (error) {
    query.setAttribute('aria-invalid', 'true');
    matched.textContent = 'Not a regular expression';
  }
  const hits = data.names.map((name, f) => pattern !== null && pattern.test(`${name} ${data.places[f]}`));
  const sums = graphs.map(graph => {
    const under = new Uint8Array(graph.rects.length);
    let sum = 0;
    graph.rects.forEach((rect, i) => {
      const hit = hits[graph.function(i)], parent = graph.parent[i];
      rect.classList.toggle('hit', hit);
      under[i] = hit || parent >= 0 && under[parent];
      // Only what stands on nothing that matches counts; in the reverse graph only the bottom row does.
      if (hit && (parent < 0 || graph.name === 'stacks' && !under[parent])) sum += graph.columns.total[i];
    });
    return sum;
  });
  root.classList.toggle('searching', pattern !== null);
  if (pattern) {
    matched.textContent = `${counted(hits.filter(Boolean).length, 'function', 'functions')}: `
      + `on the stack ${share(sums[0])} of the time, themselves running ${share(sums[1])}`;
  }
  remember();
}

// The state in the address, so that it can be kept and sent.
function remember() {
  const state = new URLSearchParams();
  for (const graph of graphs) if (graph.zoomed >= 0) state.set(graph.name, graph.zoomed);
  if (query.value) state.set('search', query.value);
  reset.disabled = ![...state].length;
  const hash = '#' + state;
  if (hash !== (location.hash || '#')) location.replace(hash);
}

function zoom(graph, i) {
  graph.zoom(i);
  remember();
}

function start() {
  for (const graph of graphs) graph.zoom(-1);
  search('');
}

for (const graph of graphs) {
  const { element } = graph;
  element.setAttribute('tabindex', '0');
  const frame = event => event.target.frame;
  element.addEventListener('click', event => {
    if (frame(event) !== undefined) zoom(graph, frame(event) === graph.zoomed ? graph.parent[graph.zoomed] : frame(event));
  });
  element.addEventListener('mousemove', event => {
    if (frame(event) === undefined) return leave();
    mark(graph.function(frame(event)));
    showTip(graph, frame(event), event.clientX, event.clientY);
  });
  const leave = () => { hideTip(); mark(-1); };
  element.addEventListener('mouseleave', leave);
  element.addEventListener('blur', leave);

  const go = i => {
    if (!(i >= 0 && i < graph.rects.length) || !graph.shown[i]) return;
    graph.rects[graph.current].classList.remove('current');
    graph.current = i;
    const rect = graph.rects[i];
    rect.classList.add('current');
    rect.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const box = rect.getBoundingClientRect();
    showTip(graph, i, box.left, box.bottom);
  };
  const sibling = step => {
    const i = graph.current + step;
    return graph.parent[i] === graph.parent[graph.current] ? i : -1;
  };
  const keys = {
    ArrowUp: () => go(graph.parent.indexOf(graph.current)),
    ArrowDown: () => go(graph.parent[graph.current]),
    ArrowLeft: () => go(sibling(-1)),
    ArrowRight: () => go(sibling(1)),
    Enter: () => zoom(graph, graph.current),
    ' ': () => zoom(graph, graph.current),
  };
  element.addEventListener('focus', () => { if (element.matches(':focus-visible')) go(graph.current); });
  element.addEventListener('keydown', event => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
}

let pause;
query.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(() => search(query.value), 120);
});
reset.addEventListener('click', start);
addEventListener('keydown', event => {
  if (event.key === 'Escape') start();
  if (event.key === '/' && event.target !== query || event.key === 'f' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    query.focus();
  }
});
let width = innerWidth;
addEventListener('resize', () => {
  if (width !== innerWidth) for (const graph of graphs) graph.label();
  width = innerWidth;
});

const state = new URLSearchParams(location.hash.slice(1));
for (const graph of graphs) {
  const zoomed = parseInt(state.get(graph.name), 10);
  if (zoomed >= 0) graph.zoom(zoomed);
  else graph.label();
}
search(state.get('search') || '');
// Call stacks grow upwards: begin where they begin. What lies above is cut off until the
// reader does something, not scrolled over: a screenshot shows a page from its top.
const page = { height: root.getAttribute('height'), viewBox: root.getAttribute('viewBox') };
let above = 0;
function restore() {
  root.setAttribute('height', page.height);
  if (page.viewBox) root.setAttribute('viewBox', page.viewBox);
  else root.removeAttribute('viewBox');
}
function cut() {
  restore();
  above = Math.max(0, Math.round(graphs[0].element.getBoundingClientRect().bottom - innerHeight + 24));
  if (above > 0) {
    const left = page.height - above;
    root.setAttribute('viewBox', `0 ${above} ${root.getBoundingClientRect().width} ${left}`);
    root.setAttribute('height', left);
  }
  stick();
}
const acts = ['wheel', 'pointerdown', 'touchstart', 'keydown', 'scroll', 'beforeprint'];
function act() {
  for (const kind of acts) removeEventListener(kind, act, true);
  removeEventListener('resize', cut);
  restore();
  scrollTo(0, scrollY + above);
  stick();
}
if (root === document.documentElement) {
  cut();
  addEventListener('resize', cut);
  for (const kind of acts) addEventListener(kind, act, { capture: true, passive: true });
}
}
