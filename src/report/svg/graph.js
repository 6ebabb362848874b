const SVG = 'http://www.w3.org/2000/svg';
const HTML = 'http://www.w3.org/1999/xhtml';
const root = document.getElementById('edbprof');
const data = JSON.parse(document.getElementById('profile').textContent);
const { LEVEL, FRAME, UNITS, WITH_EDGE, VISIBLE, CELL, PADDING } = data.rules;
const scale = () => root.getScreenCTM();

function make(space, tag, attributes, ...children) {
  const element = document.createElementNS(space, tag);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...children);
  return element;
}

// A number of 0 or more with so many decimals. A half becomes the even digit, as by the program.
function rounded(value, decimals) {
  const digits = value * 10 ** decimals;
  // A half is exact only in as many binary digits.
  const isHalf = Number.isInteger(value * 2 ** (decimals + 1)) && digits % 1 === 0.5;
  return (isHalf ? 2 * Math.round(digits / 2) / 10 ** decimals : value).toFixed(decimals);
}

const percent = (part, whole) => rounded(whole ? 100 * part / whole : 0, 2) + ' %';
const share = ns => percent(ns, data.whole);
const counted = (n, one, many) => n.toLocaleString('en') + ' ' + (n === 1 ? one : many);

// Computed by the steps of the program, because another way makes a half of other numbers.
function duration(ns) {
  const seconds = ns / 1e9;
  for (const [unit, number, least] of [['s', 1, 0.9995], ['ms', 1e3, 0.9995e-3], ['µs', 1e6, 0.9995e-6]]) {
    if (seconds < least) continue;
    const value = seconds * number;
    return rounded(value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2) + ' ' + unit;
  }
  return ns ? rounded(seconds * 1e9, 0) + ' ns' : '0 s';
}

// The width of one character, pixels.
const probe = make(SVG, 'text', { visibility: 'hidden' }, 'm'.repeat(50));
root.append(probe);
const cell = probe.getComputedTextLength() / 50 || CELL;
probe.remove();

// The beginning of `text` in `room` cells; characters take one unless `cells` says otherwise.
function beginning(text, room, cells) {
  let shown = '', used = 0, cut = '';
  for (const c of text) {
    used += cells[c] ?? 1;
    if (used > room) return cut && cut + '…';
    shown += c;
    if (used < room) cut = shown;
  }
  return shown;
}

// One of the two graphs. Frames are numbered level by level, from left to right, so the
// children of neighbours are neighbours. A frame is a node of the call tree, an entry of
// every column, or it stands for the children of its parent that have no frame.
class Graph {
  constructor(name, columns) {
    this.name = name;
    this.hangs = name === 'reverse';
    this.element = document.getElementById(name);
    this.heading = document.getElementById(name + '-heading');
    this.bars = this.element.querySelector('.bars');
    this.labels = this.element.querySelector('.labels');
    this.height = this.element.height.baseVal.value;
    this.overlays = {};
    for (const kind of ['hits', 'same', 'current']) {
      this.overlays[kind] = make(SVG, 'path', { class: kind });
      this.labels.before(make(SVG, 'svg', {
        viewBox: this.bars.getAttribute('viewBox'), preserveAspectRatio: 'none', width: '100%', height: this.height,
      }, this.overlays[kind]));
    }
    this.load(columns);
  }

  // Takes other frames.
  load(columns) {
    this.columns = columns;
    const { total, children, hidden, roots } = columns;
    const n = this.count = total.length + hidden.filter(Boolean).length + (roots[1] ? 1 : 0);
    this.entry = new Int32Array(n);  // in the columns; -1 for what has none
    this.parent = new Int32Array(n);
    this.first = new Int32Array(n + 1);  // where its children begin
    this.start = new Float64Array(n);  // nanoseconds from the graph's left edge
    this.total = new Float64Array(n);
    this.self = new Float64Array(n);
    let next = 0, entry = 0;
    const place = (parent, left, count, rest) => {
      for (let at = 0; at < count; at++, next++, entry++) {
        [this.entry[next], this.parent[next], this.start[next]] = [entry, parent, left];
        this.total[next] = this.self[next] = total[entry];
        left += total[entry];
      }
      if (rest) {
        [this.entry[next], this.parent[next], this.start[next]] = [-1, parent, left];
        this.total[next++] = rest[0];
        left += rest[0];
      }
      return left;
    };
    place(-1, 0, ...roots);
    for (let i = 0; i < n; i++) {
      this.first[i] = next;
      const at = this.entry[i];
      if (at >= 0) this.self[i] -= place(i, this.start[i], children[at], hidden[at]) - this.start[i];
    }
    this.first[n] = n;
    this.estimated = new Uint8Array(total.length);
    let at = 0, flag = 0;
    for (const run of columns.estimated) {
      this.estimated.fill(flag, at, at + run);
      at += run;
      flag ^= 1;
    }
    this.waits = new Float64Array(total.length);
    const waits = columns.waits || [];
    for (let at = 0; at < waits.length; at += 2) this.waits[waits[at]] = waits[at + 1];
    this.marksEstimates = columns.estimated.length > 2 || columns.estimated[0] > 0 && columns.estimated.length > 1;
    this.current = 0;
    this.look(-1);
    this.setHeight(Math.max(1, this.levels.length) * LEVEL);
  }

