import type { Device, DeviceEntry, DeviceModel, DeviceOptions, Seen } from "../rank";

export { version } from "./version";

/** What is kept in the browser, while the visitor wants it: the items with the times when they were last seen, and when it was turned on. */
type State = { v: 1; on: number; seen: Record<string, number> };

const key = "thimble.device", day = 864e5, year = 365 * day, kinds = ["", "content", "noised", "counted"] as const;

const fail = (why: string) => Error("thimble: on the device: " + why);

type File = {
  about: DeviceModel; fields: string[];
  ids: string[]; names: string[]; categories: string[]; prices: number[]; at: Map<string, number>;
  /** Row i has the cells from row[i] to row[i + 1]. */
  row: Int32Array; to: Int32Array; code: Int8Array; alike: Uint8Array;
};

/** Reads a file as internal/recommend/device writes it. Its signature is verified before. */
function read(b: Uint8Array): File {
  const text = new TextDecoder("utf-8", { fatal: true });
  let p = 0;
  const byte = () => {
    if (p >= b.length) throw fail("the file is cut short");
    return b[p++];
  };
  const take = (n: number) => {
    if (n > b.length - p) throw fail("the file is cut short");
    return b.subarray(p, p += n);
  };
  const number = () => {
    let v = 0, unit = 1, d;
    do {
      d = byte();
      v += (d & 127) * unit;
      unit *= 128;
    } while (d > 127);
    return v;
  };
  const string = () => text.decode(take(number()));
  const strings = () => Array.from({ length: number() }, string);
  const seconds = () => new Date((byte() + byte() * 256 + byte() * 65536 + byte() * 16777216) * 1e3);

  if (text.decode(take(7)) != "thimDEV" || byte() != 1) throw fail("the file is of another version");
  const kind = kinds[byte()];
  if (!kind) throw fail("the file is of another kind");
  const made = seconds(), until = seconds(), statement = string(), fields = strings(), currency = string(), words = ["", ...strings()];

  const n = number(), ids: string[] = [], names: string[] = [], categories: string[] = [], prices: number[] = [], at = new Map<string, number>();
  const raw = new Uint8Array(512); // an id has 400 bytes at most
  for (let i = 0; i < n; i++) {
    const same = number(), rest = take(number());
    raw.set(rest, same);
    ids[i] = text.decode(raw.subarray(0, same + rest.length));
    at.set(ids[i], i);
    names[i] = string();
    categories[i] = words[number()];
    prices[i] = number();
  }
  const row = new Int32Array(n + 1), room = (b.length - p) >> 1, to = new Int32Array(room), code = new Int8Array(room), alike = new Uint8Array(fields.length ? room : 0);
  let cell = 0;
  for (let i = 0; i < n; i++) {
    const many = number();
    let before = -1;
    for (let k = 0; k < many; k++) to[cell + k] = before += number();
    if (before >= n) throw fail("a cell is not valid");
    code.set(take(many) as unknown as Int8Array, cell);
    if (fields.length) alike.set(take(many), cell);
    row[i + 1] = cell += many;
  }
  return { about: { kind, made, until, statement, currency, items: n, bytes: b.length }, fields, ids, names, categories, prices, at, row, to, code, alike };
}

/** The numbers are those of internal/recommend/device, one by one. */
function list(f: File, from: Iterable<string>, n: number, want?: (item: string) => boolean): DeviceEntry[] {
  const { row, to, code, ids, names } = f, score = new Int32Array(ids.length), had = new Uint8Array(ids.length), past: number[] = [];
  for (const id of from) {
    const i = f.at.get(id);
    if (i === undefined || had[i]) continue;
    had[i] = 1;
    past.push(i);
  }
  const share = (c: number) => code[c] * Math.abs(code[c]);
  for (const i of past) for (let c = row[i]; c < row[i + 1]; c++) score[to[c]] += share(c);
  const best: number[] = [];
  for (let j = 0; j < score.length; j++) if (score[j] > 0 && !had[j]) best.push(j);
  best.sort((a, b) => score[b] - score[a] || a - b);
  const chosen: number[] = [];
  for (const j of best) {
    if (chosen.length >= n) break;
    if (!want || want(ids[j])) chosen.push(j);
  }
  const why = new Map<number, { i: number; c: number }[]>(chosen.map((j) => [j, []]));
  for (const i of past) for (let c = row[i]; c < row[i + 1]; c++) why.get(to[c])?.push({ i, c });
  return chosen.map((j) => ({
    item: ids[j], name: names[j], category: f.categories[j], price: f.prices[j], score: score[j],
    terms: why.get(j)!.sort((a, b) => share(b.c) - share(a.c) || a.i - b.i).map(({ i, c }) => ({
      item: ids[i], name: names[i], share: share(c), alike: f.fields.filter((_, k) => f.alike[c] >> k & 1),
    })),
  }));
}

