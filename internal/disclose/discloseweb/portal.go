package discloseweb

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"strings"

	"thimble"
	"thimble/internal/disclose"
	"thimble/internal/disclose/disclosedb"
	"thimble/internal/gate/gateweb"
	"thimble/internal/ledger"
	"thimble/internal/ledger/ledgerweb"
	"thimble/internal/web"
)

//go:embed pages/portal_*.html
var portalFiles embed.FS

// Shared is what was sent about people, sealed; *disclosedb.Store has it, and Of is asked
// about all subjects of a person.
type Shared interface {
	Of(ctx context.Context, who thimble.SubjectID, limit int) ([]disclosedb.Disclosed, error)
}

// PortalDeps are what the pages of people are made of.
type PortalDeps struct {
	Shared   Shared
	Receipts ledgerweb.ReceiptLog
	Own      gateweb.Own
}

// ReceiptKind is the kind of receipts of disclosures in addresses.
const ReceiptKind = "shared"

const (
	sharedPath  = "/privacy/shared"
	shownShared = 500
)

type portal struct {
	PortalDeps
	pages *web.Pages
	*web.Frame
}

// Portal returns the pages on which people see who got what about them.
func Portal(kit *web.Kit, d PortalDeps) (web.Section, error) {
	pages, err := kit.Pages(ledgerweb.WithCheck(portalFiles), "pages/portal_*.html", ledgerweb.CheckPartial)
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{Nav: []web.NavItem{{Label: "Who got what", Href: sharedPath}}, Mount: func(mux web.Routes, f *web.Frame) {
		p := &portal{PortalDeps: d, pages: pages, Frame: f}
		mux.HandleFunc("GET "+sharedPath, p.list)
		mux.HandleFunc("GET "+sharedPath+"/{key}", p.show)
	}}, nil
}

type sharedBody struct{ Table web.Table }

var whereabouts = map[disclose.Whereabouts]web.Badge{
	disclose.Going: {Text: "on its way", Tone: web.Info}, disclose.Sent: {Text: "sent", Tone: web.Neutral},
	disclose.MaybeSent: {Text: "may have arrived", Tone: web.Warn}, disclose.NotSent: {Text: "stopped, nothing was sent", Tone: web.Good},
}

func (p *portal) list(w http.ResponseWriter, r *http.Request) {
	ctx, who := r.Context(), web.VisitorFrom(r.Context()).Subject
	grant, err := p.Own(ctx, who, thimble.AccessRecord)
	var all []disclosedb.Disclosed
	if err == nil {
		all, err = p.Shared.Of(ctx, who, shownShared)
	}
	t := web.Table{
		ID: "shared", Caption: "Who got what", HideCaption: true,
		Columns: []web.Column{{Label: "Who"}, {Label: "What"}, {Label: "When"}, {Label: "State"}},
		Empty:   &web.Empty{Icon: "truck", Title: "Nobody got anything about you", Text: "When something about you goes to somebody else, such as whoever brings your parcels, it is noted here before it is sent."},
	}
	for _, d := range all {
		var rec disclose.Record
		if err == nil {
			rec, _, err = disclosedb.Open(ctx, grant, d)
		}
		t.Rows = append(t.Rows, web.Row{Href: sharedPath + "/" + d.Key(), Cells: web.Cells(
			web.Cell{Value: rec.Recipient.Name, Sub: strings.Join(places(rec.Recipient.Countries), ", ")}, strings.Join(fieldWords(rec.Fields), ", "), d.At, whereabouts[d.State])})
	}
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	if len(all) == shownShared {
		t.Note, t.HideCaption = fmt.Sprintf("The newest %d. All of them are in your download.", shownShared), false
	}
	p.Render(w, r, http.StatusOK, p.pages, "portal_shared.html", web.Page{
		Title: "Who got what about me", Lead: "Everything about you that was sent to somebody else, written down before it left.",
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: sharedBody{t},
	})
}

// words for the fields that come with Thimble; another is shown as the agreement names it.
var words = map[string]string{
	"order": "a number for the order", "placed": "when you ordered", "country": "your country", "return": "whether it came back", "lines": "what you ordered",
	disclosedb.AddressField: "your mail address", disclosedb.TextField: "a letter to you", disclose.PersonField: "that you were erased",
}

// places are countries as people read them; that of the machine itself has no code.
func places(countries []string) (all []string) {
	for _, c := range countries {
		if c != "ZZ" {
			all = append(all, c)
		}
	}
	return all
}

func fieldWords(fields []string) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		if all[i] = words[f]; all[i] == "" {
			all[i] = strings.ReplaceAll(f, "_", " ")
		}
	}
	return all
}

type oneBody struct {
	State web.Callout
	Facts []web.KeyValue
	Check ledgerweb.Check
}

