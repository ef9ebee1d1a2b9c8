package collectweb

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/web"
)

const (
	uploadPath   = consolePath + "/upload"
	uploadPrefix = "upl"
	// uploadTime is how long a file may take to arrive; other requests have less.
	uploadTime = 15 * time.Minute
)

// UploadPattern is the address that takes more bytes than others: up to [MaxUpload].
const UploadPattern = "POST " + uploadPath

func staffOf(r *http.Request) string { return web.VisitorFrom(r.Context()).Staff }

var kindWords = map[collect.Kind]string{
	collect.Customers: "Customers", collect.Products: "Products", collect.Stock: "Stock", collect.Orders: "Orders and returns",
	collect.Reviews: "Reviews", collect.Consents: "Choices with their proof",
}

var kindHints = map[collect.Kind]string{
	collect.Customers: "Who they are. Country, and whether they are grown up, is all that is kept of address and date of birth.",
	collect.Products:  "Names, prices, categories. A product feed of Google Merchant, too.",
	collect.Stock:     "How much is where.",
	collect.Orders:    "One row a line of an order. What came back has a negative quantity, or a column that says so.",
	collect.Reviews:   "Stars and texts. What leads to a person is taken out of the text.",
	collect.Consents:  "What people chose elsewhere. A yes needs its proof. Bring customers first.",
}

type uploadBody struct {
	Form    web.Form
	Command web.CodeBlock
}

func uploadForm(kind collect.Kind) web.Form {
	f := web.Field{Name: "kind", Label: "What is in the file?", Kind: web.RadioField, Value: string(kind), Required: true}
	for _, k := range collect.Kinds() {
		f.Options = append(f.Options, web.Option{Value: string(k), Label: kindWords[k], Hint: kindHints[k]})
	}
	return web.Form{ID: "upload", Action: uploadPath, Submit: "Upload and look at it", Cancel: &web.Action{Label: "Cancel", Href: consolePath, Kind: "quiet"}, Fields: []web.Field{f, {
		Name: "file", Label: "File", Kind: web.FileField, Required: true,
		Hint: "CSV, JSON Lines, or a product feed; gzipped or not. Nothing is imported yet: you confirm first what its columns mean.",
	}}}
}

func (c *console) ask(w http.ResponseWriter, r *http.Request, f *web.Frame, status int, form web.Form) {
	f.Render(w, r, status, c.pages, "console_upload.html", web.Page{
		Title: "Import a file", Crumbs: []web.Crumb{{Label: "Imports", Href: consolePath}, {Label: "Import a file"}},
		Lead: "The file is kept sealed until it is imported, and then removed.",
		Body: uploadBody{Form: form, Command: web.CodeBlock{Title: "The same at the command line, for large files", Lang: "shell", Code: "thimble import customers customers.csv"}},
	})
}

// receive takes a file. The question what is in it comes before it in the form.
func (c *console) receive(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(uploadTime)) // a test's writer has none
	_ = control.SetWriteDeadline(time.Now().Add(uploadTime + time.Minute))
	kind, one, err := c.parts(r)
	if err == nil {
		http.Redirect(w, r, uploadHref(one.id), http.StatusSeeOther)
		return
	}
	_, long := errors.AsType[*http.MaxBytesError](err)
	switch {
	case long:
		err = errTooLarge
	case !errors.Is(err, thimble.ErrInvalid):
		f.Fail(w, r, err)
		return
	}
	field := "file"
	if !kind.Known() {
		field = "kind"
	}
	c.ask(w, r, f, http.StatusUnprocessableEntity, uploadForm(kind).Explain(web.FieldProblem{Field: field, Detail: words(err)}))
}

