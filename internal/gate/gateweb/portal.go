package gateweb

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// OwnData is the purpose of the screens on which people see their own data.
const OwnData = "showing you your own data"

// An Own opens a person's own data to that person.
type Own = func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error)

// A Gate gives grants; *gate.Gate is one.
type Gate interface {
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
}

// OpenOwn returns how a customer opens their own data: the law obliges the shop to
// show it (GDPR Art. 15), and the gate counts the use like any other.
func OpenOwn(g Gate) Own {
	return func(ctx context.Context, who thimble.SubjectID, categories ...thimble.Category) (thimble.Grant, error) {
		grant, err := g.Open(ctx, gate.Request{
			Actor:   gate.Actor{Kind: gate.Customer, Name: "privacy centre", Self: who},
			Subject: who, Purpose: thimble.LegalObligation, Categories: categories,
		})
		if err != nil {
			return nil, err // not a nil *gate.Grant in an interface
		}
		return grant, nil
	}
}

// Uses lists who used a person's data; *gatedb.Log does.
type Uses interface {
	Of(ctx context.Context, s thimble.SubjectID, limit int) ([]gatedb.Use, error)
}

// shownUses bounds how far back the pages look.
const shownUses = 2000

// ReceiptKind is the kind of receipts of staff reads in addresses.
const ReceiptKind = "access"

const useToken = "use"

// An accessBody is the page of who looked.
type accessBody struct {
	Staff, Machines, Without web.Table
	Own                      int
}

// Portal returns the page on which people see who looked at their data, and what
// happens without what they do not permit.
func Portal(kit *web.Kit, uses Uses, own Own, without ...gate.Without) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "Who looked", Href: "/privacy/access"}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		mux.HandleFunc("GET /privacy/access", func(w http.ResponseWriter, r *http.Request) {
			who := web.VisitorFrom(r.Context()).Subject
			grant, err := own(r.Context(), who, thimble.AccessRecord)
			var all []gatedb.Use
			var looks []look
			if err == nil {
				all, err = uses.Of(r.Context(), who, shownUses)
			}
			if err == nil {
				looks, err = looksOf(r.Context(), grant, all)
			}
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			f.Render(w, r, http.StatusOK, pages, "portal_access.html", web.Page{
				Title: "Who looked at my data", Lead: "Every look is written down, with what it was for. A look by staff is written down before they see anything.",
				Notice: &web.AccessNotice{Purpose: OwnData}, Body: accessOf(all, looks, without...),
			})
		})
	}}, nil
}

func accessOf(all []gatedb.Use, looks []look, without ...gate.Without) accessBody {
	body := accessBody{Staff: staffTable(looks), Machines: machineTable(all), Without: withoutTable(without)}
	for _, u := range all {
		if u.Kind == gate.Customer {
			body.Own += int(u.Uses)
		}
	}
	return body
}

// A look is one by staff, with what only its person reads.
type look struct {
	gatedb.Use
	gatedb.Look
}

func looksOf(ctx context.Context, g thimble.Grant, all []gatedb.Use) (looks []look, err error) {
	for _, u := range all {
		if u.Kind != gate.Staff {
			continue
		}
		l := look{Use: u}
		if u.Receipted() {
			if l.Look, err = u.Look(ctx, g); err != nil {
				return nil, err
			}
		}
		looks = append(looks, l)
	}
	return looks, nil
}

func staffTable(looks []look) web.Table {
	t := web.Table{
		ID: "staff", Caption: "People of the shop", Note: "Each look has a receipt of its own, that nobody can change afterwards.",
		Columns: []web.Column{{Label: "When"}, {Label: "Who"}, {Label: "What for"}, {Label: "What they saw"}, {Label: "Receipt", Kind: web.ActionColumn}},
		Empty:   &web.Empty{Icon: "eye", Title: "Nobody of the staff has looked at your data", Text: "If somebody does, you see it here at once, with a receipt."},
	}
	for _, l := range looks {
		var receipt any
		if l.Receipted() {
			receipt = web.Action{Label: "Receipt", Href: ledgerweb.ReceiptHref(ReceiptKind, l.ID.Token(useToken)), About: "of this look", Kind: "quiet", Icon: "seal"}
		}
		who, why := web.Cell{Value: l.Actor, Sub: strings.Join(l.Roles, ", ")}, web.Cell{Value: PurposeWords(l.Purpose), Sub: l.Reason}
		if l.Glass {
			why.Sub = strings.TrimPrefix(why.Sub+" · in an emergency, which somebody else looks at afterwards", " · ")
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(l.At, who, why, seen(l), receipt)})
	}
	return t
}

