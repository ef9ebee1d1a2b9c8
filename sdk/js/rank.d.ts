/**
 * Lists from a history that never leaves the browser.
 *
 * Nothing is stored and nothing is fetched before the visitor has turned it on. What is
 * fetched then is one file, the same for everybody, without a cookie, an id or a referrer.
 */

/** What `device` is told. */
export interface DeviceOptions {
  /** The public key of the shop's files: SubjectPublicKeyInfo on P-256, in base64. The console's page *On the device* has it. */
  key: string;
  /** Where Thimble is, such as `https://data.shop.example`. Left out: this page's origin. */
  host?: string;
  /** So many items are kept at most; the oldest make room. 200 when left out. */
  limit?: number;
  /** An item is kept for so many days after it was last seen. 90 when left out. */
  days?: number;
}

/** One item that the visitor looked at or bought. */
export interface Seen {
  item: string;
  /** ms since 1970, when it was last seen. */
  at: number;
}

/** What one past item added to a score. */
export interface DeviceTerm {
  item: string;
  name: string;
  /** Whole number; those of an entry sum to its score. Some of a counted file are negative. */
  share: number;
  /** What both items have in common, of a content model, such as `["category", "name"]`. */
  alike: string[];
}

export interface DeviceEntry {
  item: string;
  name: string;
  category: string;
  /** Minor units; 0 where it is not known. */
  price: number;
  score: number;
  /** The largest first. */
  terms: DeviceTerm[];
}

/** The file that lists are made from. */
export interface DeviceModel {
  kind: "content" | "noised" | "counted";
  made: Date;
  until: Date;
  /** In plain words: whose data is in it. */
  statement: string;
  currency: string;
  items: number;
  bytes: number;
}

export interface DeviceList {
  entries: DeviceEntry[];
  model: DeviceModel;
}

export interface Device {
  /** Whether the visitor has turned it on. */
  isOn(): boolean;
  /** For the visitor's own switch. It ends by itself after a year. */
  on(): void;
  /** Turns it off and erases all that was kept. */
  off(): void;
  /** Notes an item; nothing while it is off. It says whether it was noted. */
  saw(item: string): boolean;
  /** Erases one item from the history. */
  forget(item: string): void;
  /** The oldest first. */
  history(): Seen[];
  /** Fetches the file once and verifies it. It fails when the mode is off. */
  load(): Promise<DeviceModel>;
  /**
   * Ranks here. Without `from`, from the history; what is in it is not listed. With `want`, only what it says yes to is.
   * It fails when the mode is off, and when the file is not signed by the key or has run out.
   */
  rank(o?: { n?: number; from?: string[]; want?: (item: string) => boolean }): Promise<DeviceList>;
}

export function device(options: DeviceOptions): Device;

export const version: string;
