package rightsweb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"thimble"
	"thimble/internal/datamap"
	"thimble/internal/gate/gateweb"
	"thimble/internal/rights"
	"thimble/internal/rights/portability"
	"thimble/internal/web"
)

// Where people take everything along.
const (
	takePath = "/privacy/take"
	takeFile = takePath + "/file"
)

// ticketFor is how long a ticket is good.
const ticketFor = 15 * time.Minute

// PortalTickets are good for one file each; *rightsdb.Store keeps them.
type PortalTickets interface {
	Issue(ctx context.Context, who thimble.SubjectID, digest [sha256.Size]byte, until time.Time) error
	Redeem(ctx context.Context, who thimble.SubjectID, digest [sha256.Size]byte) error
}

type takeBody struct {
	Form  web.Form
	Words string // that open the file; "" before there is a ticket
	Until time.Time
}

func (p *portal) takePage(w http.ResponseWriter, r *http.Request) {
	if err := p.waits(r.Context(), web.VisitorFrom(r.Context()).Subject); err != nil {
		p.fail(w, r, err)
		return
	}
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_take.html", takePage(takeBody{Form: web.Form{
		ID: "take", Action: takePath, Submit: "Make my file",
		Cancel: &web.Action{Label: "Back to my data", Href: "/privacy/data"},
	}}))
}

func takePage(body takeBody) web.Page {
	return web.Page{
		Title: "Take everything with me", Lead: "One file with all that the shop keeps about you, to read and to give to another shop.",
		Crumbs: []web.Crumb{{Label: "My data", Href: "/privacy/data"}, {Label: "Take everything with me"}}, Body: body,
	}
}

// ticket issues one, and shows the words that open its file: here, and never again.
func (p *portal) ticket(w http.ResponseWriter, r *http.Request) {
	who := web.VisitorFrom(r.Context()).Subject
	until := p.now().Add(ticketFor)
	var t portability.Ticket
	var words string
	err := p.waits(r.Context(), who)
	if err == nil {
		t, err = portability.NewTicket()
	}
	if err == nil {
		words, err = t.Words()
	}
	if err == nil {
		err = p.Tickets.Issue(r.Context(), who, t.Digest(), until)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	p.frame.Render(w, r, http.StatusOK, p.pages, "portal_take.html", takePage(takeBody{Words: words, Until: until, Form: web.Form{
		ID: "fetch", Action: takeFile, Submit: "Download my file",
		Fields: []web.Field{
			{Name: "ticket", Kind: web.HiddenField, Value: t.String()},
			{Name: "open", Label: "Without the lock, so that any computer opens it", Kind: web.CheckField, Hint: "Then whoever gets the file can read it."},
		},
	}}))
}

// take writes the file to whoever has a ticket of their own, once. All of it is read before
// the first byte leaves, so that an error is a page and not half a file.
func (p *portal) take(w http.ResponseWriter, r *http.Request) {
	ctx, who := r.Context(), web.VisitorFrom(r.Context()).Subject
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		p.frame.Fail(w, r, fmt.Errorf("rights: reading the form: %w", thimble.ErrInvalid))
		return
	}
	t, err := portability.ParseTicket(r.PostForm.Get("ticket"))
	if err == nil {
		err = p.may(ctx, who)
	}
	if err == nil {
		err = p.Tickets.Redeem(ctx, who, t.Digest())
	}
	var archive rights.Archive
	if err == nil {
		archive, err = p.Desk.Access(ctx, who)
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	name, kind := "my-data.zip.age", "application/octet-stream"
	open := r.PostForm.Get("open") != ""
	if open {
		name, kind = "my-data.zip", "application/zip"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	if err := send(w, t, open, Parcel(archive)); err != nil {
		panic(http.ErrAbortHandler) // the reader sees that the file broke off
	}
}

// Parcel is an archive with the words for what is in it.
func Parcel(a rights.Archive) portability.Parcel {
	return portability.Parcel{Archive: a, Facts: facts(a), Title: func(holder string) string { return holderWords(holder).title }}
}

func send(w io.Writer, t portability.Ticket, open bool, p portability.Parcel) error {
	if open {
		return portability.Write(w, p)
	}
	words, err := t.Words()
	if err != nil {
		return err
	}
	locked, err := portability.Lock(w, words)
	if err != nil {
		return err
	}
	if err := portability.Write(locked, p); err != nil {
		return err
	}
	return locked.Close()
}

// facts are what the map of data says of what an archive holds, a line for each kind.
func facts(a rights.Archive) (all []portability.Fact) {
	holds := map[string]bool{}
	for _, d := range a.Data {
		holds[d.Holder] = true
	}
	at := map[string]int{}
	for _, e := range datamap.Entries(datamap.All()) {
		if !holds[e.Holder] || len(e.People) > 0 && !slices.Contains(e.People, "customer") {
			continue
		}
		f := portability.Fact{Holder: e.Holder, Category: gateweb.CategoryWords(e.Category), Source: e.Source, Retention: e.Retention, Recipients: slices.Concat(e.Recipients, e.Processors)}
		key := f.Holder + "\x00" + f.Category + "\x00" + f.Source + "\x00" + f.Retention
		i, ok := at[key]
		if !ok {
			i = len(all)
			at[key] = i
			all = append(all, f)
		}
		for _, purpose := range e.Purposes {
			if words := gateweb.PurposeWords(purpose); !slices.Contains(all[i].Purposes, words) {
				all[i].Purposes = append(all[i].Purposes, words)
			}
		}
	}
	return all
}
