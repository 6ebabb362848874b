const graphs = ['stacks', 'reverse'].map(name => new Graph(name, data[name]));
root.classList.add('live');

// Tools: search field, reset button, matched share. They stay in view.
const query = make(HTML, 'input', {
  type: 'search', placeholder: 'Search: regular expression', 'aria-label': 'Search', spellcheck: 'false',
});
const reset = make(HTML, 'button', { type: 'button', title: 'Escape' }, 'Reset');
const matched = make(HTML, 'span', { role: 'status' });
const tools = make(HTML, 'div', { id: 'tools' }, query, reset, matched);
const top = document.getElementById('top');
top.append(make(SVG, 'foreignObject', { x: 16, y: 72, width: '96%', height: 32 }, tools));
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

const lines = [...Array(8)].map((_, i) => make(HTML, i ? 'div' : 'b', {}));
const tip = make(HTML, 'div', { id: 'tip', role: 'status', 'aria-live': 'polite' }, ...lines);
const tipbox = make(SVG, 'foreignObject', { id: 'tipbox', width: 640, height: 240, display: 'none' }, tip);
root.append(tipbox);

function showTip(graph, i, clientX, clientY) {
  const text = graph.describe(i);
  lines.forEach((line, at) => { line.textContent = text[at] || ''; });
  tipbox.removeAttribute('display');
  const m = scale(), box = tip.getBoundingClientRect();
  const left = Math.max(4, Math.min(clientX + 14, innerWidth - box.width - 8));
  // Below the picture nothing would be seen of it.
  const bottom = Math.min(innerHeight, root.getBoundingClientRect().bottom);
  const above = clientY + 18 + box.height > bottom;
  const up = above ? Math.max(4, clientY - box.height - 12) : clientY + 18;
  tipbox.setAttribute('x', (left - m.e) / m.a);
  tipbox.setAttribute('y', (up - m.f) / m.d);
}
const hideTip = () => tipbox.setAttribute('display', 'none');

// Hovering a function shows where else it is.
let marked;
function mark(f) {
  if (f === marked) return;
  marked = f;
  for (const graph of graphs) graph.overlay('same', f === undefined ? null : i => graph.function(i) === f);
}

let hits = [];  // for each function, whether it matches what is searched

function search(text) {
  query.value = text;
  let pattern = null;
  matched.textContent = '';
  query.removeAttribute('aria-invalid');
  try {
    pattern = text ? new RegExp(text, text === text.toLowerCase() ? 'iu' : 'u') : null;
  } catch (error) {
    query.setAttribute('aria-invalid', 'true');
    matched.textContent = 'Not a regular expression';
  }
  root.classList.toggle('searching', pattern !== null);
  hits = pattern ? data.names.map((name, f) => pattern.test(`${name} ${data.places[f]}`)) : [];
  if (pattern) {
    const [stacks, reverse] = graphs.map(matchedTime);
    matched.textContent = `${counted(hits.filter(Boolean).length, 'function', 'functions')}: `
      + `on the stack ${share(stacks)} of the time, themselves running ${share(reverse)}`;
  }
  graphs.forEach(showHits);
  remember();
}

// Only what stands on nothing that matches counts; in the reverse graph only the bottom row does.
function matchedTime(graph) {
  const under = new Uint8Array(graph.count);
  let sum = 0;
  for (let i = 0; i < graph.count; i++) {
    const parent = graph.parent[i], hit = hits[graph.function(i)];
    under[i] = hit || parent >= 0 && under[parent];
    if (hit && (parent < 0 || graph.name === 'stacks' && !under[parent])) sum += graph.total[i];
  }
  return sum;
}

function showHits(graph) {
  graph.overlay('hits', hits.length ? i => hits[graph.function(i)] : null);
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
  graph.look(i);
  draw(graph);
  remember();
}

function draw(graph) {
  graph.draw();
  showHits(graph);
  graph.overlay('same', null);
  graph.overlay('current', null);
  marked = undefined;
}

function start() {
  for (const graph of graphs) zoom(graph, -1);
  search('');
}

for (const graph of graphs) {
  const { element } = graph;
  element.setAttribute('tabindex', '0');
  const leave = () => { hideTip(); mark(undefined); };
  element.addEventListener('click', event => {
    const i = graph.at(event.clientX, event.clientY);
    if (i >= 0) zoom(graph, i === graph.zoomed ? graph.parent[i] : i);
  });
  element.addEventListener('mousemove', event => {
    const i = graph.at(event.clientX, event.clientY);
    if (i < 0) return leave();
    mark(graph.function(i));
    showTip(graph, i, event.clientX, event.clientY);
  });
  element.addEventListener('mouseleave', leave);
  element.addEventListener('blur', () => { leave(); graph.overlay('current', null); });

  const go = i => {
    const level = i >= 0 && i < graph.count ? graph.levelOf(i) : -1;
    if (level < 0) return;
    graph.current = i;
    graph.overlay('current', other => other === i);
    mark(graph.function(i));
    const bring = graph.overlays.current;
    bring.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const box = bring.getBoundingClientRect();
    showTip(graph, i, box.left, box.bottom);
  };
  const sibling = step => {
    const i = graph.current + step;
    return graph.parent[i] === graph.parent[graph.current] ? i : -1;
  };
  const keys = {
    ArrowUp: () => go(graph.first[graph.current] < graph.first[graph.current + 1] ? graph.first[graph.current] : -1),
    ArrowDown: () => go(graph.parent[graph.current]),
    ArrowLeft: () => go(sibling(-1)),
    ArrowRight: () => go(sibling(1)),
    Enter: () => { zoom(graph, graph.current); go(graph.current); },
  };
  keys[' '] = keys.Enter;
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
  if (event.key === 'Escape') {
    query.blur();
    start();
  }
  if (event.key === '/' && event.target !== query || event.key === 'f' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    query.focus();
  }
});
const fluid = root.getAttribute('width') === '100%';
let width = innerWidth;
addEventListener('resize', () => {
  if (width !== innerWidth && fluid) graphs.forEach(draw);
  width = innerWidth;
});

// What the file shows without a script fits already, if the font is what it was made for.
const state = new URLSearchParams(location.hash.slice(1));
for (const graph of graphs) {
  const zoomed = parseInt(state.get(graph.name), 10);
  if (zoomed >= 0) graph.look(zoomed);
  if (zoomed >= 0 || fluid || Math.abs(cell - CELL) > 0.2) graph.draw();
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