// seen lists what was seen, and of what a part only.
func seen(l look) web.Cell {
	whole := slices.DeleteFunc(slices.Clone(l.Categories), func(c string) bool { return slices.Contains(l.Masked, thimble.Category(c)) })
	cell := web.Cell{Value: cmp.Or(categoryList(whole), "nothing in full")}
	if len(l.Masked) > 0 {
		part := make([]string, len(l.Masked))
		for i, c := range l.Masked {
			part[i] = string(c)
		}
		cell.Sub = "in part: " + categoryList(part)
	}
	return cell
}

// withoutTable says what a no costs.
func withoutTable(all []gate.Without) web.Table {
	t := web.Table{
		ID: "without", Caption: "If you do not allow it", Note: "What programs do without your permission.",
		Columns: []web.Column{{Label: "Program"}, {Label: "What for"}, {Label: "Without your permission"}},
		Empty:   &web.Empty{Icon: "spark", Title: "No program asks for your permission", Text: "If one does, you read here what happens when you say no."},
	}
	for _, w := range all {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(actorWords(w.Capability), PurposeWords(w.Purpose), w.Does)})
	}
	return t
}

// machineTable adds up what machines counted: one line for each machine and purpose.
func machineTable(all []gatedb.Use) web.Table {
	t := web.Table{
		ID: "machines", Caption: "Programs of the shop", Note: "Programs look often, so their looks are counted.",
		Columns: []web.Column{{Label: "Program"}, {Label: "What for"}, {Label: "What it used"}, {Label: "Times", Kind: web.NumberColumn}, {Label: "Last time"}},
		Empty:   &web.Empty{Icon: "spark", Title: "No program has used your data", Text: "Programs only use it for what you allow, and for your orders."},
	}
	type line struct {
		use  gatedb.Use
		n    int64
		last time.Time
	}
	lines := map[string]*line{}
	for _, u := range all {
		if u.Kind != gate.Machine && u.Kind != gate.Client {
			continue
		}
		key := fmt.Sprint(u.Kind, "\x00", u.Actor, "\x00", u.Purpose)
		l := lines[key]
		if l == nil {
			l = &line{use: u}
			lines[key] = l
		}
		l.n += u.Uses
		if u.At.After(l.last) {
			l.last = u.At
		}
	}
	sorted := make([]*line, 0, len(lines))
	for _, l := range lines {
		sorted = append(sorted, l)
	}
	slices.SortFunc(sorted, func(a, b *line) int {
		return cmp.Or(b.last.Compare(a.last), strings.Compare(a.use.Actor+string(a.use.Purpose), b.use.Actor+string(b.use.Purpose)))
	})
	for _, l := range sorted {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(actorWords(l.use.Actor), PurposeWords(l.use.Purpose), categoryList(l.use.Categories), l.n, l.last)})
	}
	return t
}

// PortalReceipts is the source of the receipts of staff reads.
func PortalReceipts(uses Uses, own Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Looks by staff",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := uses.Of(ctx, who, shownUses)
			var listed []ledgerweb.Listed
			for _, u := range all {
				if u.Receipted() {
					listed = append(listed, ledgerweb.Listed{Key: u.ID.Token(useToken), At: u.At, Title: u.Actor + " looked at your data", Text: "For " + PurposeWords(u.Purpose) + "."})
				}
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error) {
			id, err := thimble.ParseID(useToken, key)
			if err != nil {
				return ledger.Opening{}, fmt.Errorf("gate: the receipt's key: %w", thimble.ErrNotFound)
			}
			grant, err := own(ctx, who, thimble.AccessRecord)
			if err != nil {
				return ledger.Opening{}, err
			}
			all, err := uses.Of(ctx, who, shownUses)
			for _, u := range all {
				if u.ID == id && u.Receipted() {
					return u.Opening(ctx, grant)
				}
			}
			if err == nil {
				err = fmt.Errorf("gate: use %s: %w", key, thimble.ErrNotFound)
			}
			return ledger.Opening{}, err
		},
	}
}

// PortalCard sums up who looked, for the privacy centre's first page.
func PortalCard(uses Uses) func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		all, err := uses.Of(ctx, who, shownUses)
		var staff, machines int64
		for _, u := range all {
			switch u.Kind {
			case gate.Staff:
				staff += u.Uses
			case gate.Machine, gate.Client:
				machines += u.Uses
			}
		}
		text := fmt.Sprintf("People of the shop: %s. Programs: %s.", times(staff), times(machines))
		return web.Card{Icon: "eye", Title: "Who looked at my data", Text: text, Href: "/privacy/access"}, err
	}
}

func times(n int64) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return web.Text(n) + " times"
}
