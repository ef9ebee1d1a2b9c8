package discloseweb

import (
	"context"
	"embed"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

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

// SharedPage is where people see who got what about them.
const SharedPage = "/privacy/shared"

// ReceiptKind is the kind of receipts of disclosures in addresses.
const ReceiptKind = "disclosure"

const category = thimble.AccessRecord

// Disclosures lists what went out about a person, sealed; *disclosedb.Store does.
type Disclosures interface {
	Of(ctx context.Context, who thimble.SubjectID, limit int) ([]disclosedb.Disclosed, error)
	Entry(ctx context.Context, who thimble.SubjectID, key string) (disclosedb.Disclosed, error)
}

const shownDisclosures = 500

type sharedBody struct{ Table web.Table }

// Portal returns the page on which people see who got what about them.
func Portal(kit *web.Kit, s Disclosures, own gateweb.Own) (web.Section, error) {
	pages, err := kit.Pages(portalFiles, "pages/portal_*.html")
	if err != nil {
		return web.Section{}, err
	}
	nav := []web.NavItem{{Label: "Who got what", Href: SharedPage}}
	return web.Section{Nav: nav, Mount: func(mux web.Routes, f *web.Frame) {
		mux.HandleFunc("GET "+SharedPage, func(w http.ResponseWriter, r *http.Request) {
			t, err := sharedTable(r.Context(), s, own, web.VisitorFrom(r.Context()).Subject)
			if err != nil {
				f.Fail(w, r, err)
				return
			}
			f.Render(w, r, http.StatusOK, pages, "portal_shared.html", web.Page{
				Title: "Who got what about me", Lead: "Before something about you goes to somebody outside the shop, it is written down here. You get a receipt. Nobody can change it later.",
				Notice: &web.AccessNotice{Purpose: gateweb.OwnData}, Body: sharedBody{t},
			})
		})
	}}, nil
}

// PortalCard names who got something about a person, for the privacy centre's first page.
func PortalCard(s Disclosures, own gateweb.Own) func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
	return func(ctx context.Context, who thimble.SubjectID) (web.Card, error) {
		card := web.Card{Icon: "truck", Title: "Who got what", Href: SharedPage, Text: "Nobody outside the shop."}
		all, err := s.Of(ctx, who, shownDisclosures)
		all = slices.DeleteFunc(all, func(d disclosedb.Disclosed) bool { return d.State == disclose.NotSent })
		if err != nil || len(all) == 0 {
			return card, err
		}
		grant, err := own(ctx, who, category)
		if err != nil {
			return card, err
		}
		var names []string
		met := map[thimble.ID]bool{}
		for _, d := range all {
			if met[d.Message.Recipient] {
				continue
			}
			met[d.Message.Recipient] = true
			record, _, err := disclosedb.Open(ctx, grant, d)
			if err != nil {
				return card, err
			}
			names = append(names, record.Recipient.Name)
		}
		slices.Sort(names)
		card.Text = strings.Join(slices.Compact(names), ", ") + "."
		return card, nil
	}
}

func sharedTable(ctx context.Context, s Disclosures, own gateweb.Own, who thimble.SubjectID) (web.Table, error) {
	t := web.Table{
		ID: "shared", Caption: "Disclosures", HideCaption: true,
		Columns: []web.Column{{Label: "When"}, {Label: "To"}, {Label: "What for"}, {Label: "What"}, {Label: "What became of it"}, {Label: "Receipt", Kind: web.ActionColumn}},
		Empty:   &web.Empty{Icon: "truck", Title: "Nothing about you went to anybody", Text: "If something does, it stands here before the first byte leaves."},
	}
	grant, err := own(ctx, who, category)
	if err != nil {
		return t, err
	}
	all, err := s.Of(ctx, who, shownDisclosures)
	if err != nil {
		return t, err
	}
	for _, d := range all {
		record, _, err := disclosedb.Open(ctx, grant, d)
		if err != nil {
			return t, err
		}
		what := web.Cell{Value: gateList(record.Categories), Sub: strings.Join(record.Fields, ", ")}
		to := web.Cell{Value: record.Recipient.Name, Sub: places(record.Recipient.Countries)}
		purpose := web.Cell{Value: gateweb.PurposeWords(record.Purpose), Sub: keeps(record)}
		receipt := web.Action{Label: "Receipt", Href: ledgerweb.ReceiptHref(ReceiptKind, d.Key()), About: "of this disclosure", Kind: "quiet", Icon: "seal"}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(d.At, to, purpose, what, web.Badge{Text: whereWords[d.State]}, receipt)})
	}
	return t, nil
}