// words are an error's, without the packages that it passed. What the database or the disk
// says is for the log.
func words(err error) string {
	if errors.Is(err, thimble.ErrUnavailable) {
		return "The database or the disk could not take it: it has no room, or does not answer."
	}
	text := strings.TrimSuffix(err.Error(), ": "+thimble.ErrInvalid.Error())
	for _, p := range []string{"collectweb: ", "collect: ", "table: "} {
		text = strings.ReplaceAll(text, p, "")
	}
	if text == "" {
		return "The form could not be read."
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (c *console) parts(r *http.Request) (kind collect.Kind, one *upload, err error) {
	in, err := r.MultipartReader()
	if err != nil {
		return "", nil, fmt.Errorf("collectweb: a form with a file was expected: %w", thimble.ErrInvalid)
	}
	for {
		part, err := in.NextPart()
		switch {
		case errors.Is(err, io.EOF) && !kind.Known():
			return kind, nil, fmt.Errorf("collectweb: choose what is in the file: %w", thimble.ErrInvalid)
		case errors.Is(err, io.EOF):
			return kind, nil, fmt.Errorf("collectweb: choose a file: %w", thimble.ErrInvalid)
		case err != nil:
			return kind, nil, err
		}
		switch part.FormName() {
		case "kind":
			text, err := io.ReadAll(io.LimitReader(part, 32))
			if err != nil {
				return kind, nil, err
			}
			kind = collect.Kind(text)
		case "file":
			if !kind.Known() {
				return kind, nil, fmt.Errorf("collectweb: choose what is in the file: %w", thimble.ErrInvalid)
			}
			if part.FileName() == "" {
				return kind, nil, fmt.Errorf("collectweb: choose a file: %w", thimble.ErrInvalid)
			}
			one, err := c.uploads.receive(r.Context(), staffOf(r), kind, part.FileName(), part)
			return kind, one, err
		}
	}
}

func uploadHref(id thimble.ID) string { return uploadPath + "/" + id.Token(uploadPrefix) }

func (c *console) uploaded(r *http.Request) (upload, error) {
	id, err := thimble.ParseID(uploadPrefix, r.PathValue("upload"))
	if err != nil {
		return upload{}, fmt.Errorf("collectweb: the address names no upload: %w", thimble.ErrNotFound)
	}
	return c.uploads.find(staffOf(r), id)
}

// confirmBody is the page on which a guess is confirmed.
type confirmBody struct {
	Facts   []web.KeyValue
	Doubts  *web.Callout
	Columns web.Table
	Form    web.Form
	Drop    web.Action
}

// progressBody is the page of an import on its way.
type progressBody struct {
	Callout  web.Callout
	Progress *web.Progress
	Again    *web.Action
}

func (c *console) upload(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	one, err := c.uploaded(r)
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	if one.stage == ended && one.failed == nil {
		http.Redirect(w, r, consoleHref(one.report.Import), http.StatusSeeOther)
		return
	}
	if one.stage == waiting {
		c.confirmPage(w, r, f, http.StatusOK, one, confirmForm(one, one.guess))
		return
	}
	f.Render(w, r, http.StatusOK, c.pages, "console_progress.html", web.Page{Title: one.name, Crumbs: uploadCrumbs(one), Body: progress(one)})
}

func uploadCrumbs(one upload) []web.Crumb {
	return []web.Crumb{{Label: "Imports", Href: consolePath}, {Label: one.name}}
}

func progress(one upload) progressBody {
	if one.stage == ended {
		return progressBody{Callout: web.Callout{Tone: web.Bad, Title: "It stopped", Text: words(one.failed) + " What is in stays in; upload the same file again, and it goes on from there."},
			Again: &web.Action{Label: "Upload it again", Href: uploadPath}}
	}
	b := progressBody{Callout: web.Callout{Tone: web.Info, Title: "It is being imported", Text: "You can leave this page: it goes on. The report comes here when it is done."},
		Again: &web.Action{Label: "See how far it is", Href: uploadHref(one.id)}}
	if one.stage == queued {
		b.Callout.Title = "It waits for its turn"
	}
	b.Progress = &web.Progress{Label: "Read so far", Done: float64(one.done.Bytes), All: float64(max(one.done.Total, 1)), Text: fmt.Sprintf("%s rows, %s rejected", web.Text(one.done.Rows), web.Text(one.done.Rejected))}
	return b
}

func (c *console) confirmPage(w http.ResponseWriter, r *http.Request, f *web.Frame, status int, one upload, form web.Form) {
	g := one.guess
	body := confirmBody{
		Facts: []web.KeyValue{{Key: "File", Value: one.name}, {Key: "Taken for", Value: kindWords[one.kind]}, {Key: "Written as", Value: g.Mapping.Form.Words()}, {Key: "Looked at", Value: web.Plural(g.Records, "record", "records")}},
		Form:  form, Columns: guessTable(g), Drop: web.Action{Label: "Drop the file", Href: uploadHref(one.id) + "/drop", Post: true, Kind: "danger"},
	}
	if g.Preset != "" {
		body.Facts = append(body.Facts, web.KeyValue{Key: "Has the columns of", Value: g.Preset})
	}
	if !g.Sure() {
		body.Doubts = &web.Callout{Tone: web.Warn, Title: "Something is left to say", Text: strings.Join(append(collect.Wanted(one.kind, g.Missing), doubtWords(g.Doubts)...), "; ") + "."}
	}
	f.Render(w, r, status, c.pages, "console_confirm.html", web.Page{
		Title: "Confirm the columns", Crumbs: uploadCrumbs(one),
		Lead: "This is what the columns seem to mean. Nothing is imported before you confirm it. No value of the file is shown here.", Body: body,
	})
}

// doubtWords are the doubts without the flags of the command.
func doubtWords(doubts []string) (all []string) {
	for _, d := range doubts {
		before, _, _ := strings.Cut(d, "; say")
		all = append(all, before)
	}
	return all
}

func guessTable(g table.Guess) web.Table {
	t := web.Table{ID: "columns", Caption: "Columns of the file", Note: "Shapes and counts of the first records. What is left out is not read.",
		Columns: []web.Column{{Label: "Column"}, {Label: "Values look like"}, {Label: "Filled", Kind: web.NumberColumn}, {Label: "Taken as"}, {Label: "Known by", Secondary: true}}}
	for _, c := range g.Columns {
		var shapes []string
		for i, s := range c.Shapes {
			if i < 3 {
				shapes = append(shapes, fmt.Sprintf("%s (%d)", s.Shape, s.Count))
			}
		}
		as := any(web.Badge{Text: "left out"})
		if c.Field != "" {
			as = web.Badge{Text: fieldWords(c.Field), Tone: web.Good}
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(c.Name, strings.Join(shapes, ", "), c.Filled, as, c.Why)})
	}
	return t
}

func confirmForm(one upload, g table.Guess) web.Form {
	form := web.Form{ID: "map", Action: uploadHref(one.id), Submit: "Import", Legend: "Which column is what"}
	columns := []web.Option{{Label: "— none"}}
	for _, c := range g.Columns {
		columns = append(columns, web.Option{Value: c.Name})
	}
	dates, prices := false, false
	for _, f := range collect.Fields(one.kind) {
		hint := fieldWords(f.About)
		if f.Need {
			hint += "; needed"
		}
		form.Fields = append(form.Fields, web.Field{Name: "column." + f.Name, Label: fieldWords(f.Name), Hint: hint, Kind: web.SelectField, Options: columns, Value: g.Mapping.Columns[f.Name]})
		dates, prices = dates || f.Date, prices || f.Money
	}
	if dates {
		form.Fields = append(form.Fields, dateField(g), web.Field{Name: "zone", Label: "Zone of times that name none", Value: g.Mapping.Zone, Hint: "Such as Europe/Berlin. UTC when it is empty.", Short: true})
	}
	if prices {
		form.Fields = append(form.Fields, web.Field{Name: "decimal", Label: "Decimal mark", Kind: web.SelectField, Value: g.Mapping.Decimal, Short: true, Options: []web.Option{{Value: ".", Label: "point: 1,234.50"}, {Value: ",", Label: "comma: 1.234,50"}}},
			web.Field{Name: "currency", Label: "Currency of prices that name none", Value: g.Mapping.Currency, Hint: "Three letters, such as EUR.", Short: true, MaxLength: 3})
	}
	if one.kind == collect.Customers {
		form.Fields = append(form.Fields, web.Field{Name: "country", Label: "Country of whom the file does not say", Value: g.Mapping.Country, Hint: "Two letters, such as DE. Empty: unknown.", Short: true, MaxLength: 2})
	}
	if len(one.shops) > 0 && one.kind.Personal() {
		form.Fields = append(form.Fields, shopField(one))
	}
	form.Fields = append(form.Fields, web.Field{Name: "strict", Label: "Stop at the first row that cannot be read", Kind: web.CheckField, Hint: "Otherwise such rows are skipped and listed."})
	return form
}

// shopField asks whose numbers are in the file: customer 7 of one shop is another in the next.
func shopField(one upload) web.Field {
	f := web.Field{Name: "shop", Label: "Whose numbers are in it", Kind: web.SelectField, Short: true, Hint: "The shop that gave customers and orders their numbers.",
		Options: []web.Option{{Label: "— choose"}, {Value: collect.Own, Label: "the own shop's"}}}
	for _, s := range one.shops {
		f.Options = append(f.Options, web.Option{Value: s, Label: s})
	}
	return f
}

func fieldWords(name string) string {
	w := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(w[:1]) + w[1:]
}

// dateField has the ways that the sample's dates fit first, and chooses none where two do.
func dateField(g table.Guess) web.Field {
	f := web.Field{Name: "date", Label: "How dates are written", Kind: web.SelectField, Value: string(g.Mapping.Date), Short: true}
	if g.Mapping.Date == "" {
		f.Options = []web.Option{{Label: "— choose"}}
	}
	for _, l := range table.Layouts() {
		label := string(l)
		if l == table.Auto {
			label = "ISO 8601: 2024-12-31"
		}
		f.Options = append(f.Options, web.Option{Value: string(l), Label: label})
	}
	return f
}

// confirm takes the answers and has the file imported.
func (c *console) confirm(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	one, err := c.uploaded(r)
	if err == nil {
		err = r.ParseForm()
	}
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	g := one.guess.Clone()
	answers := collect.Answers{Columns: map[string]string{}, Date: table.Layout(r.PostForm.Get("date")), Decimal: r.PostForm.Get("decimal"),
		Currency: strings.ToUpper(r.PostForm.Get("currency")), Zone: r.PostForm.Get("zone"), Country: strings.ToUpper(r.PostForm.Get("country")), Shop: r.PostForm.Get("shop")}
	for _, field := range collect.Fields(one.kind) {
		answers.Columns[field.Name] = "" // first all are free, so that two may change places
	}
	err = collect.Answer(one.kind, &g, answers)
	for _, field := range collect.Fields(one.kind) {
		if column := r.PostForm.Get("column." + field.Name); column != "" && err == nil {
			err = chosen(&g, one.kind, field.Name, column)
		}
	}
	if err == nil {
		err = collect.Answer(one.kind, &g, collect.Answers{})
	}
	if err == nil && !g.Sure() {
		err = fmt.Errorf("%s: %w", strings.Join(append(collect.Wanted(one.kind, g.Missing), doubtWords(g.Doubts)...), "; "), thimble.ErrInvalid)
	}
	if err == nil {
		err = c.uploads.confirm(staffOf(r), one.id, g.Mapping, r.PostForm.Has("strict"))
	}
	switch {
	case err == nil:
		http.Redirect(w, r, uploadHref(one.id), http.StatusSeeOther)
	case errors.Is(err, thimble.ErrInvalid):
		form := confirmForm(one, one.guess).Fill(r.PostForm)
		form.Problem = words(err)
		c.confirmPage(w, r, f, http.StatusUnprocessableEntity, one, form)
	default:
		f.Fail(w, r, err)
	}
}

// chosen takes a column for a field, which no other field may have.
func chosen(g *table.Guess, k collect.Kind, field, column string) error {
	for other, has := range g.Mapping.Columns {
		if has == column {
			return fmt.Errorf("%s and %s cannot be the same column: %w", fieldWords(other), fieldWords(field), thimble.ErrInvalid)
		}
	}
	return g.Place(collect.Fields(k), field, column)
}

func (c *console) drop(w http.ResponseWriter, r *http.Request, f *web.Frame) {
	one, err := c.uploaded(r)
	if err == nil {
		err = c.uploads.drop(staffOf(r), one.id)
	}
	if err != nil {
		f.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, consolePath, http.StatusSeeOther)
}
