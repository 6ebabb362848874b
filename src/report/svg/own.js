// Frames of the program's own functions alone. The time of libraries, of builtins and of all that
// an import calls is that of the own function that they stand on.

const isImport = f => data.names[f].startsWith('_find_and_load') && data.places[f].includes('importlib');
// Processes, threads and the like have no figures, and stay.
const isOwn = f => data.classes[f][0] === 'p' || data.figures[f] === null;

// The columns of `graph`, in which all frames are, for its own frames.
function ownColumns(graph) {
  const { calls, resumes, hidden, roots } = graph.columns;
  const node = () => ({ total: 0, calls: 0, resumes: 0, waits: 0, estimated: 0, rest: 0, children: new Map() });
  const top = node();
  const child = (parent, f) => {
    if (!parent.children.has(f)) parent.children.set(f, Object.assign(node(), { f }));
    return parent.children.get(f);
  };
  const addRest = (place, [total, functions, deeper]) => {
    const [t, n, d] = place.rest || [0, 0];
    place.rest = [t + total, n + functions, ...deeper || d ? [Math.max(deeper || 0, d || 0)] : []];
  };
  const places = [], imports = new Uint8Array(graph.count);
  for (let i = 0; i < graph.count; i++) {
    const entry = graph.entry[i], above = graph.parent[i], f = graph.function(i);
    if (graph.hangs) {
      // From the outermost caller to the function itself.
      const path = [];
      for (let at = entry < 0 ? above : i; at >= 0 && !isImport(graph.function(at)); at = graph.parent[at]) {
        if (isOwn(graph.function(at))) path.unshift(graph.function(at));
      }
      let place = top;
      for (const own of path) {
        place = child(place, own);
        place.total += entry < 0 ? graph.total[i] : graph.self[i];
        if (entry >= 0) place.estimated |= graph.estimated[entry];
      }
      if (entry < 0 && isOfOwn(above)) addRest(place, restOf(i));
      continue;
    }
    const parent = above < 0 ? top : places[above];
    imports[i] = entry >= 0 && isImport(f) || above >= 0 && imports[above];
    if (entry < 0) {
      if (!imports[i] && isOfOwn(above)) addRest(parent, restOf(i));
    }
    const shown = entry >= 0 && !imports[i] && isOwn(f);
    places[i] = shown ? child(parent, f) : parent;
    if (entry >= 0) places[i].waits += graph.waits[entry];
    if (!shown) continue;
    places[i].calls += calls[entry];
    places[i].resumes += resumes[entry];
    places[i].estimated |= graph.estimated[entry];
    // Where a function is above itself with libraries between, its time is counted below already.
    places[i].total += graph.total[i];
  }
  // What stands for several frames is shown above an own one only.
  function isOfOwn(above) { return above < 0 || isOwn(graph.function(above)); }
  function restOf(i) {
    const above = graph.parent[i];
    return above < 0 ? roots[1] : hidden[graph.entry[above]];
  }

  const columns = { function: [], children: [], hidden: [], total: [], calls: [], resumes: [], waits: [], estimated: [0] };
  const queue = [top];
  let flag = 0;
  for (const { children } of queue) {
    for (const own of [...children.values()].sort((a, b) => b.total - a.total)) {
      queue.push(own);
      if (own.waits) columns.waits.push(columns.function.length, own.waits);
      columns.function.push(own.f);
      columns.children.push(own.children.size);
      columns.hidden.push(own.rest);
      for (const name of ['total', 'calls', 'resumes']) columns[name].push(own[name]);
      if (own.estimated !== flag) {
        columns.estimated.push(0);
        flag = own.estimated;
      }
      columns.estimated[columns.estimated.length - 1]++;
    }
  }
  columns.roots = [top.children.size, top.rest];
  return columns;
}
