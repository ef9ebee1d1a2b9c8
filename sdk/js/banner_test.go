package js_test

import (
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"thimble/internal/web/webtest"
)

// in is a script's prologue: the root of what is shown, and its buttons by their text.
const in = `const root = document.querySelector("thimble-choices")?.shadowRoot, button = t => [...root.querySelectorAll("button")].find(b => b.textContent === t);`

// banner is whether the banner is shown.
const banner = `document.querySelector("thimble-choices")?.shadowRoot.querySelector("section")`

// focused is the text of what has the focus, inside the banner too.
func focused(tab *webtest.Tab) (text string) {
	tab.Eval(`(() => { let e = document.activeElement; while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
		return e === document.body ? "" : e.name ? e.closest("fieldset").querySelector("legend").textContent + ": " + e.closest("label").textContent : e.textContent.trim(); })()`, &text)
	return text
}

func shown(tab *webtest.Tab) (what string) {
	tab.Eval(`(() => { `+in+` return root ? root.querySelector("dialog") ? "preferences" : "banner" : ""; })()`, &what)
	return what
}

// EDPB, Guidelines 03/2022 and Cookie Banner Taskforce (2023): refusing on the same level,
// as visible and with as many clicks as allowing.
func TestRefusingIsAsEasyAsAllowing(t *testing.T) {
	for _, v := range []webtest.Viewport{webtest.Desk, webtest.Phone, {Width: 1280, Height: 800, Dark: true}} {
		s := newSite(t)
		tab := s.visit(v, "/")
		for _, what := range []string{"banner", "preferences"} {
			if what == "preferences" {
				s.press(tab, "Choose")
			}
			var got struct {
				Styles  [][2]string
				Sizes   [][2]float64
				Parents int
				First   bool
			}
			tab.Eval(`(() => { `+in+` const no = button("Refuse all"), yes = button("Allow all"), a = getComputedStyle(no), b = getComputedStyle(yes), styles = [];
				for (const p of a) if (!/^(width|inline-size|transform-origin|perspective-origin)$/.test(p) && a.getPropertyValue(p) !== b.getPropertyValue(p)) styles.push([p + ": " + a.getPropertyValue(p), b.getPropertyValue(p)]);
				const r = no.getBoundingClientRect(), s = yes.getBoundingClientRect();
				return {Styles: styles, Sizes: [[r.width, s.width], [r.height, s.height]], Parents: new Set([no.parentElement, yes.parentElement]).size,
					First: !!(no.compareDocumentPosition(yes) & Node.DOCUMENT_POSITION_FOLLOWING)}; })()`, &got)
			// The width is compared below; a pixel is divided among columns to the 64th.
			if len(got.Styles) > 0 {
				t.Errorf("%s at %d: the two look different: %q", what, v.Width, got.Styles)
			}
			for _, size := range got.Sizes {
				if math.Abs(size[0]-size[1]) > 0.1 || size[0] < 44 {
					t.Errorf("%s at %d: refusing is %v pixels, allowing %v", what, v.Width, size[0], size[1])
				}
			}
			if got.Parents != 1 || !got.First {
				t.Errorf("%s at %d: %d parents, refusing first: %v", what, v.Width, got.Parents, got.First)
			}
		}
	}
}

// clicks counts how many presses an answer takes, from a page that asks.
func TestBothAnswersAreOnePressAway(t *testing.T) {
	for _, answer := range []string{"Refuse all", "Allow all"} {
		for _, open := range [][]string{nil, {"Choose"}} {
			s := newSite(t)
			tab := s.visit(webtest.Desk, "/")
			for _, b := range append(open, answer) {
				s.press(tab, b)
			}
			tab.Wait(`thimble.consent().answered`)
			if got := shown(tab); got != "" {
				t.Errorf("after %q the %s is still there", answer, got)
			}
			var choices map[string]bool
			tab.Eval(`thimble.consent().choices`, &choices)
			if want := (map[string]bool{personalize: answer == "Allow all", train: answer == "Allow all"}); !cmp.Equal(choices, want) {
				t.Errorf("after %q: %v", answer, choices)
			}
		}
	}
}

