package subjectweb

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"thimble"
	"thimble/internal/subject"
	"thimble/internal/subject/subjectdb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// ConsolePeople knows who there is, sealed: subjectdb does.
type ConsolePeople interface {
	Find(ctx context.Context, id subject.Identifier) (thimble.SubjectID, error)
	Count(ctx context.Context) (int, error)
	Page(ctx context.Context, after thimble.SubjectID, limit int) ([]thimble.SubjectID, error)
	Identifiers(ctx context.Context, id thimble.SubjectID) ([]subjectdb.SealedIdentifier, error)
	Residence(ctx context.Context, id thimble.SubjectID) ([]byte, error)
	Age(ctx context.Context, id thimble.SubjectID) ([]byte, error)
	Relations(ctx context.Context, of thimble.SubjectID) ([]subjectdb.SealedRelation, error)
	Joiner
}

// A Joiner joins accounts of one person, and parts them again: subjectdb does.
type Joiner interface {
	Merges(ctx context.Context, id thimble.SubjectID) ([]subjectdb.SealedMerge, error)
	MergeOf(ctx context.Context, id thimble.ID) (subjectdb.SealedMerge, error)
	Join(ctx context.Context, one, other thimble.SubjectID, e subject.Evidence) (subject.Merge, error)
	Part(ctx context.Context, id thimble.ID, by string) (subjectdb.Parted, error)
}

// A Reader opens a person's data for a member of staff, and records that it did:
// the gate does.
type Reader interface {
	Read(ctx context.Context, staff string, who thimble.SubjectID, p thimble.Purpose, categories ...thimble.Category) (Reading, error)
	// Sift opens of what is asked for what whoever asks may see, and says what they may not.
	Sift(ctx context.Context, staff string, who thimble.SubjectID, a Ask) (Reading, error)
}

// An Ask says what somebody of the staff wants to see, and why.
type Ask struct {
	Purpose    thimble.Purpose
	Categories []thimble.Category
	Masked     []thimble.Category // of the categories: only in part, for now
	Reason     thimble.Personal[string]
}

// A Reading is the answer of a [Reader].
type Reading struct {
	Grant thimble.Grant // nil: refused
	Use   string        // the recorded use
	Why   string        // one sentence
	Cite  string        // the rule that says so
	// Opened are the categories that are open, and Masked those of them of which only a part
	// is to be shown. Withheld are kept from whoever asks, each with why.
	Opened   []thimble.Category
	Masked   []thimble.Category
	Withheld map[thimble.Category]string
	Glass    bool // it is open because they broke the glass
}

// Opens reports whether a category is open, in the clear.
func (r Reading) Opens(c thimble.Category) bool { return r.opens(c) && !r.masks(c) }

// opens reports whether a category is open, be it in part.
func (r Reading) opens(c thimble.Category) bool { return slices.ContainsFunc(r.Opened, c.Within) }

// masks reports whether only a part of a value of a category is to be shown.
func (r Reading) masks(c thimble.Category) bool { return slices.ContainsFunc(r.Masked, c.Within) }

const (
	consolePath     = "/console/customers"
	consolePageSize = 50
)

type console struct {
	pages  *web.Pages
	people ConsolePeople
	reader Reader
	panels []Panel
}

// Proofs are the patterns that need a proof of who it is that is fresh: they say who is
// one person. To unmask needs none: support does it all day, each time with a reason that
// the person reads, and within the bounds of how many people somebody opens an hour.
func Proofs() []string {
	return []string{"POST " + consolePath + "/{subject}/join", "POST " + consolePath + "/{subject}/part"}
}

// Console is the customers' part of the staff console. The panels follow each
// other on a customer's page.
func Console(kit *web.Kit, people ConsolePeople, reader Reader, panels ...Panel) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	c := &console{pages: pages, people: people, reader: reader, panels: panels}
	return web.Section{
		Nav: []web.NavItem{{Label: "Customers", Href: consolePath, Icon: "people", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.list(w, r, f) })
			mux.HandleFunc("POST "+consolePath, func(w http.ResponseWriter, r *http.Request) { c.find(w, r, f) })
			mux.HandleFunc("GET "+consolePath+"/{subject}", func(w http.ResponseWriter, r *http.Request) {
				c.show(w, r, f, http.StatusOK, view{})
			})
			mux.HandleFunc("POST "+consolePath+"/{subject}/unmask", func(w http.ResponseWriter, r *http.Request) { c.unmask(w, r, f) })
			mux.HandleFunc("POST "+consolePath+"/{subject}/join", func(w http.ResponseWriter, r *http.Request) { c.join(w, r, f) })
			mux.HandleFunc("POST "+consolePath+"/{subject}/part", func(w http.ResponseWriter, r *http.Request) { c.part(w, r, f) })
		},
	}, nil
}

// ConsoleTiles counts the customers for the overview.
func ConsoleTiles(people ConsolePeople) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		n, err := people.Count(ctx)
		return []web.Stat{{Label: "Customers", Value: n, Note: "known by a random id", Href: consolePath}}, err
	}
}

