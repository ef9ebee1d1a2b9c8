package tasteweb

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/decision/decisionweb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/recommend/lists"
	"thimble/internal/recommend/taste"
	"thimble/internal/recommend/tastedb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// The pages' addresses.
const (
	PortalPath = "/privacy/lists"
	ShopPath   = "/shop/lists"
)

// ReceiptKind is the kind of receipts of choices about lists in addresses.
const ReceiptKind = "list-choice"

// A Store keeps choices; tastedb.Whole does.
type Store interface {
	Say(ctx context.Context, who thimble.SubjectID, s tastedb.Said) ([]tastedb.Recorded, error)
	Of(ctx context.Context, g thimble.Grant) (taste.State, error)
	History(ctx context.Context, g thimble.Grant) ([]tastedb.Recorded, error)
}

// Lists says what lists are made from; *lists.Shop does.
type Lists interface {
	Counts(ctx context.Context, g thimble.Grant) (all []lists.Counted, permitted bool, err error)
}

// Names knows the shop's products; *catalogdb.Store does.
type Names interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// PortalDeps are what the pages are made of.
type PortalDeps struct {
	Store Store
	Lists Lists
	Names Names
	Own   gateweb.Own
}

// A row is one line of the page, with what its button says.
type row struct {
	Title, Sub string
	At         time.Time
	Choice     taste.Choice
	Undo       bool
	Button     string
	About      string // for who does not see the line
	Receipt    string
}

type body struct {
	Said    []row
	Counted []row
	More    int
	Off     bool // nothing permits a list
}

// shownCounted bounds how much of what counts a page has.
const shownCounted = 100

// Portal returns the page on which people see what shapes their lists, and change it.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "What shapes my lists", Href: PortalPath}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		mux.HandleFunc("GET "+PortalPath, func(w http.ResponseWriter, r *http.Request) {
			b, err := d.body(r)
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			f.Render(w, r, http.StatusOK, pages, "portal_lists.html", web.Page{
				Title: "What shapes your lists", Lead: "What lists of products for you are made from, and what you said about them. Each change counts at the next list.",
				Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: b,
			})
		})
		mux.HandleFunc("POST "+PortalPath, func(w http.ResponseWriter, r *http.Request) {
			changed, err := say(w, r, d.Store, "privacy-lists@1")
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			http.Redirect(w, r, PortalPath+"?done="+prefixed(changed), http.StatusSeeOther)
		})
	}}, nil
}

func done(changed bool) string {
	if changed {
		return "saved"
	}
	return "same"
}

func prefixed(changed bool) string {
	if changed {
		return "lists-saved"
	}
	return "same"
}

// maxForm bounds what a form of one choice has.
const maxForm = 1 << 12

// say records what a form says, and reports whether it changed anything.
func say(w http.ResponseWriter, r *http.Request, s Store, component string) (bool, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return false, fmt.Errorf("taste: reading the form: %w", thimble.ErrInvalid)
	}
	v := r.PostForm
	c := taste.Choice{Kind: taste.Kind(v.Get("kind")), Item: thimble.ItemID(v.Get("item")), Category: v.Get("category")}
	recorded, err := s.Say(r.Context(), web.VisitorFrom(r.Context()).Subject, tastedb.Said{
		Choices: []taste.Choice{c}, Undo: v.Get("undo") != "", By: taste.By{Auth: "session", Component: component},
	})
	return len(recorded) > 0, err
}

func (d PortalDeps) body(r *http.Request) (b body, err error) {
	ctx := r.Context()
	g, err := d.Own(ctx, web.VisitorFrom(ctx).Subject, thimble.PrivacyPreferences, thimble.PurchaseHistory, lists.Browsing)
	if err != nil {
		return b, err
	}
	state, err := d.Store.Of(ctx, g)
	if err != nil {
		return b, err
	}
	var ids []thimble.ItemID
	for _, st := range state.Standing {
		if st.Item != "" {
			ids = append(ids, st.Item)
		}
	}
	names, err := d.Names.Get(ctx, ids...)
	if err != nil {
		return b, err
	}
	for _, st := range slices.Backward(state.Standing) {
		title := says(st.Choice, nameOf(names, st.Item))
		b.Said = append(b.Said, row{Title: title, Sub: follows[st.Kind], At: st.At, Choice: st.Choice, Undo: true, Button: "Undo", About: title,
			Receipt: ledgerweb.ReceiptHref(ReceiptKind, key(st.Subject, st.Seq))})
	}
	counted, permitted, err := d.Lists.Counts(ctx, g)
	if err != nil {
		return b, err
	}
	b.Off, b.More = !permitted, max(0, len(counted)-shownCounted)
	for _, c := range counted[:len(counted)-b.More] {
		name := decisionweb.ItemName(c.Product.Name)
		b.Counted = append(b.Counted, row{Title: name, Sub: "you " + c.Did.Words(), At: c.Last, Choice: taste.Choice{Kind: taste.Forget, Item: c.Product.ID},
			Button: "Forget it", About: "that you " + c.Did.Words() + " " + name})
	}
	return b, nil
}

func nameOf(names map[thimble.ItemID]catalog.Product, id thimble.ItemID) string {
	if p, ok := names[id]; ok && p.Name != "" {
		return decisionweb.ItemName(p.Name)
	}
	return string(id)
}

// says puts a choice into words.
func says(c taste.Choice, name string) string {
	switch {
	case c.Kind == taste.Less && c.Item != "":
		return "Less like " + name
	case c.Kind == taste.Less:
		return "Less of the category " + c.Category
	case c.Kind == taste.Forget:
		return "Forget " + name
	}
	return "Never use the category " + c.Category
}

var follows = map[taste.Kind]string{
	taste.Less:   "left out or shown less, and what it speaks for is shown less",
	taste.Forget: "counts for no list, and nothing is learned from it",
	taste.Never:  "nothing in it counts for a list or is learned from, and nothing of it is in your lists",
}

func key(who thimble.SubjectID, seq int64) string {
	return strconv.FormatInt(seq, 10) + "-" + who.String()
}

// PortalReceipts is the source of the receipts of choices about lists.
func PortalReceipts(s Store, own gateweb.Own) ledgerweb.Source {
	history := func(ctx context.Context, who thimble.SubjectID) ([]tastedb.Recorded, error) {
		g, err := own(ctx, who, thimble.PrivacyPreferences)
		if err != nil {
			return nil, err
		}
		return s.History(ctx, g)
	}
	return ledgerweb.Source{Kind: ReceiptKind, Title: "About my lists",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := history(ctx, who)
			var listed []ledgerweb.Listed
			for _, h := range slices.Backward(all) {
				title := "You said what shapes your lists"
				if h.Event.Undone {
					title = "You took back what you said about your lists"
				}
				listed = append(listed, ledgerweb.Listed{Key: key(h.Event.Subject, h.Event.Seq), At: h.Event.At, Title: title,
					Text: says(h.Event.Choice, "product "+string(h.Event.Item))})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, wanted string) (ledger.Opening, error) {
			all, err := history(ctx, who)
			for _, h := range all {
				if key(h.Event.Subject, h.Event.Seq) == wanted {
					return h.Opening, nil
				}
			}
			if err == nil {
				err = fmt.Errorf("taste: a choice of that number: %w", thimble.ErrNotFound)
			}
			return ledger.Opening{}, err
		},
	}
}
