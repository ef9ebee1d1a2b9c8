// What a page's author writes, and what the compiler is to refuse. It is checked, not run.
import { device, type Device, type DeviceList } from "@thimble/js/rank";
import { load, version, type Drop, type Message, type Notice, type Standing, type Thimble } from "@thimble/js";

const t: Thimble = load({ writeKey: "web_1", host: "https://data.shop.example", lang: "de", flushAt: 10 });

async function calls(): Promise<void> {
  const sent: Message | undefined = await t.track("Product Viewed", { sku: "LS-38", price: 19.95, sizes: ["36", "38"], at: new Date() });
  sent?.context;
  await t.track("Signed Up", (m) => m?.messageId.length);
  await t.track("Order Completed", {}, { timestamp: new Date(), integrations: { All: false }, context: { app: { name: "shop" } } }, () => {});
  await t.identify("u1", { plan: "free" });
  await t.identify({ plan: "free" });
  await t.identify(null, { plan: "free" });
  await t.page();
  await t.page("Home");
  await t.page("Shop", "Home", { step: 1 });
  await t.page({ step: 1 });
  await t.group("g1", { name: "Initech" });
  await t.alias("u2", "u1");
  t.reset();
  await t.ready(() => {});
  t.on("track", (event, properties) => [event.toUpperCase(), properties?.sku]).once("consent", (s: Standing) => s.categories).off("drop", (d: Drop) => d.reason);
  const notice: Notice = await t.notice();
  await t.choose(Object.fromEntries(notice.asks.map((a) => [a.purpose, true])));
  await t.withdraw();
  await t.preferences();
  await t.flush();
  const id: string | undefined = t.anonymousId();
  void [id, version.length];
}
void calls;

// @ts-expect-error: without a write key there is nobody to send to
load({ host: "https://data.shop.example" });
// @ts-expect-error: an option that there is not
load({ writeKey: "web_1", cookies: true });
// @ts-expect-error: an event has a name
void t.track({ sku: "LS-38" });
// @ts-expect-error: a function is no JSON
void t.track("Product Viewed", { sku: () => "LS-38" });
// @ts-expect-error: a choice is yes or no
void t.choose({ train_ai_system: "yes" });
// @ts-expect-error: an event that nobody tells of
t.on("click", () => {});

const mode: Device = device({ key: "MFkw", host: "https://data.shop.example", limit: 100, days: 30 });

async function ranks(): Promise<number> {
  if (!mode.isOn()) mode.on();
  const noted: boolean = mode.saw("LS-38");
  const list: DeviceList = await mode.rank({ n: 10, from: mode.history().map((h) => h.item), want: (item) => item != "LS-39" });
  const { kind, until, statement } = await mode.load();
  mode.forget("LS-38");
  mode.off();
  return noted && kind === "content" && until > new Date() && statement ? list.entries[0].terms[0].share : 0;
}
void ranks;

// @ts-expect-error: files are not ranked from without a key
device({});
// @ts-expect-error: an item is a text
mode.saw(38);
