package gateweb

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/gate"
	"thimble/internal/gate/gatedb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

//go:embed pages/console_*.html
var consoleFiles embed.FS

// A ConsoleGate gives grants, or a *gate.Denial.
type ConsoleGate interface {
	Open(ctx context.Context, r gate.Request) (*gate.Grant, error)
	Sift(ctx context.Context, r gate.Request) (sifted gate.Request, withheld map[thimble.Category]string, err error)
}

// ConsoleUses is the use log: gatedb keeps it.
type ConsoleUses interface {
	Of(ctx context.Context, s thimble.SubjectID, limit int) ([]gatedb.Use, error)
	Recent(ctx context.Context, k gate.Kind, limit int) ([]gatedb.Use, error)
}

// UsePrefix is the prefix of a recorded use's id in text.
const UsePrefix = "use"

// Staff lends the gate to the console's pages.
func Staff(g ConsoleGate) subjectweb.Reader { return consoleReader{g} }

type consoleReader struct{ gate ConsoleGate }

// Read implements subjectweb.Reader: everything that is asked for, or nothing.
func (s consoleReader) Read(ctx context.Context, staff string, who thimble.SubjectID, p thimble.Purpose, categories ...thimble.Category) (subjectweb.Reading, error) {
	return s.open(ctx, gate.Request{Actor: gate.Actor{Kind: gate.Staff, Name: staff}, Subject: who, Purpose: p, Categories: categories})
}

// Sift implements subjectweb.Reader.
func (s consoleReader) Sift(ctx context.Context, staff string, who thimble.SubjectID, a subjectweb.Ask) (subjectweb.Reading, error) {
	sifted, withheld, err := s.gate.Sift(ctx, gate.Request{
		Actor: gate.Actor{Kind: gate.Staff, Name: staff}, Subject: who, Purpose: a.Purpose, Categories: a.Categories, Masked: a.Masked, Reason: a.Reason,
	})
	if err != nil {
		return subjectweb.Reading{}, err
	}
	if len(sifted.Categories) == 0 && len(withheld) > 0 {
		// The first of the reasons: they are one and the same for who may see nothing.
		return subjectweb.Reading{Why: withheld[a.Categories[0]], Withheld: withheld}, nil
	}
	reading, err := s.open(ctx, sifted)
	reading.Withheld = withheld
	return reading, err
}

func (s consoleReader) open(ctx context.Context, r gate.Request) (subjectweb.Reading, error) {
	if r.Actor.Name == "" {
		return subjectweb.Reading{}, fmt.Errorf("gateweb: nobody is signed in: %w", thimble.ErrDenied)
	}
	grant, err := s.gate.Open(ctx, r)
	if denial, ok := errors.AsType[*gate.Denial](err); ok {
		return subjectweb.Reading{Why: denial.Verdict.Why, Cite: denial.Verdict.Cite}, nil
	}
	if err != nil {
		return subjectweb.Reading{}, err
	}
	v := grant.Verdict()
	return subjectweb.Reading{Grant: grant, Use: grant.Use().Token(UsePrefix), Why: v.Why, Cite: v.Cite, Opened: r.Categories, Masked: r.Masked, Glass: v.Glass}, nil
}

const (
	consolePath        = "/console/access"
	consoleStaffShown  = 200
	consoleMachineSeen = 2000
)

// Console is the access log of the staff console, with what each capability does
// without consent.
func Console(kit *web.Kit, uses ConsoleUses, without ...gate.Without) (web.Section, error) {
	pages, err := kit.Pages(consoleFiles, "pages/console_*.html")
	if err != nil {
		return web.Section{}, err
	}
	return web.Section{
		Nav: []web.NavItem{{Label: "Access log", Href: consolePath, Icon: "eye", Group: "Customers"}},
		Mount: func(mux web.Routes, f *web.Frame) {
			mux.HandleFunc("GET "+consolePath, func(w http.ResponseWriter, r *http.Request) {
				body, err := consoleLog(r, uses)
				if err != nil {
					f.Fail(w, r, err)
					return
				}
				body.Without = consoleWithout(without)
				f.Render(w, r, http.StatusOK, pages, "console_access.html", web.Page{
					Title: "Access log", Lead: "Who opened whose data, and what for. Each read by staff is a ledger entry of its own, durable before the data was seen.", Body: body,
				})
			})
		},
	}, nil
}

type consoleBody struct {
	Staff    web.Table
	Machines web.Table
	Without  web.Table
}

// consoleWithout lists what people get who do not permit a purpose.
func consoleWithout(all []gate.Without) web.Table {
	t := web.Table{
		ID: "without", Caption: "Without consent", Note: "What each capability does for a customer who does not permit it. Customers read the same words.",
		Columns: []web.Column{{Label: "Capability"}, {Label: "What for"}, {Label: "Without it"}},
		Empty:   &web.Empty{Icon: "gear", Title: "Nothing needs consent", Text: "When a capability uses data that customers have to permit, it says here what happens if they do not."},
	}
	for _, w := range all {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(w.Capability, string(w.Purpose), w.Does)})
	}
	return t
}

func consoleLog(r *http.Request, uses ConsoleUses) (consoleBody, error) {
	staff, err := uses.Recent(r.Context(), gate.Staff, consoleStaffShown)
	if err != nil {
		return consoleBody{}, err
	}
	machines, err := uses.Recent(r.Context(), gate.Machine, consoleMachineSeen)
	if err != nil {
		return consoleBody{}, err
	}
	return consoleBody{Staff: consoleStaff(r, staff), Machines: consoleMachines(machines)}, nil
}

