const graphs = ['stacks', 'reverse'].map(name => new Graph(name, data[name]));
root.classList.add('live');

// The head: what was recorded, the legend, and tools, in lines that a narrow window breaks.
const query = make(HTML, 'input', {
  type: 'search', placeholder: 'Search: regular expression', 'aria-label': 'Search', spellcheck: 'false',
});
const reset = make(HTML, 'button', { type: 'button', title: 'Escape' }, 'Show all');
const out = make(HTML, 'button', { type: 'button' }, 'Zoom out');
const only = make(HTML, 'input', { type: 'checkbox' });
const hideSwitch = make(HTML, 'label', {}, only, ' Hide imports and libraries');
const matched = make(HTML, 'span', { role: 'status' });
const looking = make(HTML, 'span', { id: 'looking' });
const tools = make(HTML, 'div', { id: 'tools' }, query, reset, out, hideSwitch, matched, looking);
const words = document.getElementById('words');
const line = (tag, ...content) => make(HTML, tag, {}, ...content);
const texts = [...words.querySelectorAll('.note')];
const legend = [...words.querySelectorAll('rect, .key')].map(({ tagName, className, nextElementSibling: text }) => {
  texts.splice(texts.indexOf(text), 1);
  const box = make(SVG, tagName, { class: className.baseVal, width: 12, height: 12, d: 'M0 6h12' });
  return line('span', line('i', make(SVG, 'svg', { width: 12, height: 12 }, box)), text.textContent);
});
const [about, ...remarks] = texts.map(text => text.textContent);
const more = line('details', line('summary', 'Colours and remarks'), line('div', ...legend),
  line('div', remarks.filter(Boolean).join(' ')));
const head = make(HTML, 'div', { id: 'head' },
  line('h1', words.querySelector('.title').textContent), line('div', about),
  line('div', 'Click a frame to zoom in, and once more to zoom out by one. Escape shows all, Back what was'
    + ' shown before, and / searches.'), tools, more);
more.open = innerWidth > 760;
more.addEventListener('toggle', () => fit());
const top = document.getElementById('top');
const headBox = make(SVG, 'foreignObject', { x: 0, y: 0, width: '100%', height: 600 }, head);
top.append(headBox);
const [topPage, rule] = top.querySelectorAll('rect');
const background = document.querySelector('#edbprof > .page');
const natural = topPage.height.baseVal.value;
const page = { height: +root.getAttribute('height'), viewBox: root.getAttribute('viewBox') };
// Where the graphs lie in the file.
const places = graphs.map(({ element }) => ({ y: element.y.baseVal.value, height: element.height.baseVal.value, moved: 0 }));
const foot = page.height - places[1].y - places[1].height;
let shift = 0, isSticky = true, isCut = false, above = 0;
// Gives the head the height that its lines need, and moves the graphs below it.
function fitHead() {
  headBox.setAttribute('height', 2000);
  const height = Math.ceil(head.getBoundingClientRect().height / scale().d);
  shift = height - natural;
  isSticky = height < innerHeight / 3;
  headBox.setAttribute('height', height);
  topPage.setAttribute('height', height);
  rule.setAttribute('y', height);
  let y = places[0].y;
  graphs.forEach(({ element, height }, at) => {
    element.setAttribute('y', y);
    places[at].moved = y - places[at].y;
    y += height + places[1].y - places[0].y - places[0].height;
  });
  page.height = y - (places[1].y - places[0].y - places[0].height) + foot;
  background.setAttribute('height', page.height + shift);
  document.getElementById('graphs').setAttribute('transform', `translate(0 ${shift})`);
}
// The head and the heading of the graph in view move along with the window.
const stick = () => {
  const { d, f } = scale(), above = Math.max(0, -f / d);
  top.setAttribute('transform', `translate(0 ${isSticky ? above : 0})`);
  const under = above + (isSticky ? natural + shift : 0);
  graphs.forEach(({ element, height, heading }, at) => {
    const place = element.y.baseVal.value - 42 + shift;
    const stuck = Math.max(0, Math.min(height, under - place));
    heading.setAttribute('transform', `translate(0 ${places[at].moved + stuck})`);
  });
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
  const right = document.documentElement.clientWidth || innerWidth;
  const left = Math.max(4, Math.min(clientX + 14, right - box.width - 8));
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
  } catch {
    query.setAttribute('aria-invalid', 'true');
    matched.textContent = 'Not a regular expression';
  }
  root.classList.toggle('searching', pattern !== null);
  hits = pattern ? data.names.map((name, f) => pattern.test(`${name} ${data.places[f]}`)) : [];
  if (pattern) {
    const [stacks, reverse] = graphs.map(matchedTime);
    matched.textContent = !hits.includes(true) ? `Nothing matches ${text}` : `${counted(hits.filter(Boolean).length, 'function', 'functions')}: `
      + `on the stack ${share(stacks)} of the time, themselves running ${share(reverse)}`;
  }
  graphs.forEach(showHits);
}

// Only what stands on nothing that matches counts; in the reverse graph only the top row does.
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

