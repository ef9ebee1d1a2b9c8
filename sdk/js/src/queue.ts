import type { Drop } from "../thimble";

/** One event that waits: its JSON, and when it happened. */
export type Entry = { j: string; t: number };

type Told = (drop: Drop) => void;

/** What became of a request: taken, to be tried later, or never. */
export type Answer = { ok: boolean; again: boolean; status: number; body?: unknown };

const day = 864e5; // the server knows repeats for a day: what is older might count twice
const maxWait = 3e5; // ms, of Retry-After
const maxBatch = 45e4; // bytes; the server takes 500 KB
const maxLeaving = 54e3; // bytes; a browser sends 64 KiB for a page that goes away
export const maxEvent = 32e3;

const prefix = "thimble.q.";

export const bytes = (s: string) => new TextEncoder().encode(s).length;

/** Backoff and Retry-After, for one kind of request. */
export function pacer() {
  let until = 0, failures = 0;
  return {
    wait: () => Math.max(0, until - Date.now()),
    done: () => { until = failures = 0; },
    fail: (retryAfter?: number) => {
      until = Date.now() + (retryAfter ?? Math.min(6e4, 500 * 2 ** failures++) * (1 + Math.random() / 4));
    },
  };
}

type Pacer = ReturnType<typeof pacer>;

/** Posts text/plain without a header of its own, so that a browser asks for no preflight; without cookies and without an address of the page. */
export async function post(url: string, body: string, pace: Pacer, signal?: AbortSignal): Promise<Answer> {
  const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 3e4), end = () => stop.abort();
  signal?.addEventListener("abort", end);
  try {
    const r = await fetch(url, {
      method: "POST", body, keepalive: bytes(body) < maxLeaving, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store", signal: stop.signal,
    });
    const s = r.status, again = s == 408 || s == 410 || s == 429 || s == 460 || (s > 499 && s != 501 && s != 505);
    const after = Number.parseFloat(r.headers.get("Retry-After") || "");
    r.ok || !again ? pace.done() : pace.fail(after >= 0 ? Math.min(after * 1e3, maxWait) : undefined);
    return { ok: r.ok, again, status: s, body: await r.json().catch(() => {}) };
  } catch {
    pace.fail();
    return { ok: false, again: true, status: 0 };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

/** What a queue asks of whoever has one. */
type Needs = {
  url: string;
  writeKey: string;
  at: number;
  every: number;
  limit: number;
  store?: Storage;
  /** Whether events may leave now. */
  may: () => boolean;
  /** Whether the server is known to know the choice. */
  sure: () => boolean;
  /** Tells it the choice, and resolves to sure(). */
  settled: () => Promise<boolean>;
  dropped: Told;
};

export function newQueue(n: Needs) {
  let waiting: Entry[] = [], busy: Promise<void> | undefined, timer: ReturnType<typeof setTimeout> | undefined;
  let stop = new AbortController();
  const pace = pacer();

  const body = (part: Entry[]) =>
    `{"writeKey":${JSON.stringify(n.writeKey)},"sentAt":"${new Date().toISOString()}","batch":[${part.map((e) => e.j).join()}]}`;

  function drop(reason: Drop["reason"], count: number, status?: number) {
    if (count > 0) n.dropped(status ? { reason, count, status } : { reason, count });
  }

  /** Takes as many from the front as fit. */
  function take(max: number) {
    const fresh = waiting.filter((e) => e.t > Date.now() - day);
    drop("old", waiting.length - fresh.length);
    waiting = fresh;
    let size = 200, i = 0;
    while (i < waiting.length && i < 1e3 && (size += bytes(waiting[i].j) + 1) < max) i++;
    return waiting.splice(0, i);
  }

  function put(back: Entry[]) {
    waiting = back.concat(waiting);
    drop("full", waiting.length - n.limit);
    waiting = waiting.slice(-n.limit);
  }

  async function send(part: Entry[], signal: AbortSignal) {
    const a = await post(n.url, body(part), pace, signal);
    if (signal.aborted) return;
    if (!a.ok && a.again) put(part);
    else if (!a.ok) drop("refused", part.length, a.status);
  }

  function plan(ms: number) {
    if (timer === undefined) timer = setTimeout(() => { timer = undefined; void flush(); }, ms);
  }

  async function run() {
    const signal = stop.signal;
    while (waiting.length && n.may() && navigator.onLine !== false && !pace.wait() && await n.settled() && !signal.aborted) {
      await send(take(maxBatch), signal);
    }
  }

  /** Sends until nothing waits or something is in the way. One request at a time keeps the order. */
  function flush(): Promise<void> {
    return busy ||= run().finally(() => {
      busy = undefined;
      if (waiting.length && navigator.onLine !== false) plan(Math.max(pace.wait(), n.every));
    });
  }

  const kept = () => n.store ? Object.keys(n.store).filter((k) => k.startsWith(prefix)) : [];

  /** Takes over what pages that went away have left. Two tabs may take the same; the server knows repeats by their messageId. */
  function adopt() {
    for (const k of kept()) {
      try {
        const left = JSON.parse(n.store!.getItem(k)!);
        n.store!.removeItem(k);
        if (Array.isArray(left)) put(left.filter((e) => typeof e?.j == "string" && typeof e.t == "number"));
      } catch { /* somebody else's, or broken */ }
    }
    if (waiting.length) plan(0);
  }

  /** The page goes away or into the background: what waits leaves with it, or is kept for the next page. */
  function leave() {
    if (!n.may() || !waiting.length) return;
    if (navigator.onLine === false || pace.wait() || !n.sure()) return keep();
    const part = take(maxLeaving), b = body(part);
    if ("keepalive" in Request.prototype) void send(part, stop.signal);
    else if (!navigator.sendBeacon(n.url, b)) put(part);
    // A browser sends no more than that for a page that goes away: the rest is for the next.
    if (waiting.length) keep();
  }

  function keep() {
    try {
      n.store?.setItem(prefix + Math.random(), JSON.stringify(waiting));
      if (n.store) waiting = [];
    } catch { /* full: what waits stays in memory */ }
  }

  return {
    add(e: Entry) {
      waiting.push(e);
      put([]);
      if (waiting.length >= n.at) void flush();
      else plan(n.every);
    },
    flush, adopt, leave,
    /** Somebody else may sit here now: what waits leaves at once, or not at all. */
    part() {
      if (n.may() && navigator.onLine !== false && !pace.wait() && n.sure() && waiting.length) void send(take(maxLeaving), stop.signal);
      drop("consent", waiting.length);
      waiting = [];
      for (const k of kept()) n.store!.removeItem(k);
    },
    /** The network is back: no need to wait any longer. */
    again() {
      pace.done();
      adopt();
      void flush();
    },
    /** Forgets all that waits, here and in storage, and cuts what is under way. */
    clear() {
      waiting = [];
      stop.abort();
      stop = new AbortController();
      for (const k of kept()) n.store!.removeItem(k);
    },
  };
}