func TestTheBannerIsReachedFirstAndByKeysAlone(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")
	if got := focused(tab); got != "" {
		t.Errorf("the banner took the focus: %q", got)
	}
	var order []string
	for range 6 {
		tab.Press("\t")
		order = append(order, focused(tab))
	}
	if want := []string{"Refuse all", "Choose", "Allow all", "Decide later", "Privacy centre", "Add to basket"}; !slices.Equal(order, want) {
		t.Errorf("the order of the focus = %q, want %q", order, want)
	}

	s.goTo(tab, "/")
	tab.Press("\t")
	tab.Press("\t")
	tab.Press("\r") // Choose
	if got := shown(tab); got != "preferences" {
		t.Fatalf("%q is shown, want the preferences", got)
	}
	if got := focused(tab); got != "My choices" {
		t.Errorf("the focus is on %q, want the heading", got)
	}
	tab.Press("\t")
	tab.Press(" ")
	if got := focused(tab); got != "Products chosen for you: Do not allow" {
		t.Errorf("the focus is on %q, want the first answer", got)
	}
	tab.Press("\t")
	tab.Press(kb.ArrowDown) // within a group of radio buttons
	if got := focused(tab); got != "Learning for everybody: Allow" {
		t.Errorf("the focus is on %q, want the second answer", got)
	}
	for range 10 {
		if focused(tab) == "Save my choices" {
			break
		}
		tab.Press("\t")
	}
	tab.Press("\r")
	tab.Wait(`thimble.consent().answered`)
	var choices map[string]bool
	tab.Eval(`thimble.consent().choices`, &choices)
	if want := (map[string]bool{personalize: false, train: true}); !cmp.Equal(choices, want) {
		t.Errorf("chosen by keys: %v, want %v", choices, want)
	}
	s.policyKept()
	tab.Quiet(t)
}

func TestEscapeClosingAndLaterAreNoAnswer(t *testing.T) {
	for name, leave := range map[string]func(s *site, tab *webtest.Tab){
		"escape": func(_ *site, tab *webtest.Tab) { tab.Press("\t"); tab.Press("\x1b") },
		"later":  func(s *site, tab *webtest.Tab) { s.press(tab, "Decide later") },
		"escape in the preferences": func(s *site, tab *webtest.Tab) {
			s.press(tab, "Choose")
			tab.Press("\x1b")
			tab.Wait(banner)
			s.press(tab, "Decide later")
		},
		"close in the preferences": func(s *site, tab *webtest.Tab) {
			s.press(tab, "Choose")
			tab.Eval(`(() => { `+in+` root.querySelectorAll("input")[1].click(); })()`, nil)
			s.press(tab, "Close")
			tab.Wait(banner)
			s.press(tab, "Decide later")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			tab := s.visit(webtest.Desk, "/")
			leave(s, tab)
			if got := shown(tab); got != "" {
				t.Errorf("%s is still there", got)
			}
			tab.Eval(everything, nil)
			settles()
			nothingStored(t, tab)
			s.askedOnlyForTheText()
			s.goTo(tab, "/next")
			if got := shown(tab); got != "banner" {
				t.Errorf("on the next page: %q, want the banner", got)
			}
		})
	}
}

func TestNothingIsTickedThatNobodyChose(t *testing.T) {
	s := newSite(t)
	tab := s.visit(webtest.Desk, "/")
	ticked := func() (all []string) {
		tab.Eval(`(() => { `+in+` return [...root.querySelectorAll("input:checked")].map(i => i.closest("label").textContent); })()`, &all)
		return all
	}
	s.press(tab, "Choose")
	if got := ticked(); len(got) != 0 {
		t.Errorf("ticked before a choice: %q", got)
	}
	// Saving without a tick allows nothing.
	s.press(tab, "Save my choices")
	tab.Wait(`thimble.consent().answered`)
	settles()
	s.askedOnlyForTheText()
	// The preferences come back by the page's own link, with what was chosen.
	tab.Eval(`thimble.choose({"train_ai_system": true})`, nil)
	tab.Click("#choices")
	tab.Wait(`document.querySelector("thimble-choices")`)
	if got := ticked(); !slices.Equal(got, []string{"Do not allow", "Allow"}) {
		t.Errorf("ticked: %q", got)
	}
	tab.Press("\x1b")
	tab.Wait(`document.querySelector("thimble-choices") === null`)
	if got := focused(tab); got != "Privacy choices" {
		t.Errorf("the focus is on %q, want back on the link", got)
	}
}