// What is shown is in the address, so that it can be kept and sent, and the browser's Back button
// leads to what was shown before.
let shown = location.hash;
function remember(isStep) {
  const state = new URLSearchParams();
  if (only.checked) state.set('own', 1);
  for (const graph of graphs) if (graph.zoomed >= 0) state.set(graph.name, graph.zoomed);
  if (query.value) state.set('search', query.value);
  showState();
  const hash = [...state].length ? '#' + state : '';
  if (hash === shown.replace(/^#$/, '')) return;
  shown = hash;
  if (isStep) location.hash = hash; else location.replace(hash || '#');
}

function showState() {
  const zoomed = graphs.filter(graph => graph.zoomed >= 0);
  reset.disabled = !zoomed.length && !query.value && !only.checked;
  out.disabled = !zoomed.length;
  looking.textContent = zoomed.map(graph => `Zoomed to ${graph.text(graph.zoomed)}, `
    + `${share(graph.total[graph.zoomed])} of all time.`).join(' ');
  fit();
}

// Shows what the address says.
function recall() {
  shown = location.hash;
  const state = new URLSearchParams(shown.slice(1));
  setOwn(state.has('own'));
  for (const graph of graphs) {
    const zoomed = parseInt(state.get(graph.name), 10);
    graph.look(zoomed >= 0 ? zoomed : -1);
    draw(graph);
  }
  search(state.get('search') || '');
  showState();
}

// Shows all frames, or the program's own.
const columnsOfOwn = [];
function setOwn(isOwnOnly) {
  if (only.checked === isOwnOnly && isOwnOnly === isOwnShown) return;
  only.checked = isOwnShown = isOwnOnly;
  graphs.forEach((graph, at) => {
    if (isOwnOnly) columnsOfOwn[at] = columnsOfOwn[at] || ownColumns(graph);
    graph.load(isOwnOnly ? columnsOfOwn[at] : data[graph.name]);
  });
}
let isOwnShown = false;
hideSwitch.hidden = !data.classes.some(kind => kind[0] === 'p');
only.addEventListener('change', () => {
  setOwn(only.checked);
  graphs.forEach(draw);
  remember(true);
});

function zoom(graph, i) {
  graph.look(i);
  draw(graph);
  remember(true);
}

function draw(graph) {
  graph.draw();
  showHits(graph);
  graph.overlay('same', null);
  graph.overlay('current', null);
  marked = undefined;
}

function start() {
  setOwn(false);
  for (const graph of graphs) {
    graph.look(-1);
    draw(graph);
  }
  search('');
  remember(true);
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
    [graph.hangs ? 'ArrowDown' : 'ArrowUp']:
      () => go(graph.first[graph.current] < graph.first[graph.current + 1] ? graph.first[graph.current] : -1),
    [graph.hangs ? 'ArrowUp' : 'ArrowDown']: () => go(graph.parent[graph.current]),
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
  pause = setTimeout(() => { search(query.value); remember(false); }, 120);
});
reset.addEventListener('click', start);
out.addEventListener('click', () => {
  for (const graph of graphs) {
    if (graph.zoomed < 0) continue;
    graph.look(graph.parent[graph.zoomed]);
    draw(graph);
  }
  remember(true);
});
addEventListener('hashchange', () => {
  if (location.hash.replace(/^#$/, '') !== shown.replace(/^#$/, '')) recall();
});
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
addEventListener('resize', fit);
// A scroll bar, which comes and goes with the height, takes room of the labels.
if (fluid) new ResizeObserver(() => graphs.filter(graph => graph.pixels() !== graph.drawn).forEach(draw)).observe(root);

// What the file shows without a script fits already, if the font is what it was made for.
if (shown.length > 1 || fluid || Math.abs(cell - CELL) > 0.2) recall(); else showState();
// Call stacks grow upwards: begin where they begin. What lies above is cut off until the
// reader does something, not scrolled over: a screenshot shows a page from its top.
function restore() {
  root.setAttribute('height', page.height + shift);
  if (page.viewBox) root.setAttribute('viewBox', page.viewBox.replace(/[^ ]+$/, page.height + shift));
  else root.removeAttribute('viewBox');
}
function cut() {
  restore();
  above = Math.max(0, Math.round(graphs[0].element.getBoundingClientRect().bottom - innerHeight + 24));
  if (above > 0) {
    const left = page.height + shift - above;
    root.setAttribute('viewBox', `0 ${above} ${root.getBoundingClientRect().width} ${left}`);
    root.setAttribute('height', left);
  }
  stick();
}
// Gives head and page their sizes. As long as the reader has done nothing, the view is cut.
function fit() {
  fitHead();
  if (isCut) return cut();
  restore();
  stick();
}
const acts = ['wheel', 'pointerdown', 'touchstart', 'keydown', 'scroll', 'beforeprint'];
function act() {
  for (const kind of acts) removeEventListener(kind, act, true);
  isCut = false;
  restore();
  scrollTo(0, scrollY + above);
  stick();
}
if (root === document.documentElement) {
  isCut = true;
  fit();
  for (const kind of acts) addEventListener(kind, act, { capture: true, passive: true });
}