func consoleStaff(r *http.Request, uses []gatedb.Use) web.Table {
	who, what := r.URL.Query().Get("staff"), r.URL.Query().Get("purpose")
	t := web.Table{
		ID: "staff", Caption: "Reads by staff", URL: r.URL, Note: fmt.Sprintf("The newest %s at most.", web.Text(consoleStaffShown)),
		Columns: []web.Column{{Label: "When"}, {Label: "Who"}, {Label: "Customer", Kind: web.TokenColumn}, {Label: "What for"}, {Label: "What", Secondary: true}, {Label: "Entry", Kind: web.TokenColumn}},
		Filters: []web.Field{consoleChoice("staff", "Who", who, uses, func(u gatedb.Use) string { return u.Actor }),
			consoleChoice("purpose", "What for", what, uses, func(u gatedb.Use) string { return string(u.Purpose) })},
		Empty: &web.Empty{Icon: "eye", Title: "Nobody has looked", Text: "When a member of staff opens a customer, the read appears here and in the customer's privacy centre."},
	}
	if len(uses) == 0 {
		t.Filters = nil
	}
	for _, u := range uses {
		if who != "" && u.Actor != who || what != "" && string(u.Purpose) != what {
			continue
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(u.At, u.Actor, web.Token(u.Subject.String()), string(u.Purpose), strings.Join(ConsoleWords(u.Categories), ", "), web.Token(u.ID.Token(UsePrefix)))})
	}
	return t
}

// consoleChoice is a filter with the values that occur.
func consoleChoice(name, label, chosen string, uses []gatedb.Use, of func(gatedb.Use) string) web.Field {
	f := web.Field{Name: name, Label: label, Kind: web.SelectField, Value: chosen, Short: true, Options: []web.Option{{Label: "All"}}}
	var values []string
	for _, u := range uses {
		values = append(values, of(u))
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if chosen != "" && !slices.Contains(values, chosen) {
		f.Error = "Nothing in the log has this value. Choose one of the list, or clear the filter."
	}
	for _, v := range values {
		f.Options = append(f.Options, web.Option{Value: v})
	}
	return f
}

// ConsoleWords puts categories into plain words; one that has none stays as it is.
func ConsoleWords(categories []string) []string {
	known := map[thimble.Category]string{
		thimble.Pseudonym: "random id", thimble.AccountIdentifier: "account number", thimble.PurchaseHistory: "orders", thimble.Country: "country",
		thimble.PrivacyPreferences: "choices", thimble.AutomatedDecision: "decisions", thimble.AccessRecord: "who looked", thimble.Credentials: "sign-ins",
		"user.behavior.browsing_history": "browsing", "user.behavior.search_history": "searches",
	}
	words := make([]string, len(categories))
	for i, c := range categories {
		words[i] = cmp.Or(known[thimble.Category(c)], c)
	}
	return words
}

// consoleMachines sums the counted uses per capability and purpose.
func consoleMachines(uses []gatedb.Use) web.Table {
	type key struct {
		actor   string
		purpose thimble.Purpose
	}
	t := web.Table{
		ID: "machines", Caption: "Reads by capabilities", Note: fmt.Sprintf("Counted, and committed to the ledger each second. Sums over the newest %s entries.", web.Text(consoleMachineSeen)),
		Columns: []web.Column{{Label: "Capability"}, {Label: "What for"}, {Label: "Reads", Kind: web.NumberColumn}, {Label: "Customers", Kind: web.NumberColumn}, {Label: "Last"}},
		Empty:   &web.Empty{Icon: "gear", Title: "No reads counted", Text: "When a capability uses data about people, such as orders to make a list, the use is counted here."},
	}
	sums, people, last := map[key]int64{}, map[key]map[thimble.SubjectID]bool{}, map[key]gatedb.Use{}
	for _, u := range uses { // the newest first
		k := key{u.Actor, u.Purpose}
		if people[k] == nil {
			people[k], last[k] = map[thimble.SubjectID]bool{}, u
		}
		sums[k] += u.Uses
		people[k][u.Subject] = true
	}
	keys := make([]key, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a.actor, b.actor), cmp.Compare(a.purpose, b.purpose))
	})
	for _, k := range keys {
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(k.actor, string(k.purpose), sums[k], len(people[k]), web.Ago(last[k].At))})
	}
	return t
}

const consolePanelUses = 30

// CustomerPanel shows who used a customer's data.
func CustomerPanel(uses ConsoleUses) subjectweb.Panel {
	return subjectweb.Panel{
		Categories: []thimble.Category{thimble.AccessRecord},
		Show: func(ctx context.Context, r subjectweb.Reading) (subjectweb.Part, error) {
			part := subjectweb.Part{ID: "looked", Title: "Who looked", Empty: &web.Empty{Icon: "eye", Title: "Nobody has looked", Text: "Reads by staff and by capabilities appear here."}}
			all, err := uses.Of(ctx, r.Grant.Subject(), consolePanelUses)
			if err != nil || len(all) == 0 {
				return part, err
			}
			t := web.Table{ID: "looked-log", Caption: "Uses of this customer's data", HideCaption: true,
				Columns: []web.Column{{Label: "When"}, {Label: "Who"}, {Label: "What for"}, {Label: "What", Secondary: true}, {Label: "Times", Kind: web.NumberColumn}}}
			for _, u := range all {
				t.Rows = append(t.Rows, web.Row{Cells: web.Cells(u.At, web.Cell{Value: u.Actor, Sub: string(u.Kind)}, string(u.Purpose), strings.Join(ConsoleWords(u.Categories), ", "), u.Uses)})
			}
			part.Tables = []web.Table{t}
			return part, nil
		},
	}
}