type consoleListBody struct {
	Find  web.Form
	Table web.Table
}

func consoleForm() web.Form {
	return web.Form{
		ID: "find", Action: consolePath, Legend: "Find a customer", Submit: "Open customer",
		Intro: "Opening a customer is recorded in the ledger, and the customer sees it.",
		Fields: []web.Field{
			{Name: "account", Label: "Account number", Required: true, Autocomplete: "off", MaxLength: 254, Short: true},
			{Name: "purpose", Label: "What for", Kind: web.SelectField, Value: string(thimble.SupportOperations),
				Options: []web.Option{{Value: string(thimble.SupportOperations), Label: "Help a customer who asked"}}},
		},
	}
}

func (c *console) list(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	c.render(w, r, f, http.StatusOK, consoleForm())
}

func (c *console) render(w http.ResponseWriter, r *http.Request, f *web.Frame, status int, form web.Form) {
	table, err := c.table(r)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	f.Render(w, r, status, c.pages, "console_customers.html", web.Page{
		Title: "Customers", Lead: "People are listed by a random id that says nothing about them. Who somebody is takes a purpose.",
		Body: consoleListBody{Find: form, Table: table},
	})
}

func (c *console) table(r *http.Request) (web.Table, error) {
	t := web.Table{
		ID: "customers", Caption: "All customers", URL: r.URL,
		Columns: []web.Column{{Label: "Customer", Kind: web.TokenColumn}, {Label: "Open", Kind: web.ActionColumn, HideHead: true}},
		Empty: &web.Empty{Icon: "people", Title: "No customers yet",
			Text: "They appear with the first import of orders: run “thimble import orders FILE”."},
	}
	var after thimble.SubjectID
	if cursor := r.URL.Query().Get("after"); cursor != "" {
		var err error
		if after, err = thimble.ParseSubjectID(cursor); err != nil {
			t.Note = "That page does not exist; this is the first one."
		}
	}
	total, err := c.people.Count(r.Context())
	if err != nil {
		return t, err
	}
	ids, err := c.people.Page(r.Context(), after, consolePageSize+1)
	if err != nil {
		return t, err
	}
	t.Paging = &web.Paging{Total: total}
	if len(ids) > consolePageSize {
		ids = ids[:consolePageSize]
		t.Paging.Next = ids[consolePageSize-1].String()
	}
	for _, id := range ids {
		href := consolePath + "/" + id.String()
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(id.String(), web.Action{Label: "Open for support", Href: href, About: id.String()})})
	}
	if !after.IsZero() {
		t.Actions = []web.Action{{Label: "First page", Href: consolePath, Kind: "quiet"}}
	}
	return t, nil
}

// find looks an account up. The number stays in the body of the request: it is
// neither part of an address nor sent back.
func (c *console) find(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	if err := r.ParseForm(); err != nil {
		f.Fail(w, r, fmt.Errorf("subjectweb: reading the form: %w", thimble.ErrInvalid))
		return
	}
	if thimble.Purpose(r.PostForm.Get("purpose")) != thimble.SupportOperations {
		c.render(w, r, f, http.StatusUnprocessableEntity, consoleForm().Explain(web.FieldProblem{Field: "purpose", Detail: "Choose what the data is opened for."}))
		return
	}
	id, err := c.whose(r, r.PostForm.Get("account"))
	problem := web.FieldProblem{Field: "account"}
	switch {
	case err == nil:
		http.Redirect(w, r, consolePath+"/"+id.String(), http.StatusSeeOther)
		return
	case errors.Is(err, thimble.ErrNotFound):
		problem.Detail = nobodys
	case errors.Is(err, thimble.ErrInvalid):
		problem.Detail = "Type the shop's own number of the customer, without control characters."
	default:
		f.Fail(w, r, err)
		return
	}
	c.render(w, r, f, http.StatusUnprocessableEntity, consoleForm().Explain(problem))
}

const nobodys = "No customer has this account number, or the customer is not open to you now. It may be misspelt, or its owner was forgotten."

// whose finds whose account number it is. That is a read, and recorded as one. Whoever may
// not make it gets the error of a number that nobody has: a refusal would tell that somebody
// has it.
func (c *console) whose(r *http.Request, number string) (thimble.SubjectID, error) {
	account, err := subject.NewIdentifier(subject.Account, number)
	if err != nil {
		return thimble.SubjectID{}, err
	}
	id, err := c.people.Find(r.Context(), account)
	if err != nil {
		return thimble.SubjectID{}, err
	}
	reading, err := c.reader.Sift(r.Context(), web.VisitorFrom(r.Context()).Staff, id, Ask{Purpose: thimble.SupportOperations, Categories: []thimble.Category{thimble.AccountIdentifier}})
	if err == nil && reading.Grant == nil {
		err = fmt.Errorf("subjectweb: the customer is not open: %w", thimble.ErrNotFound)
	}
	return id, err
}
