package portability

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"thimble"
)

//go:embed page.html
var pageText string

var pageForm = template.Must(template.New("page").Parse(pageText))

// shownOfKind is how many of a kind the page shows; all are in the tables.
const shownOfKind = 200

type pageBody struct {
	Snapshot, Request, At string
	Kinds                 []pageKind
	Facts                 []pageFact
	LeftOut               []Redaction
	Count                 int
}

type pageKind struct {
	Title, Name, File string
	Count             int
	Data              []pageDatum
}

type pageDatum struct {
	At, Name string
	Lines    []pageLine
}

type pageLine struct{ Key, Text string }

type pageFact struct {
	Fact
	Title string
}

// page writes what a person reads: no script, nothing loaded from elsewhere.
func (p Parcel) page(redactions []Redaction) ([]byte, error) {
	body := pageBody{Snapshot: p.Archive.Snapshot.Name, Request: p.Archive.Report.Request, At: p.Archive.Snapshot.At.UTC().Format("2 January 2006, 15:04 UTC"), LeftOut: redactions, Count: len(p.Archive.Data)}
	at := map[string]int{}
	for _, d := range p.Archive.Data {
		k := kindOf(d)
		i, ok := at[k.file()]
		if !ok {
			i = len(body.Kinds)
			at[k.file()] = i
			body.Kinds = append(body.Kinds, pageKind{Title: p.Title(k.holder), Name: strings.ReplaceAll(k.name, "_", " "), File: k.file()})
		}
		one := &body.Kinds[i]
		if one.Count++; one.Count <= shownOfKind {
			one.Data = append(one.Data, shown(d))
		}
	}
	for _, f := range p.Facts {
		body.Facts = append(body.Facts, pageFact{f, p.Title(f.Holder)})
	}
	var b bytes.Buffer
	err := pageForm.Execute(&b, body)
	return b.Bytes(), err
}

func shown(d thimble.Datum) pageDatum {
	out := pageDatum{Name: d.Name}
	if !d.At.IsZero() {
		out.At = d.At.UTC().Format(time.RFC3339)
	}
	leaves := map[string]string{}
	flat(d.Value, "", leaves)
	for _, k := range slices.Sorted(maps.Keys(leaves)) {
		out.Lines = append(out.Lines, pageLine{strings.ReplaceAll(strings.ReplaceAll(k, ".", " › "), "_", " "), leaves[k]})
	}
	return out
}