func keeps(r disclose.Record) string {
	if r.Kind == disclose.EraseMessage {
		return "told to delete what it has of you"
	}
	if r.Kind == disclose.CorrectMessage {
		if r.Subject != "" {
			return "told what is right"
		}
		return "told that something was corrected"
	}
	return "may keep it for " + web.Plural(r.Retention, "day", "days")
}

// places are countries for reading. That of the mail server is wherever it is: ZZ.
func places(countries []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(countries), func(c string) bool { return c == "ZZ" }), ", ")
}

var whereWords = map[disclose.Whereabouts]string{
	disclose.Going: "on its way", disclose.Sent: "went out", disclose.MaybeSent: "may have gone out", disclose.NotSent: "did not go out",
}

func gateList(categories []thimble.Category) string {
	words := make([]string, len(categories))
	for i, c := range categories {
		words[i] = gateweb.CategoryWords(c)
	}
	return strings.Join(words, ", ")
}

// PortalReceipts is the source of the receipts of disclosures.
func PortalReceipts(s Disclosures, own gateweb.Own) ledgerweb.Source {
	return ledgerweb.Source{
		Kind: ReceiptKind, Title: "What went to others",
		List: func(ctx context.Context, who thimble.SubjectID) ([]ledgerweb.Listed, error) {
			all, err := s.Of(ctx, who, shownDisclosures)
			var listed []ledgerweb.Listed
			for _, d := range all {
				listed = append(listed, ledgerweb.Listed{Key: d.Key(), At: d.At, Title: "Something about you went to somebody outside", Text: "For " + gateweb.PurposeWords(d.Message.Purpose) + "."})
			}
			return listed, err
		},
		Open: func(ctx context.Context, who thimble.SubjectID, key string) (ledger.Opening, error) {
			grant, err := own(ctx, who, category)
			if err != nil {
				return ledger.Opening{}, err
			}
			d, err := s.Entry(ctx, who, key)
			if err != nil {
				return ledger.Opening{}, err
			}
			_, opening, err := disclosedb.Open(ctx, grant, d)
			return opening, err
		},
	}
}

// AckPath is where recipients confirm messages; the recipient's id follows.
const AckPath = "/disclose/ack/"

// How often one network may confirm.
const (
	AckEvery = 100 * time.Millisecond
	AckBurst = 600
)

// Confirmer takes a recipient's signed confirmation; *disclosedb.Store does.
type Confirmer interface {
	Acknowledge(ctx context.Context, recipient thimble.ID, head http.Header, body []byte) error
}

// ServeAck takes confirmations. What is wrong with one is not said: 403 for each. 503 says
// that it was not looked at.
func ServeAck(s Confirmer, limit *web.Limiter) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait, ok := limit.Allow(web.Network(r.RemoteAddr)); !ok {
			w.Header().Set("Retry-After", web.RetryAfter(wait))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		id, err := pathID(r, "recipient", disclose.RecipientPrefix)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(io.LimitReader(r.Body, 16<<10))
		}
		if err == nil {
			err = s.Acknowledge(r.Context(), id, r.Header, body)
		}
		switch {
		case errors.Is(err, thimble.ErrUnavailable): // it is to be said again
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrUnavailable))
			return
		case err != nil:
			web.WriteProblem(w, r, web.ProblemOf(thimble.ErrDenied))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
