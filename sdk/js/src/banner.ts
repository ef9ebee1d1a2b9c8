import type { Notice, Standing } from "../thimble";
import { asked } from "./standing";
import { css } from "./style";

type Attributes = Record<string, string | boolean | (() => void)>;

/** An element, made by calls of the DOM alone: no markup is parsed, so that no Trusted Types policy is needed. */
function el(tag: string, attributes?: Attributes | null, ...inside: (Node | string)[]) {
  const e = document.createElement(tag);
  for (const name in attributes) {
    const v = attributes[name];
    if (typeof v == "function") e.addEventListener(name, v);
    else if (v !== false) e.setAttribute(name, v === true ? "" : v);
  }
  e.append(...inside);
  return e;
}

type Needs = {
  privacy: string;
  standing: () => Standing;
  choose: (yes: Record<string, boolean>, path: string[]) => void;
};

export function newBanner(n: Needs) {
  let host: HTMLElement | undefined, padded: string | undefined;

  /** Shows inside a shadow root, which neither the page's style nor its policy for styles touches. */
  function show(what: HTMLElement, notice: Notice) {
    close();
    host = el("thimble-choices", { lang: notice.lang, dir: notice.dir || "ltr" });
    const root = host.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    root.append(what);
    // First in the page, so that it comes first when one tabs through it.
    document.body.prepend(host);
  }

  function close() {
    host?.remove();
    host = undefined;
    if (padded !== undefined) document.documentElement.style.scrollPaddingBlockEnd = padded;
    padded = undefined;
  }

  const button = (text: string, click: () => void, look?: string) => el("button", { type: "button", click, ...(look && { class: look }) }, text);

  /** One answer to everything that is asked. */
  function all(notice: Notice, yes: boolean, step: string) {
    const choices: Record<string, boolean> = {};
    for (const a of notice.asks) choices[a.purpose] = yes;
    close();
    n.choose(choices, [step, yes ? "allow" : "refuse"]);
  }

  /** Refusing, choosing and allowing look alike and are one press away; refusing comes first. */
  const pair = (notice: Notice, step: string, middle: HTMLElement) =>
    el("div", { class: "b" }, button(notice.words.refuse, () => all(notice, false, step)), middle, button(notice.words.allow, () => all(notice, true, step)));

  const more = (w: Notice["words"]) => el("a", { href: n.privacy }, w.more);

  function banner(notice: Notice) {
    const w = notice.words;
    const box = el("section", { "aria-labelledby": "t", "aria-describedby": "d", tabindex: "-1" },
      el("h2", { id: "t" }, w.title),
      el("div", { id: "d" },
        el("p", null, w.lead),
        el("ul", null, ...notice.asks.filter(asked).map((a) => el("li", null, el("strong", null, a.title + ". "), a.what)))),
      pair(notice, "banner", button(w.choose, () => preferences(notice))),
      el("div", { class: "f s" }, button(w.later, close, "l"), more(w)));
    // Escape is no answer: nothing is recorded, and the next page asks again.
    box.addEventListener("keydown", (e) => { if (e.key == "Escape") close(); });
    show(box, notice);
    // What has the focus stays in view above the banner (WCAG 2.4.11).
    const style = document.documentElement.style;
    padded = style.scrollPaddingBlockEnd;
    style.scrollPaddingBlockEnd = box.offsetHeight + 16 + "px";
  }

  function preferences(notice: Notice) {
    const w = notice.words, now = n.standing(), back = document.activeElement as HTMLElement | null;
    const asks = notice.asks.filter(asked);
    const radio = (i: number, yes: boolean) => {
      const is = now.answered ? now.choices[asks[i].purpose] : undefined;
      // Nothing is ticked that nobody chose.
      return el("label", null, el("input", { type: "radio", name: "a" + i, value: yes ? "1" : "", checked: is === yes }), yes ? w.yes : w.no);
    };
    const form = el("form", null,
      ...asks.map((a, i) => el("fieldset", null, el("legend", null, a.title),
        el("p", null, a.what), el("ul", { class: "s" }, el("li", null, `${w.with} ${a.with}`), el("li", null, `${w.without} ${a.without}`)), radio(i, false), radio(i, true))),
      el("p", { class: "s" }, w.stored),
      ...now.receipts.map((r, i) => el("p", { class: "s" },
        el("a", { href: URL.createObjectURL(new Blob([r])), download: `receipt-${i + 1}.txt` }, `${w.receipt} ${i + 1}`))),
      pair(notice, "preferences", button(w.save, () => {
        const data = new FormData(form as HTMLFormElement), choices: Record<string, boolean> = {};
        asks.forEach((a, i) => { choices[a.purpose] = data.get("a" + i) == "1"; });
        close();
        n.choose(choices, ["preferences", "save"]);
      })),
      el("div", { class: "f s" }, button(w.close, () => box.close(), "l"), more(w)));
    const box = el("dialog", { "aria-labelledby": "t" }, el("h2", { id: "t", tabindex: "-1", autofocus: true }, w.settings), form) as HTMLDialogElement;
    const reopen = !!host && !now.answered;
    // Escape and Close are no answer either: the banner is there again if it was there before.
    box.addEventListener("close", () => {
      if (box.getRootNode() != host?.shadowRoot) return;
      close();
      if (reopen) banner(notice);
      if (back?.isConnected) back.focus();
    });
    show(box, notice);
    box.showModal();
  }

  return { banner, preferences, close };
}