// entry finds an entry among those of all subjects of the person, and opens it.
func entry(ctx context.Context, s Shared, own gateweb.Own, who thimble.SubjectID, key string) (d disclosedb.Disclosed, rec disclose.Record, o ledger.Opening, err error) {
	grant, err := own(ctx, who, thimble.AccessRecord)
	if err != nil {
		return d, rec, o, err
	}
	all, err := s.Of(ctx, who, shownShared)
	for _, d := range all {
		if d.Key() == key {
			rec, o, err = disclosedb.Open(ctx, grant, d)
			return d, rec, o, err
		}
	}
	if err == nil {
		err = fmt.Errorf("discloseweb: no such entry: %w", thimble.ErrNotFound)
	}
	return d, rec, o, err
}

var sentences = map[disclose.Whereabouts]string{
	disclose.Going: "It was written down and waits to be sent. If you change your mind before, it is not.", disclose.Sent: "They have it.",
	disclose.MaybeSent: "It was being sent when it was stopped. They may have it.", disclose.NotSent: "It was stopped before it left. They got nothing of it.",
}

var kindWords = map[disclose.Kind]string{
	disclose.Processor: "works for the shop, and may use it for nothing else", disclose.Controller: "decides for itself what it does with it",
	disclose.Joint: "decides about it together with the shop", disclose.Public: "is a public body",
}

var actWords = map[disclose.Act]string{disclose.Process: "handed over", disclose.Share: "shared", disclose.Sale: "sold"}

func (p *portal) show(w http.ResponseWriter, r *http.Request) {
	d, rec, _, err := entry(r.Context(), p.Shared, p.Own, web.VisitorFrom(r.Context()).Subject, r.PathValue("key"))
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	p.Render(w, r, http.StatusOK, p.pages, "portal_sharedone.html", web.Page{
		Title: "What " + rec.Recipient.Name + " got", Lead: "One thing that was sent about you.",
		Crumbs: []web.Crumb{{Label: "Who got what", Href: sharedPath}, {Label: rec.Recipient.Name}},
		Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: p.oneBody(d, rec),
		Scripts: []string{ledgerweb.CheckScript}, Styles: []string{ledgerweb.CheckStyle},
	})
}

func (p *portal) oneBody(d disclosedb.Disclosed, rec disclose.Record) oneBody {
	badge := whereabouts[d.State]
	categories := make([]string, len(rec.Categories))
	for i, c := range rec.Categories {
		categories[i] = gateweb.CategoryWords(c)
	}
	facts := []web.KeyValue{
		{Key: "To", Value: rec.Recipient.Name, Sub: "It " + kindWords[rec.Recipient.Kind] + "."}, {Key: "What", Value: strings.Join(fieldWords(rec.Fields), ", "), Sub: strings.Join(categories, ", ")},
		{Key: "It was", Value: actWords[rec.Act]}, {Key: "What for", Value: gateweb.PurposeWords(rec.Purpose)}, {Key: "When", Value: rec.At},
	}
	if in := places(rec.Recipient.Countries); len(in) > 0 {
		facts = append(facts, web.KeyValue{Key: "Where", Value: strings.Join(in, ", ")})
	}
	if rec.Basis != "" {
		facts = append(facts, web.KeyValue{Key: "Allowed by", Value: gateweb.BasisWords(rec.Basis), Sub: rec.Cite})
	}
	if rec.Retention > 0 {
		facts = append(facts, web.KeyValue{Key: "They keep it", Value: web.Plural(rec.Retention, "day", "days") + " at most"})
	}
	return oneBody{
		State: web.Callout{Tone: badge.Tone, Title: capital(badge.Text), Text: sentences[d.State]}, Facts: facts,
		Check: ledgerweb.CheckOf(p.Receipts, ReceiptKind, d.Key(), "what was sent"),
	}
}

// PortalReceipts is the source of the receipts of disclosures.
func PortalReceipts(s Shared, own gateweb.Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "Sent to others",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := s.Of(ctx, who, shownShared)
			listed := make([]ledgerweb.Listed, 0, len(all))
			for _, d := range all {
				listed = append(listed, ledgerweb.Listed{Key: d.Key(), At: d.At, Title: "Something about you was sent", Text: capital(whereabouts[d.State].Text) + "."})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error) {
			_, _, o, err := entry(ctx, s, own, who, key)
			return o, err
		},
	}
}

// PortalCard sums up who got what, for the privacy centre's first page.
func PortalCard(s Shared) func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		all, err := s.Of(ctx, who, shownShared)
		card := web.Card{Icon: "truck", Title: "Who got what about me", Href: sharedPath, Text: "Nobody got anything about you."}
		sent := map[thimble.ID]bool{}
		n := 0
		for _, d := range all {
			if d.State != disclose.NotSent {
				sent[d.Message.Recipient] = true
				n++
			}
		}
		if n > 0 {
			card.Text = web.Plural(n, "thing", "things") + " went to " + web.Plural(len(sent), "recipient", "recipients") + ", each with its receipt."
		}
		return card, err
	}
}