  setHeight(height) {
    this.height = height;
    this.element.setAttribute('height', height);
    for (const layer of this.element.querySelectorAll('svg[preserveAspectRatio]')) {
      layer.setAttribute('height', height);
      layer.setAttribute('viewBox', `0 0 ${UNITS} ${height}`);
    }
  }

  // The function of frame i, undefined where it stands for several.
  function(i) { return this.columns.function[this.entry[i]]; }

  text(i) {
    if (this.entry[i] >= 0) return data.names[this.function(i)];
    const { hidden, roots } = this.columns;
    const above = this.parent[i], rest = above < 0 ? roots[1] : hidden[this.entry[above]];
    return rest[2] ? `... ${rest[2].toLocaleString('en')} frames deeper`
      : `(${counted(rest[1], 'function', 'functions')} ${data.narrow})`;
  }

  // Makes frame i as wide as the graph; -1 is the whole graph. What is in view of a
  // level then is the frames from levels[l][0] to before levels[l][1].
  look(i) {
    this.zoomed = i < this.count ? i : -1;
    this.levels = [];
    for (let at = this.zoomed < 0 ? -1 : this.parent[this.zoomed]; at >= 0; at = this.parent[at]) {
      this.levels.unshift([at, at + 1]);
    }
    this.base = this.levels.length;
    const roots = this.columns.roots[0] + (this.columns.roots[1] ? 1 : 0);
    let [from, to] = this.zoomed < 0 ? [0, roots] : [this.zoomed, this.zoomed + 1];
    while (from < to) {
      this.levels.push([from, to]);
      [from, to] = [this.first[from], this.first[to]];
    }
    this.left = this.zoomed < 0 ? 0 : this.start[this.zoomed];
    this.span = (this.zoomed < 0 ? data.whole : this.total[this.zoomed]) || 1;
  }

  // Left edge and width of a frame in view, as shares of the graph's width.
  extent(i, level) {
    return level < this.base ? [0, 1] : [(this.start[i] - this.left) / this.span, this.total[i] / this.span];
  }

  top(level) { return this.hangs ? level * LEVEL : this.height - (level + 1) * LEVEL; }

  pixels() { return this.element.width.baseVal.value; }

  // Calls `draw` with every frame that is wide enough to be seen, level by level.
  visible(draw) {
    const least = VISIBLE / this.pixels();
    this.levels.forEach(([from, to], level) => {
      for (let i = from; i < to; i++) {
        const [x, width] = this.extent(i, level);
        if (width >= least) draw(i, level, x, width);
      }
    });
  }

  path(x, width, y) {
    return `M${(UNITS * x).toFixed(1)} ${y}v${FRAME}H${(UNITS * (x + width)).toFixed(1)}v-${FRAME}z`;
  }

