/**
 * The browser SDK of Thimble.
 *
 * Nothing is stored in the browser and nothing about a visitor is sent before
 * they have chosen, and only what they allowed after that.
 */

/** What `load` is told. */
export interface Options {
  /** The write key of a browser source. It is public: it may only write. */
  writeKey: string;
  /** Where Thimble is, such as `https://data.shop.example`. Left out: this page's origin. */
  host?: string;
  /** The language of the banner, a BCP 47 tag. Left out: that of the page, then English. */
  lang?: string;
  /** The notice, when the page brings it along; then nothing at all is fetched before a choice. */
  notice?: Notice;
  /** False shows no banner: the page asks by itself, and calls `choose`. */
  banner?: boolean;
  /** The privacy centre, for whoever wants more than the banner. Left out: `host + "/privacy"`. */
  privacy?: string;
  /** So many events are sent at once. 20 when left out. */
  flushAt?: number;
  /** After so many milliseconds events are sent. 1000 when left out. */
  flushInterval?: number;
  /** So many events wait at most; the oldest make room. 500 when left out. */
  queueLimit?: number;
}

/** One purpose in plain words. */
export interface Ask {
  /** A fideslang data use, such as `train_ai_system`. */
  purpose: string;
  title: string;
  what: string;
  with: string;
  without: string;
  /** The consent category of `context.consent.categoryPreferences`. */
  category: string;
  /** Whether Global Privacy Control answers it with no. */
  gpc?: boolean;
}

/** The texts that are shown beside the choices, as `GET /v1/notice` answers them. */
export interface Notice {
  lang: string;
  /** The direction of the text. */
  dir?: "ltr" | "rtl";
  version: string;
  /** Of the text; a recorded choice names it. */
  sha256: string;
  text: string;
  asks: Ask[];
  /** A digest of what a yes covers, alike in all languages. */
  covers: string;
  /** A yes ends after so many days. */
  lives_days: number;
  /** After a no, nobody is asked for so many months. */
  rest_months: number;
  words: Words;
}

/** What the banner's parts are called. */
export interface Words {
  title: string;
  lead: string;
  refuse: string;
  choose: string;
  allow: string;
  later: string;
  save: string;
  settings: string;
  yes: string;
  no: string;
  /** Before what a yes gives, and what a no costs. */
  with: string;
  without: string;
  more: string;
  stored: string;
  receipt: string;
  close: string;
}

/** Where the visitor stands. */
export interface Standing {
  /** False before the first choice, and when it has run out. */
  answered: boolean;
  /** By purpose, as the visitor chose. */
  choices: Record<string, boolean>;
  /** By category, as events carry it. */
  categories: Record<string, boolean>;
  /** The proofs that the choices were recorded, each a text that anyone can check offline. */
  receipts: string[];
}

export type Json = string | number | boolean | null | undefined | Date | Json[] | { [key: string]: Json };
export type Properties = { [key: string]: Json };

/** What a call may set beside its properties. */
export interface CallOptions {
  timestamp?: Date | string;
  anonymousId?: string;
  userId?: string;
  messageId?: string;
  context?: Properties;
  integrations?: { [name: string]: boolean | Properties };
}

/** An event as it is sent. */
export interface Message {
  type: "track" | "identify" | "page" | "group" | "alias";
  messageId: string;
  timestamp: string;
  anonymousId: string;
  userId?: string;
  previousId?: string;
  groupId?: string;
  event?: string;
  name?: string;
  category?: string;
  properties?: Properties;
  traits?: Properties;
  context: Properties;
  integrations: { [name: string]: boolean | Properties };
}

export type Callback = (message?: Message) => void;

/** Why an event was not sent. */
export interface Drop {
  /** `consent`: the visitor has not allowed it; `size`: above 32 KB, or not JSON; `full`: too many waited; `refused`: the server does not take it; `old`: it waited for a day. */
  reason: "consent" | "size" | "full" | "refused" | "old";
  count: number;
  /** The server's status, with `refused`. */
  status?: number;
}

/** What can be listened to. The calls tell with what they were called. */
export interface Events {
  track: [event: string, properties?: Properties, options?: CallOptions];
  identify: [userId?: string, traits?: Properties, options?: CallOptions];
  page: [category?: string, name?: string, properties?: Properties, options?: CallOptions];
  group: [groupId?: string, traits?: Properties, options?: CallOptions];
  alias: [to: string, from?: string, options?: CallOptions];
  reset: [];
  /** The visitor chose, here or in another tab. */
  consent: [standing: Standing];
  drop: [drop: Drop];
  /** Something that the page's author should know. */
  error: [error: Error];
}

export interface Thimble {
  /** What somebody did. It resolves to the event, or to undefined when it is dropped. */
  track(event: string, properties?: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  track(event: string, callback: Callback): Promise<Message | undefined>;
  /** Who somebody is. Of a browser source the server takes it as a claim, and joins nobody by it. */
  identify(userId?: string | null, traits?: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  identify(traits: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  page(category?: string | null, name?: string | null, properties?: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  page(name: string, properties: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  page(properties: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  group(groupId?: string | null, traits?: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  group(traits: Properties, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  alias(to: string, from?: string | null, options?: CallOptions, callback?: Callback): Promise<Message | undefined>;
  /** Somebody else may sit here now, such as after signing out: a yes goes with whoever said it, and the next is asked. A no stays. */
  reset(): void;
  /** When it is known whether the visitor has chosen, and the banner is shown if not. */
  ready(callback?: () => void): Promise<void>;
  on<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void): Thimble;
  once<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void): Thimble;
  off<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void): Thimble;
  /** The random id of this browser; undefined as long as nothing is allowed. */
  anonymousId(): string | undefined;
  /** Sends what waits, and resolves when there is an answer. */
  flush(): Promise<void>;

  /** Where the visitor stands. */
  consent(): Standing;
  /** The texts to show, for a page that asks by itself. */
  notice(): Promise<Notice>;
  /** What the visitor chose, by purpose; a purpose that is left out is not allowed. */
  choose(choices: Record<string, boolean>, path?: string[]): Promise<void>;
  /** Ends all that was allowed, at once: what waits and what is stored goes, and the server is told. */
  withdraw(): Promise<void>;
  /** Opens the preferences. Elements with `data-thimble-choices` do it when clicked. */
  preferences(): Promise<void>;
}

/** Starts. It reads what was chosen before, and asks if nothing was. */
export function load(options: Options): Thimble;

export const version: string;