export function device(o: DeviceOptions): Device {
  const host = (o.host || location.origin).replace(/\/+$/, ""), limit = o.limit || 200, life = (o.days || 90) * day;
  let file: Promise<File> | undefined;

  /** The storage, or nothing where it is closed to the page. */
  const store = () => {
    try {
      return localStorage;
    } catch {
      return undefined;
    }
  };
  const erase = () => store()?.removeItem(key);

  /** What is kept, without what has run out. */
  function state(): State | undefined {
    let s: State | undefined;
    try {
      s = JSON.parse(store()?.getItem(key) || "null") || undefined;
    } catch { /* not ours */ }
    if (!s) return;
    const now = Date.now();
    if (s.v !== 1 || !(s.on > now - year) || typeof s.seen != "object") {
      erase();
      return;
    }
    let gone = false;
    for (const item in s.seen) if (!(s.seen[item] > now - life)) gone = delete s.seen[item];
    if (gone) write(s);
    return s;
  }
  function write(s: State) {
    try {
      store()?.setItem(key, JSON.stringify(s));
    } catch { /* full: what was there stays */ }
  }
  const history = (): Seen[] => Object.entries(state()?.seen || {}).map(([item, at]) => ({ item, at })).sort((a, b) => a.at - b.at);
  const needed = () => {
    if (!state()) throw fail("it is off");
  };

  async function get(): Promise<File> {
    const { subtle } = crypto;
    if (!subtle) throw fail("the page is not secure, so that nothing can be verified");
    const r = await fetch(host + "/v1/device/model", { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!r.ok) throw fail("the file cannot be had: " + r.status);
    const all = new Uint8Array(await r.arrayBuffer()), curve = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const by = await subtle.importKey("spki", Uint8Array.from(atob(o.key), (c) => c.charCodeAt(0)), curve, false, ["verify"]);
    if (all.length < 72 || !await subtle.verify(curve, by, all.subarray(-64), all.subarray(0, -64))) throw fail("the file is not signed by the shop");
    return read(all.subarray(0, -64));
  }
  async function current() {
    needed();
    const f = await (file ||= get().catch((e) => { file = undefined; throw e; }));
    if (+f.about.until <= Date.now()) {
      file = undefined;
      throw fail("the file has run out");
    }
    return f;
  }

  return {
    isOn: () => !!state(),
    on() {
      if (!state()) write({ v: 1, on: Date.now(), seen: {} });
    },
    off() {
      erase();
      file = undefined;
    },
    saw(item) {
      const s = state();
      if (!s || !item) return false;
      const before = history();
      s.seen[item] = Math.max(Date.now(), (before.at(-1)?.at || 0) + 1); // in order, also within a millisecond
      for (const old of before.filter((x) => x.item != item).slice(0, Math.max(0, Object.keys(s.seen).length - limit))) delete s.seen[old.item];
      write(s);
      return true;
    },
    forget(item) {
      const s = state();
      if (!s) return;
      delete s.seen[item];
      write(s);
    },
    history,
    load: async () => (await current()).about,
    async rank(q = {}) {
      const f = await current();
      return { entries: list(f, q.from || history().map((h) => h.item), q.n ?? 20, q.want), model: f.about };
    },
  };
}
