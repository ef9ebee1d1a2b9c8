// The list that the visitor's own browser makes. What it notes stays here: nothing is sent,
// and what is fetched is one file that is the same for everybody.
import { device } from "/sdk/rank.js";

const panel = document.querySelector(".ondevice"), item = document.querySelector("[data-device-item]"), here = panel || item;
const mode = device({ key: here.dataset.deviceKey });
const part = (name) => here.querySelector(`[data-device-${name}]`);

// "RED SPOTTY MUG" as the shop's other lists write it.
const title = (name) => name === name.toUpperCase() ? name.charAt(0) + name.slice(1).toLowerCase() : name;
const href = (id) => "/shop/items/" + encodeURIComponent(id);
const money = (minor, currency) => new Intl.NumberFormat("en-GB", { style: "currency", currency: currency || "GBP" }).format(minor / 100);

/** FNV-1a over the category in lower case, as the shop's other cards are coloured. */
function swatch(word) {
  let h = 0x811c9dc5;
  for (const b of new TextEncoder().encode(word.toLowerCase())) h = Math.imul(h ^ b, 0x01000193) >>> 0;
  return h % 12;
}
const monogram = (name) => {
  const words = name.split(/[^\p{L}]+/u).filter(Boolean);
  return (words.length > 1 ? words[0][0] + words.at(-1)[0] : (words[0] || "").slice(0, 1)).toUpperCase();
};
const listed = (words) => words.length < 2 ? words.join("") : words.slice(0, -1).join(", ") + " and " + words.at(-1);

function why(e) {
  const first = e.terms[0];
  return `Because you looked at ${title(first.name)}` + (first.alike.length ? `: same ${listed(first.alike)}` : "");
}

function card(e, model) {
  const node = part("card").content.cloneNode(true), at = (sel) => node.querySelector(sel), name = title(e.name || e.item);
  at(".swatch").classList.add("swatch-" + swatch(e.category || name));
  at(".swatch span").textContent = monogram(name);
  at("h3 a").textContent = name;
  at("h3 a").href = href(e.item);
  at("[data-category]").textContent = e.category.charAt(0).toUpperCase() + e.category.slice(1);
  at(".price strong").textContent = e.price ? money(e.price, model.currency) : "";
  at(".why summary").textContent = why(e);
  const sum = e.terms.map((t) => {
    const li = document.createElement("li");
    li.textContent = `${title(t.name || t.item)}: ${t.share}`;
    return li;
  });
  at(".why ul").append(...sum);
  at("[data-sum]").textContent = `Together ${e.score}. The list is in this order.`;
  return node;
}

function kept(history, names) {
  return history.toReversed().map(({ item: id }) => {
    const li = document.createElement("li"), a = document.createElement("a"), b = document.createElement("button");
    a.href = href(id);
    a.textContent = title(names.get(id) || id);
    b.type = "button";
    b.className = "button quiet small";
    b.textContent = "Forget";
    b.setAttribute("aria-label", "Forget " + a.textContent);
    b.addEventListener("click", () => { mode.forget(id); void draw(); });
    li.append(a, " ", b);
    return li;
  });
}

async function draw() {
  const on = mode.isOn(), history = mode.history(), button = part("switch");
  button.setAttribute("aria-checked", String(on));
  button.disabled = false;
  part("state").textContent = on ? "On" : "Off";
  part("kept").hidden = !history.length;
  part("list").replaceChildren();
  part("say").textContent = "";
  if (!on) return;
  if (!history.length) {
    part("say").textContent = "Nothing is noted yet. Look at a product and come back.";
    return;
  }
  try {
    const { entries, model } = await mode.rank({ n: 10 }), names = new Map();
    for (const e of entries) for (const t of e.terms) names.set(t.item, t.name);
    part("list").replaceChildren(...entries.map((e) => card(e, model)));
    part("history").replaceChildren(...kept(history, names));
    part("says").textContent = `${model.statement} Valid until ${model.until.toLocaleDateString("en-GB")}; its signature was checked here.`;
    if (!entries.length) part("say").textContent = "Nothing is alike to what you looked at yet.";
  } catch (e) {
    part("history").replaceChildren(...kept(history, new Map()));
    part("say").textContent = "No list can be made now: " + e.message.replace(/^thimble: on the device: /, "") + ". What is noted is still here.";
  }
}

if (panel) {
  part("switch").addEventListener("click", () => {
    if (mode.isOn()) mode.off();
    else mode.on();
    void draw();
  });
  addEventListener("storage", () => void draw()); // another tab
  addEventListener("pageshow", (e) => { if (e.persisted) void draw(); });
  void draw();
}

if (item && mode.saw(item.dataset.deviceItem)) {
  item.hidden = false;
  part("forget").addEventListener("click", () => { mode.forget(item.dataset.deviceItem); part("noted").textContent = "Forgotten on this device."; part("forget").hidden = true; });
}
