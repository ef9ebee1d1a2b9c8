import type { Properties } from "../thimble";
import { version } from "./version";

/** An address without what follows ? or #: that part names people, and the server would drop it. */
const bare = (url: string) => url.replace(/[?#].*/s, "");

export function page(): Properties {
  return { path: location.pathname, referrer: bare(document.referrer), title: document.title, url: bare(location.href) };
}

/** The campaign that led here, from the address as everybody writes it. */
function campaign() {
  const q = new URLSearchParams(location.search), out: Properties = {};
  for (const part of ["source", "medium", "term", "content", "campaign"]) {
    const v = q.get("utm_" + part);
    if (v) out[part == "campaign" ? "name" : part] = v;
  }
  return Object.keys(out).length ? { campaign: out } : {};
}

/** Where it happened. Neither the browser's name nor the screen's size: they lead to people, and no purpose needs them. */
export function context(): Properties {
  return {
    library: { name: "thimble.js", version }, page: page(), locale: navigator.language,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, ...campaign(),
  };
}
