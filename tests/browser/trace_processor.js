// Loads a trace into Perfetto's trace processor and asks it queries: the wasm module that
// Perfetto's page uses, in the worker that belongs to it, by the protocol between both.
// https://github.com/google/perfetto/blob/main/protos/perfetto/trace_processor/trace_processor.proto
//
// Arguments: address of the worker, address of the trace, queries, and a function to call with the
// answer: the rows of each query, or a text that says what went wrong.

const [engine, trace, queries, done] = arguments;

// Fields of TraceProcessorRpc and its parts.
const APPEND_TRACE_DATA = 1;
const FINALIZE_TRACE_DATA = 2;
const QUERY = 3;
const field = {
  message: 1, seq: 1, fatalError: 5, request: 2, response: 3,
  appendTraceData: 101, queryArgs: 103, appendResult: 201, queryResult: 203,
  sql: 1, error: 2, batch: 3,
  cells: 1, varints: 2, floats: 3, strings: 5, isLast: 6,
};
const cell = { null: 1, varint: 2, float: 3, string: 4 };

const text = new TextDecoder();

function varint(value) {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  bytes.push(value);
  return bytes;
}

function number(id, value) {
  return new Uint8Array([...varint(id * 8), ...varint(value)]);
}

function bytes(id, ...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [...varint(id * 8 + 2), ...varint(length)];
  const all = new Uint8Array(head.length + length);
  all.set(head);
  let at = head.length;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function* varints(data) {
  let value = 0n;
  let shift = 0n;
  for (const byte of data) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      yield BigInt.asIntN(64, value);
      value = shift = 0n;
    }
  }
}

// The fields of a message: numbers, or the bytes of texts and messages.
function* fields(data) {
  let at = 0;
  const next = () => {
    let end = at;
    while (data[end] >= 128) end++;
    const [value] = varints(data.subarray(at, end + 1));
    at = end + 1;
    return Number(value);
  };
  while (at < data.length) {
    const tag = next();
    const id = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0: yield [id, next()]; break;
      case 1: yield [id, data.subarray(at, at += 8)]; break;
      case 2: { const length = next(); yield [id, data.subarray(at, at += length)]; break; }
      case 5: yield [id, data.subarray(at, at += 4)]; break;
      default: throw new Error(`wire type ${tag % 8}`);
    }
  }
}

function values(batch) {
  const of = Object.fromEntries([...fields(batch)].map(([id, value]) => [id, value]));
  const integers = varints(of[field.varints] ?? []);
  const strings = text.decode(of[field.strings] ?? new Uint8Array()).split('\0')[Symbol.iterator]();
  const floats = of[field.floats] ? new Float64Array(of[field.floats].slice().buffer) : [];
  let float = 0;
  return Array.from(of[field.cells] ?? [], kind => {
    switch (kind) {
      case cell.null: return null;
      case cell.varint: return Number(integers.next().value);
      case cell.float: return floats[float++];
      case cell.string: return strings.next().value;
      default: throw new Error(`cell of kind ${kind}`);
    }
  });
}

const worker = new Worker(engine);
const { port1: port, port2 } = new MessageChannel();
worker.onerror = event => done(`worker: ${event.message}`);
worker.postMessage(port2, [port2]);

let seq = 0;
function send(request, ...parts) {
  const rpc = [number(field.seq, seq++), number(field.request, request), ...parts];
  port.postMessage(bytes(field.message, ...rpc));
}

const answers = queries.map(() => []);
let current = 0;
let received = new Uint8Array();

function ask() {
  if (current === queries.length) {
    worker.terminate();
    done(answers);
    return;
  }
  const sql = new TextEncoder().encode(queries[current]);
  send(QUERY, bytes(field.queryArgs, bytes(field.sql, sql)));
}

function answered(result) {
  for (const [id, value] of fields(result)) {
    if (id === field.error && value.length) throw new Error(text.decode(value));
    if (id !== field.batch) continue;
    answers[current].push(...values(value));
    if ([...fields(value)].some(([id, is]) => id === field.isLast && is)) {
      current++;
      ask();
    }
  }
}

port.onmessage = ({ data }) => {
  try {
    // A reply may come in parts: what is left over is a part of a message.
    const joined = new Uint8Array(received.length + data.length);
    joined.set(received);
    joined.set(data, received.length);
    received = new Uint8Array();
    for (const [, rpc] of fields(joined)) {
      for (const [id, value] of fields(rpc)) {
        if (id === field.fatalError) throw new Error(text.decode(value));
        if (id === field.appendResult) {
          for (const [id, error] of fields(value)) if (id === 2) throw new Error(text.decode(error));
        }
        if (id === field.queryResult) answered(value);
      }
    }
  } catch (error) {
    done(String(error));
  }
};

fetch(trace)
  .then(response => response.arrayBuffer())
  .then(buffer => {
    const all = new Uint8Array(buffer);
    const step = 16 << 20;
    for (let at = 0; at < all.length; at += step) {
      send(APPEND_TRACE_DATA, bytes(field.appendTraceData, all.subarray(at, at + step)));
    }
    send(FINALIZE_TRACE_DATA);
    ask();
  })
  .catch(error => done(String(error)));
