package web

// The layouts a [Page] can ask for.
const (
	Console = "console" // staff: a side bar on the desk, a menu on the phone
	Portal  = "portal"  // customers' privacy centre: one friendly column
	Shop    = "shop"    // the storefront
	Plain   = "plain"   // sign-in, errors, manuals: a header and one column
)

// A Page is everything around one screen; Body is the door's own struct.
type Page struct {
	Title       string // also the heading, unless the page file defines "title" or "header"
	Lead        string // one sentence below the heading
	Description string // for search engines and link previews
	Layout      string // Console, Portal, Shop or Plain; Plain when empty
	Site        string // whose site this is, such as the shop's name; the Kit's name when empty
	Home        string // where the logo leads; "/" when empty
	Nav         []NavItem
	Footer      []NavItem
	Crumbs      []Crumb
	Actions     []Action // at the right of the heading
	Tabs        []Tab
	Account     *Account
	Flash       *Flash
	Notice      *AccessNotice
	APICall     string   // the same data as an API call, such as a curl command
	Banner      string   // one line above everything, such as "Demo: invented people"
	Signal      string   // one line about a signal of the browser that was honoured
	Prompt      *Prompt  // a question to whoever looks, above the page; shop layout only
	Search      *Search  // a search field in the header
	Basket      *Basket  // the shop's basket
	Scripts     []string // further assets: ES modules
	Styles      []string // further assets: style sheets
	Body        any
}

// A NavItem is a link of the navigation. Items of one Group follow each other.
type NavItem struct {
	Label   string
	Href    string
	Icon    string // the end of an "icon-…" class of icons.css
	Count   int    // open work behind the link; not shown when zero
	Current bool
	Group   string
}

// A NavGroup is a run of items with the same Group.
type NavGroup struct {
	Name  string
	Items []NavItem
}

// A Crumb is a step of the path to the page. The last one has no Href.
type Crumb struct{ Label, Href string }

// A Tab is a link to a sister page.
type Tab struct {
	Label   string
	Href    string
	Count   int
	Current bool
}

// An Account says who is signed in.
type Account struct {
	Label       string
	Detail      string // such as the person's role
	Href        string // their own settings
	SignOutHref string // a POST
}

// A Flash is the answer to the last action.
type Flash struct {
	Kind Tone
	Text string
}

// An AccessNotice names the purpose a screen with personal data was opened for
// and the ledger entry that recorded it.
type AccessNotice struct {
	Purpose     string
	LedgerEntry string
	Href        string
}

// A Prompt is a question that a page asks without standing in its way, such as a
// consent banner. Its buttons are alike: none is made easier than another.
type Prompt struct {
	Title   string
	Text    string
	Points  []KeyValue // what is asked, in short
	More    string     // the whole text, behind a link that opens it in place
	Action  string     // where it posts; empty for a prompt that only says something
	Hidden  []Hidden
	Buttons []PromptButton
	Later   *PromptButton // puts it off
}

// A PromptButton answers a prompt: it posts Name and Value, or leads to Href.
type PromptButton struct{ Label, Name, Value, Href string }

// Search is a search field, a GET form.
type Search struct{ Action, Name, Value, Label string }

// Basket is the shop's basket.
type Basket struct {
	Href  string
	Count int
}

// A Tone colours a badge, a flash or a tile. It is never the only carrier of meaning.
type Tone string

// The tones.
const (
	Neutral Tone = ""
	Good    Tone = "good"
	Info    Tone = "info"
	Warn    Tone = "warn"
	Bad     Tone = "bad"
)

// An Action is a link, or a button that posts when Post is set.
type Action struct {
	Label  string
	Href   string
	Kind   string // "primary", "danger", "quiet" or "", a plain button
	Icon   string
	Post   bool
	Hidden []Hidden // fields sent along with a post
	// About tells a screen reader what a repeated button is for, such as "order 17".
	About string
}

// view is what a layout sees: the page, and what only the kit knows.
type view struct {
	Page
	Kit       string
	RequestID string
}

// NavGroups splits the navigation where the group changes.
func (p Page) NavGroups() []NavGroup {
	var groups []NavGroup
	for _, item := range p.Nav {
		if n := len(groups); n > 0 && groups[n-1].Name == item.Group {
			groups[n-1].Items = append(groups[n-1].Items, item)
			continue
		}
		groups = append(groups, NavGroup{Name: item.Group, Items: []NavItem{item}})
	}
	return groups
}

// SignedIn reports whether the page was made for one person, and so must not be
// stored by any cache.
func (p Page) SignedIn() bool { return p.Account != nil || p.Notice != nil }

// htmxConfig switches off what the policy would block, and lets in only the
// extension that narrows htmx down (see trusted.js).
const htmxConfig = `{"includeIndicatorCSS":false,"history":true,"extensions":"trusted"}`

// HTMXConfig is the content of the meta element that htmx reads.
func (view) HTMXConfig() string { return htmxConfig }

// SiteName is the title's tail.
func (v view) SiteName() string {
	if v.Site != "" {
		return v.Site
	}
	return v.Kit
}

// HomeHref is where the logo leads.
func (v view) HomeHref() string {
	if v.Home != "" {
		return v.Home
	}
	return "/"
}

// A Hidden field travels with a post.
type Hidden struct{ Name, Value string }
