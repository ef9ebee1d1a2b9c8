import type { CallOptions, Callback, Events, Message, Notice, Options, Thimble } from "../thimble";
import { newBanner } from "./banner";
import { context, page as here } from "./context";
import { bytes, maxEvent, newQueue } from "./queue";
import { asked, newStanding, uuid } from "./standing";

export { version } from "./version";

type Any = any; // what a page without types may pass

const isObject = (v: unknown): v is object => typeof v == "object" && v !== null;

/** Half a surrogate pair, such as of a title cut within an emoji, would cost the event. */
const whole = (_: string, v: unknown) => typeof v == "string" && (v as Any).toWellFormed ? (v as Any).toWellFormed() : v;

export function load(options: Options): Thimble {
  const { writeKey, lang = document.documentElement.lang } = options;
  if (!writeKey) throw Error("thimble: writeKey: the write key of a browser source was expected");
  const host = (options.host || location.origin).replace(/\/+$/, "");

  const heard: { [event: string]: Set<(...args: Any[]) => void> } = {};
  const tell = <E extends keyof Events>(event: E, ...args: Events[E]) => {
    for (const f of heard[event] || []) {
      try {
        f(...args);
      } catch (e) {
        console.error(e); // a listener's own fault stops nobody else
      }
    }
  };
  const failed = (e: Error) => tell("error", e);

  let retry: ReturnType<typeof setTimeout> | undefined;
  const standing = newStanding({
    url: host + "/v1/consent/browser", writeKey, failed,
    ended: () => queue.clear(),
    changed: () => { tell("consent", standing.public()); void settle(); },
  });
  /** Tells the server the choice, and tries again until it has heard. */
  async function settle() {
    clearTimeout(retry);
    const ok = await standing.settled(), wait = standing.retryIn();
    if (ok) void queue.flush();
    else if (wait && navigator.onLine !== false) retry = setTimeout(settle, wait);
    return ok;
  }
  const queue = newQueue({
    url: host + "/v1/b", writeKey, at: options.flushAt || 20, every: options.flushInterval ?? 1e3, limit: options.queueLimit || 500, store: standing.store,
    may: standing.allowed, sure: standing.sure, settled: settle, dropped: (d) => tell("drop", d),
  });

  let text: Promise<Notice> | undefined;
  /** Fetches the texts: without cookies, without this page's address, and before a choice past the cache, so that nothing stays behind. */
  const notice = () => text ||= options.notice ? Promise.resolve(options.notice) : (async () => {
    const r = await fetch(host + "/v1/notice?lang=" + encodeURIComponent(lang || navigator.language), {
      credentials: "omit", referrerPolicy: "no-referrer", cache: standing.get() ? "default" : "no-store",
    });
    if (!r.ok) throw Error("thimble: the notice cannot be had: " + r.status);
    return r.json();
  })().catch((e) => { text = undefined; throw e; });

  const choose = async (yes: Record<string, boolean>, path = ["page"]) => {
    const n = await notice();
    banner.close();
    standing.choose(n, yes, path);
  };
  const banner = newBanner({ privacy: options.privacy || host + "/privacy", standing: standing.public, choose: (yes, path) => void choose(yes, path).catch(failed) });
  const preferences = () => notice().then(banner.preferences);

  async function ask() {
    const n = await notice();
    if (options.banner !== false && standing.open(n) && n.asks.some(asked)) banner.banner(n);
  }

  async function start() {
    standing.read();
    queue.adopt();
    if (!standing.get() || standing.allowed()) await ask();
    void settle();
  }

  function listen() {
    addEventListener("online", () => { standing.again(); void settle(); queue.again(); });
    addEventListener("pagehide", queue.leave);
    document.addEventListener("visibilitychange", () => document.hidden ? queue.leave() : queue.adopt());
    addEventListener("storage", (e) => {
      if (e.key && e.key != "thimble") return;
      const was = JSON.stringify(standing.public());
      standing.read();
      if (!standing.allowed()) queue.clear();
      const now = standing.public();
      if (now.answered) banner.close();
      if (JSON.stringify(now) != was) tell("consent", now);
      if (standing.sure()) void queue.flush();
    });
    document.addEventListener("click", (e) => {
      const link = (e.target as Element).closest?.("[data-thimble-choices]") as HTMLAnchorElement | null | undefined;
      if (!link) return;
      e.preventDefault();
      // Without the texts, such as when Thimble cannot be reached, a link leads where it says.
      preferences().catch((cause) => { failed(cause); if (link.href) location.href = link.href; });
    });
  }

  async function send(type: Message["type"], fields: Partial<Message>, o: CallOptions = {}) {
    standing.read();
    const s = standing.get();
    if (!standing.allowed() || !s) {
      tell("drop", { reason: "consent", count: 1 });
      return;
    }
    const at = new Date(o.timestamp ?? Date.now()), message = {
      type, messageId: o.messageId || `thimble-${+at}-${uuid()}`, timestamp: at.toISOString(), anonymousId: o.anonymousId || s.anonymousId,
      ...((o.userId || s.userId) && { userId: o.userId || s.userId }), ...fields,
      // The consent comes last: no call says more than the visitor did.
      context: { ...context(), ...(s.groupId && { groupId: s.groupId }), ...o.context, consent: { categoryPreferences: standing.categories() } },
      integrations: o.integrations || {},
    } as Message;
    const j = JSON.stringify(message, whole);
    if (bytes(j) > maxEvent) {
      tell("drop", { reason: "size", count: 1 });
      return;
    }
    queue.add({ j, t: Date.now() });
    return message;
  }

  /** Ends a call: tells who listens, and the callback. */
  async function call(type: Message["type"], said: Any[], fields: Partial<Message>, o?: CallOptions, back?: Callback) {
    let m: Message | undefined;
    try {
      m = await send(type, fields, o);
    } catch (e) {
      failed(e as Error); // what is not JSON, or not a time
      tell("drop", { reason: "size", count: 1 });
    }
    (tell as Any)(type, ...said);
    back?.(m);
    return m;
  }

  /** Takes the callback out, wherever it stands. */
  const split = (args: Any[]) => [args.filter((a) => typeof a != "function"), args.find((a) => typeof a == "function")] as [Any[], Callback?];
  const id = (v: unknown) => v == null || isObject(v) ? undefined : String(v);

  /** identify and group: an id, which may be left out, and traits. */
  const who = (type: "identify" | "group", key: "userId" | "groupId") => (...all: Any[]) => {
    const [args, back] = split(all);
    if (isObject(args[0])) args.unshift(undefined);
    const is = id(args[0]), traits = args[1] || {};
    if (is && standing.allowed()) standing.set({ [key]: is });
    return call(type, [is, traits, args[2]], { ...((is ?? standing.get()?.[key]) && { [key]: is ?? standing.get()![key] }), traits }, args[2], back);
  };

  const t: Thimble = {
    track(...all: Any[]) {
      const [[event, properties = {}, o], back] = split(all);
      return call("track", [event, properties, o], { event: String(event), properties: properties || {} }, o, back);
    },
    identify: who("identify", "userId"),
    group: who("group", "groupId"),
    page(...all: Any[]) {
      const [args, back] = split(all);
      if (isObject(args[0])) args.unshift(undefined, undefined);
      else if (isObject(args[1])) args.unshift(undefined);
      let [category, name, properties, o] = args;
      if (name == null) [category, name] = [undefined, category];
      const names = { ...(category != null && { category: String(category) }), ...(name != null && { name: String(name) }) };
      return call("page", [names.category, names.name, properties, o], { ...names, properties: { ...here(), ...names, ...properties } }, o, back);
    },
    alias(...all: Any[]) {
      const [[to, from, o], back] = split(all), s = standing.get();
      const fields = { userId: String(to), previousId: id(from) ?? s?.userId ?? s?.anonymousId };
      if (standing.allowed()) standing.set({ userId: fields.userId });
      return call("alias", [to, from, o], fields, o, back);
    },
    reset() {
      queue.part();
      if (standing.part()) {
        tell("consent", standing.public());
        void ask().catch(failed);
        void settle();
      }
      tell("reset");
    },
    ready: (f?: () => void) => ready.then(f),
    on(event: string, f: Any) {
      (heard[event] ||= new Set()).add(f);
      return t;
    },
    once(event: Any, f: Any) {
      const g = (...args: Any[]) => { t.off(event, g); f(...args); };
      return t.on(event, g);
    },
    off(event: string, f: Any) {
      heard[event]?.delete(f);
      return t;
    },
    anonymousId: () => standing.allowed() ? standing.get()!.anonymousId : undefined,
    flush: queue.flush,
    consent: standing.public, notice, choose, preferences,
    async withdraw() {
      if (!standing.withdraw(["withdraw"])) await choose({}, ["withdraw"]);
    },
  };
  const ready = start().catch(failed);
  listen();
  return t;
}

/** <script type="module" src="https://…/sdk/thimble.js?writeKey=…"> is all that a page needs: what it called before waits in window.thimble as lists of a name and arguments. */
const self = new URL(import.meta.url), given = self.searchParams.get("writeKey");
if (given) {
  const early = (window as Any).thimble, t: Any = load({ writeKey: given, host: self.origin });
  (window as Any).thimble = t;
  if (Array.isArray(early)) for (const [name, ...args] of early) t[name]?.(...args);
}