func TestTheReceiptCanBeTakenAlong(t *testing.T) {
	s := newSite(t)
	tab := s.allowed()
	tab.Click("#choices")
	tab.Wait(`document.querySelector("thimble-choices")`)
	var text string
	tab.Eval(`(async () => { `+in+` const a = root.querySelector("a[download]"); return a.textContent + "|" + a.download + "|" + a.href.startsWith("blob:"); })()`, &text)
	if text != "Receipt 1|receipt-1.txt|true" {
		t.Errorf("the receipt's link = %q", text)
	}
	var receipts []string
	if tab.Eval(`thimble.consent().receipts`, &receipts); !slices.Equal(receipts, []string{"c2sp.org/tlog-proof@v1 the proof"}) {
		t.Errorf("receipts = %q", receipts)
	}
	s.policyKept()
}

// Where the texts cannot be had, the link leads to the privacy centre, as it does without script.
func TestTheLinkLeadsToThePrivacyCentreWithoutTheTexts(t *testing.T) {
	s := newSite(t)
	s.answers(func(r request) (int, http.Header, string) {
		if strings.HasPrefix(r.Path, "/v1/notice") {
			return http.StatusServiceUnavailable, nil, "{}"
		}
		return 0, nil, ""
	})
	tab := s.visit(webtest.Desk, "/")
	tab.Eval(everything, nil)
	if got := shown(tab); got != "" {
		t.Errorf("%q is shown without a text", got)
	}
	s.askedOnlyForTheText()
	nothingStored(t, tab)
	tab.Click("#choices")
	tab.Wait(fmt.Sprintf(`location.href === %q`, s.thimble.URL+"/privacy/choices"))
}

// looks are the sizes and colours; 640 by 400 is a desk at 200 %, 320 by 256 at 400 % (WCAG 1.4.4, 1.4.10).
var looks = map[string]webtest.Viewport{
	"desk": webtest.Desk, "desk-dark": {Width: 1280, Height: 800, Dark: true}, "phone": webtest.Phone, "phone-dark": {Width: 390, Height: 844, Dark: true},
	"zoom-200": {Width: 640, Height: 400}, "zoom-400": {Width: 320, Height: 256},
}

func TestBannerAndPreferencesAreAccessible(t *testing.T) {
	for _, dir := range []string{"ltr", "rtl"} {
		s := newSite(t)
		s.notice = theNotice()
		if dir == "rtl" {
			s.notice["lang"], s.notice["dir"] = "ar", "rtl"
			s.notice["words"].(object)["title"], s.notice["words"].(object)["refuse"], s.notice["words"].(object)["allow"] = "هل يمكننا استخدام ما تفعله هنا؟", "رفض الكل", "السماح بالكل"
		}
		names := sample([]string{"phone", "desk", "desk-dark", "phone-dark", "zoom-200", "zoom-400"}, map[string]int{"ltr": 6, "rtl": 1}[dir])
		for _, name := range names {
			v := looks[name]
			t.Run(dir+"-"+name, func(t *testing.T) {
				s.T = t
				tab := s.visit(v, "/")
				for _, what := range []string{"banner", "preferences"} {
					if what == "preferences" {
						s.press(tab, "Choose")
					}
					tab.Axe(t)
					tab.NoOverflow(t)
					s.reachable(tab, what)
					if to := os.Getenv("THIMBLE_SCREENSHOTS"); to != "" {
						tab.Screenshot(t, filepath.Join(to, fmt.Sprintf("sdk-%s-%s-%s.png", what, dir, name)))
					}
				}
				s.policyKept()
				tab.Quiet(t)
			})
		}
	}
}

// reachable fails when a button cannot be scrolled into the window, or is too small to hit.
func (s *site) reachable(tab *webtest.Tab, what string) {
	s.Helper()
	var bad []string
	tab.Eval(`(() => { `+in+` const bad = [], box = root.querySelector("section, dialog").getBoundingClientRect();
		if (box.left < 0 || box.right > innerWidth || box.top < 0 || box.bottom > innerHeight + 1) bad.push("the box leaves the window: " + JSON.stringify(box));
		for (const b of root.querySelectorAll("button, input")) { b.scrollIntoView({block: "nearest"}); const r = b.getBoundingClientRect();
			if (r.top < 0 || r.bottom > innerHeight + 1 || r.left < 0 || r.right > innerWidth) bad.push(b.textContent + " is out of sight");
			if ((b.labels?.[0] ?? b).getBoundingClientRect().height < 44) bad.push(b.textContent + " is small");
			if (b.scrollWidth > b.clientWidth + 1) bad.push(b.textContent + " is cut off"); }
		root.querySelector("section, dialog").scrollTop = 0;
		return bad; })()`, &bad)
	for _, b := range bad {
		s.Errorf("%s: %s", what, b)
	}
}
