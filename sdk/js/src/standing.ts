import type { Ask, Notice, Standing } from "../thimble";
import { pacer, post } from "./queue";

/** What is kept in the browser, after a choice only. */
type State = {
  v: 1;
  /** By purpose: as chosen; the category under which events carry it. */
  choices: Record<string, boolean>;
  of: Record<string, string>;
  /** The categories that Global Privacy Control ends. */
  gpc: string[];
  notice: string;
  lang: string;
  covers: string;
  path: string[];
  at: string;
  /** ms; then it is as if nobody had chosen. */
  until: number;
  /** For so many months nobody is asked after a no. */
  rest: number;
  /** What the server knows, by purpose: 2 where a yes was sent and no answer came. */
  told: Record<string, boolean | 2>;
  receipts: string[];
  /** There while something is allowed, and until the server knows that nothing is any more. */
  anonymousId?: string;
  userId?: string;
  groupId?: string;
};

/** A withdrawal that the server has not heard yet, of whoever was here before. */
type Debt = Pick<State, "notice" | "lang" | "path" | "at" | "anonymousId"> & { choices: { purpose: string; state: string }[] };

const key = "thimble", debts = "thimble.owed";

/** 128 random bits as a UUID of version 4; crypto.randomUUID is missing where there is no TLS. */
export function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  const h = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  return h.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The browser's storage, or nothing where it is closed to the page. */
function open(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined; // a sandboxed frame, or switched off
  }
}