  draw() {
    const pixels = this.drawn = this.pixels();
    const paths = this.levels.map(() => new Map());
    const labels = [], waits = this.levels.map(() => '');
    this.visible((i, level, x, width) => {
      const entry = this.entry[i];
      const kind = (entry < 0 ? 'f' : data.classes[this.columns.function[entry]])
        + (this.marksEstimates && this.estimated[entry] ? ' e' : '')
        + (width > WITH_EDGE ? ' w' : '') + (level < this.base ? ' faded' : '');
      paths[level].set(kind, (paths[level].get(kind) || '') + this.path(x, width, 0));
      const wait = entry < 0 || level < this.base ? 0 : width * this.waits[entry] / this.total[i];
      if (wait * pixels >= VISIBLE) {
        waits[level] += `M${(UNITS * (x + width - wait)).toFixed(1)} ${FRAME / 2}H${(UNITS * (x + width)).toFixed(1)}`;
      }
      const room = Math.floor((width * pixels - PADDING) / cell);
      const text = room >= 2 && beginning(this.text(i), room, data.cells);
      if (!text) return;
      labels.push(make(SVG, 'svg', {
        role: 'img', x: 100 * x + '%', y: this.top(level), width: 100 * width + '%', height: FRAME,
      }, make(SVG, 'title', {}, `${this.text(i)}, ${this.shares(i)}, ${duration(this.total[i])}`),
         make(SVG, 'text', { x: 4, y: 12.5 }, text)));
    });
    this.bars.replaceChildren(...paths.map((kinds, level) =>
      make(SVG, 'g', { transform: `translate(0 ${this.top(level)})` },
        ...[...kinds].map(([kind, d]) => make(SVG, 'path', { class: kind, d })),
        ...waits[level] ? [make(SVG, 'path', { class: 'waits', d: waits[level] })] : [])));
    this.labels.replaceChildren(...labels);
  }

  // Draws over the frames in view that `chosen` accepts.
  overlay(kind, chosen) {
    let d = '';
    if (chosen) {
      this.visible((i, level, x, width) => {
        if (chosen(i)) d += this.path(x, width, this.top(level));
      });
    }
    this.overlays[kind].setAttribute('d', d);
  }

  // The frame at a place in the window, or -1.
  at(clientX, clientY) {
    const { a, d, e, f } = this.element.getScreenCTM();
    const y = (clientY - f) / d, level = Math.floor((this.hangs ? y : this.height - y) / LEVEL);
    const x = (clientX - e) / a / this.pixels();
    if (!this.levels[level] || x < 0 || x >= 1) return -1;
    let [from, to] = this.levels[level];
    while (from + 1 < to) {
      const middle = from + to >> 1;
      if (this.extent(middle, level)[0] <= x) from = middle; else to = middle;
    }
    const [left, width] = this.extent(from, level);
    return left <= x && x < left + width ? from : -1;
  }

  // The level of a frame that is in view, or -1.
  levelOf(i) { return this.levels.findIndex(([from, to]) => from <= i && i < to); }

  // The share of all time, and of the frame that is zoomed to.
  shares(i) {
    const ofAll = `${share(this.total[i])} of all time`;
    if (this.zoomed < 0 || i === this.zoomed || this.total[i] > this.span) return ofAll;
    return `${ofAll}, ${percent(this.total[i], this.span)} of ${this.text(this.zoomed)}`;
  }

  describe(i) {
    const total = this.shares(i);
    let base = i;
    while (this.parent[base] >= 0) base = this.parent[base];
    if (this.entry[i] < 0) return [this.text(i), '', `${total}: ${duration(this.total[i])}`];
    const { calls, resumes } = this.columns, entry = this.entry[i], f = this.function(i);
    const lines = this.name === 'stacks'
      ? [`${total} here: total ${duration(this.total[i])}, self ${duration(this.self[i])}`
           + (this.waits[entry] ? `, ${duration(this.waits[entry])} of it waiting` : ''),
         calls[entry] || resumes[entry] ? counted(calls[entry], 'call', 'calls')
           + (resumes[entry] ? ', ' + counted(resumes[entry], 'resume', 'resumes') : '') + ' on this path' : '']
      : [i === base ? `${total} is its own: ${duration(this.total[i])}`
           : `${total}: ${duration(this.total[i])} of ${this.text(base)}'s own time came this way`];
    const [cc, nc, tt, ct, least] = data.figures[f] || [];
    if (nc !== undefined) {
      lines.push(`Everywhere: total ${least ? 'at least ' : ''}${duration(Math.round(ct * 1e9))}, self ${least > 1 ? 'at least ' : ''}${duration(Math.round(tt * 1e9))}, `
        + `${counted(nc, 'call', 'calls')} (${counted(cc, 'primitive', 'primitive')})`);
    }
    if (data.ran[f]) {
      const [processes, ...threads] = data.ran[f], names = threads.map(thread => data.threads[thread]);
      const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
      lines.push(`Ran in ${processes.toLocaleString('en')} of ${counted(data.processes, 'process', 'processes')}; `
        + `threads: ${names.slice(0, 5).join(', ')}${more}`);
    }
    lines.push(this.estimated[entry] ? 'Estimated: the input held callers, not call stacks' : 'Exact: recorded as a call tree');
    return [data.names[f], data.places[f], ...lines];
  }
}