export const signalled = () => (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;

/** Whether it is put to the visitor: what their browser has answered with no is not asked. */
export const asked = (a: Ask) => !(a.gpc && signalled());

const any = (o: Record<string, boolean>) => Object.values(o).some(Boolean);

type Needs = {
  url: string;
  writeKey: string;
  /** What was allowed is not any more. */
  ended: () => void;
  changed: () => void;
  failed: (e: Error) => void;
};

export function newStanding(n: Needs) {
  const store = open(), pace = pacer();
  let state: State | undefined, telling: Promise<boolean> | undefined;

  /** What is stored is older than what holds here: there was no room to write it. */
  let full = false;

  /** The server knows nobody by the id any more; told once for each page, so that nothing goes round. */
  let renewed = false;

  let owed: Debt[] = [];
  try {
    owed = JSON.parse(store?.getItem(debts) || "[]");
  } catch { /* not ours */ }

  function owe(all: Debt[]) {
    owed = all;
    try {
      all[0] ? store?.setItem(debts, JSON.stringify(all)) : store?.removeItem(debts);
    } catch { /* full: this page tells it */ }
  }

  function read() {
    if (store && !full) {
      state = undefined;
      try {
        const s = JSON.parse(store.getItem(key)!);
        if (s.v === 1 && s.choices && s.of && s.told) state = s;
      } catch { /* nothing, or not ours */ }
    }
    if (state && state.until < Date.now()) forget();
  }

  function write() {
    try {
      store?.setItem(key, JSON.stringify(state));
      full = false;
    } catch {
      full = true; // it holds for this page; what was chosen before holds nowhere
      store!.removeItem(key);
    }
  }

  function forget() {
    state = undefined;
    store?.removeItem(key);
    n.ended();
  }

  function categories() {
    const out: Record<string, boolean> = {};
    if (state && state.until > Date.now()) {
      for (const p in state.choices) {
        const c = state.of[p];
        out[c] = out[c] !== false && state.choices[p] && !(signalled() && state.gpc.includes(c));
      }
    }
    return out;
  }

  /** What the server has to be told. Of whoever never allowed anything it knows nothing, and is told nothing. */
  function pending() {
    const s = state;
    if (!s?.anonymousId) return [];
    const yes = any(s.choices);
    return Object.keys(s.choices).flatMap((purpose) => {
      const now = s.choices[purpose], told = s.told[purpose];
      if (now === told || (!now && told === undefined && !yes)) return [];
      return [{ purpose, state: now ? "given" : told ? "withdrawn" : "refused" }];
    });
  }

  /** What is left when nothing is allowed: that, and nothing that leads to anybody. */
  function bare() {
    if (!state || any(state.choices)) return;
    state.receipts = [];
    delete state.userId;
    delete state.groupId;
    if (!pending().length) delete state.anonymousId;
  }

  async function run(): Promise<boolean> {
    for (;;) {
      const debt = owed[0], choices = debt ? debt.choices : pending(), s = debt || state!;
      if (!choices.length) return true;
      if (pace.wait() || navigator.onLine === false) return false;
      if (!debt) {
        for (const c of choices) if (c.state == "given") state!.told[c.purpose] = 2;
        write();
      }
      const a = await post(n.url, JSON.stringify({
        writeKey: n.writeKey, anonymousId: s.anonymousId, choices, notice: s.notice, lang: s.lang,
        ui: { component: "sdk@1", choice_path: s.path }, chosenAt: s.at, sentAt: new Date().toISOString(),
      }), pace);
      read(); // another tab may have changed it
      if (a.again) return false;
      if (debt) owe(owed.filter((d) => d !== debt));
      else if (!answered(a, choices, s)) return false;
    }
  }

  /** Takes the server's answer down, and reports whether to go on. */
  function answered(a: Awaited<ReturnType<typeof post>>, choices: ReturnType<typeof pending>, sent: { anonymousId?: string }) {
    if (!state || state.anonymousId !== sent.anonymousId) return true;
    const said = a.body as { type?: string; recorded?: { purpose: string }[]; receipts?: string[]; expires?: string } | undefined;
    if (a.status == 409 && !renewed && said?.type?.endsWith(":browser-id")) {
      // The id leads to nobody any more, such as one that several people used: who chose takes another.
      renewed = true;
      Object.assign(state, { anonymousId: uuid(), told: {}, receipts: [] });
      write();
      return true;
    }
    if (!a.ok) {
      // A yes that was not recorded is none. A no holds here in any case.
      n.failed(Error("thimble: the choice was not recorded: " + a.status));
      forget();
      n.changed();
      return false;
    }
    let less = false;
    for (const c of choices) {
      // A yes that was left out, such as one to what the owner of an account has ended, is none.
      const yes = c.state == "given" && !(Array.isArray(said?.recorded) && !said.recorded.some((r) => r.purpose == c.purpose));
      less ||= c.state == "given" && !yes;
      state.choices[c.purpose] &&= yes || c.state != "given";
      state.told[c.purpose] = yes;
    }
    if (Array.isArray(said?.receipts)) state.receipts = state.receipts.concat(said.receipts).slice(-8);
    const end = Date.parse(said?.expires!);
    if (end < state.until) state.until = end;
    less ? turn(state) : (bare(), write());
    return true;
  }

  const resting = (months: number) => {
    const end = new Date();
    return end.setMonth(end.getMonth() + months);
  };

  /** Takes a new choice into force: here at once, at the server as soon as it can be reached. */
  function turn(to: State) {
    state = to;
    bare();
    write();
    if (!any(to.choices)) n.ended();
    n.changed();
  }

  /** Tells the server, and resolves to whether it knows. */
  const settled = () => telling ||= run().finally(() => { telling = undefined; });

  return {
    store, read, categories, settled,
    allowed: () => any(categories()),
    retryIn: () => owed.length || pending().length ? Math.max(pace.wait(), 100) : 0,
    again: pace.done,
    sure: () => !pending().length,
    get: () => state,
    set(change: Partial<State>) {
      if (!state) return;
      Object.assign(state, change);
      write();
    },
    /** Whether the visitor has to be asked: nothing chosen, or a yes that covers less than what is asked now. */
    open: (notice: Notice) => !state || (any(state.choices) && state.covers !== notice.covers),
    choose(notice: Notice, yes: Record<string, boolean>, path: string[]) {
      const was = state, now = Date.now(), choices: State["choices"] = {}, of: State["of"] = {};
      let until = Infinity;
      for (const a of notice.asks) {
        const ok = choices[a.purpose] = asked(a) && yes[a.purpose] === true;
        of[a.purpose] = a.category;
        until = Math.min(until, ok ? now + notice.lives_days * 864e5 : resting(notice.rest_months));
      }
      const to: State = {
        v: 1, choices, of, gpc: notice.asks.filter((a) => a.gpc).map((a) => a.category),
        notice: notice.sha256, lang: notice.lang, covers: notice.covers, path, at: new Date(now).toISOString(), until, rest: notice.rest_months,
        told: {}, receipts: was?.receipts || [],
        anonymousId: was?.anonymousId || (any(choices) ? uuid() : undefined), userId: was?.userId, groupId: was?.groupId,
      };
      // Under a notice that covers something else, an old yes has to be said again.
      for (const p in was?.told) to.told[p] = choices[p] && was.covers !== notice.covers ? false : was.told[p];
      turn(to);
    },
    /** Ends all, without asking anybody for anything. It reports whether there was a choice to end. */
    withdraw(path: string[]) {
      read();
      const s = state;
      if (!s) return false;
      const none = (o: Record<string, boolean>) => Object.fromEntries(Object.keys(o).map((k) => [k, false]));
      turn({ ...s, choices: none(s.choices), path, at: new Date().toISOString(), until: resting(s.rest) });
      return true;
    },
    /**
     * Somebody else may sit here now. A yes is of whoever said it: it goes with their id, and nobody else inherits it.
     * What they have withdrawn is told all the same. A no stays. It reports whether a yes went.
     */
    part() {
      read();
      if (!state) return false;
      const choices = pending().filter((c) => c.state == "withdrawn"), { anonymousId, notice, lang, path, at } = state;
      if (!any(state.choices)) return false;
      if (choices.length) owe([...owed, { anonymousId, notice, lang, path, at, choices }].slice(-8));
      state = undefined;
      store?.removeItem(key);
      return true;
    },
    public(): Standing {
      const s = state;
      return { answered: !!s, choices: { ...s?.choices }, categories: categories(), receipts: [...(s?.receipts || [])] };
    },
  };
}
