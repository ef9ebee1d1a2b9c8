package portability

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"thimble"
	"thimble/internal/rights"
)

// A Fact is what the map of data says of a kind of data: GDPR Art. 15(1)(a) to (d) and (g).
type Fact struct {
	Holder     string   `json:"holder"`
	Category   string   `json:"category"`
	Source     string   `json:"source"`
	Purposes   []string `json:"purposes"`
	Recipients []string `json:"recipients"`
	Retention  string   `json:"retention"`
}

// A Parcel is what is written.
type Parcel struct {
	Archive rights.Archive
	Facts   []Fact
	// Title says what a holder keeps, in words for anybody; nil uses its name.
	Title func(holder string) string
}

// A named file of the parcel.
type named struct {
	name string
	body []byte
}

// Write writes the parcel as a zip file, in an order and with times that depend on the
// archive alone.
func Write(w io.Writer, p Parcel) error {
	if p.Title == nil {
		p.Title = func(holder string) string { return holder }
	}
	data, redactions, err := redacted(p.Archive)
	if err != nil {
		return err
	}
	p.Archive.Data = data
	files, err := p.files(redactions)
	if err != nil {
		return err
	}
	manifest, err := p.manifest(files, redactions)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range append(files, manifest) {
		part, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: p.Archive.Snapshot.At.UTC().Truncate(time.Second)})
		if err == nil {
			_, err = part.Write(f.body)
		}
		if err != nil {
			return fmt.Errorf("portability: writing %s: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("portability: writing the end: %w", err)
	}
	return nil
}

// redacted returns the data as plain JSON values, without what leads to somebody else.
func redacted(a rights.Archive) ([]thimble.Datum, []Redaction, error) {
	r := newRedactor(a)
	out := make([]thimble.Datum, len(a.Data))
	for i, d := range a.Data {
		v, err := plain(d.Value)
		if err != nil {
			return nil, nil, fmt.Errorf("portability: a datum of %s cannot be written: %w", d.Holder, err)
		}
		d.Value = each(v, "", func(path, text string) string { return r.text(d, path, text) })
		out[i] = d
	}
	return out, r.found, nil
}

func (p Parcel) files(redactions []Redaction) (files []named, err error) {
	add := func(name string, body []byte, e error) {
		files, err = append(files, named{name, body}), cmp.Or(err, e)
	}
	page, e := p.page(redactions)
	add("index.html", page, e)
	linked, e := p.linked()
	add("data.jsonld", linked, e)
	tables := map[string][]thimble.Datum{} // by file: names may differ in signs alone
	for _, d := range p.Archive.Data {
		name := kindOf(d).file()
		tables[name] = append(tables[name], d)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		body, e := table(tables[name])
		add("tables/"+name+".csv", body, e)
	}
	facts := [][]string{{"holder", "category", "source", "purposes", "recipients", "kept for"}}
	for _, f := range p.Facts {
		facts = append(facts, []string{f.Holder, f.Category, f.Source, strings.Join(f.Purposes, ", "), strings.Join(f.Recipients, ", "), f.Retention})
	}
	body, e := spreadsheet(facts)
	add("about/purposes-sources-recipients.csv", body, e)
	left := [][]string{{"holder", "datum", "where", "what", "rule"}}
	for _, r := range redactions {
		left = append(left, []string{r.Holder, r.Name, r.Where, r.What, r.Rule})
	}
	body, e = spreadsheet(left)
	add("about/left-out.csv", body, e)
	return files, err
}

var unsafe = regexp.MustCompile(`[^a-z0-9]+`)

// file is the name of the file that a kind is in, without its ending.
func (k kind) file() string {
	name := k.holder
	if k.name != k.holder {
		name += "-" + k.name
	}
	return cmp.Or(strings.Trim(unsafe.ReplaceAllString(strings.ToLower(name), "-"), "-"), "other")
}

// columns are how many columns a table has at most; what is beyond is in the JSON-LD, and
// the last column says so.
const columns = 200

// table writes data of one kind, a row each.
func table(data []thimble.Datum) ([]byte, error) {
	rows, seen := make([]map[string]string, len(data)), map[string]bool{}
	for i, d := range data {
		rows[i] = map[string]string{}
		flat(d.Value, "value", rows[i])
		for k := range rows[i] {
			seen[k] = true
		}
	}
	head := slices.Sorted(maps.Keys(seen))
	more := len(head) > columns
	head = head[:min(len(head), columns)]
	lines := [][]string{append([]string{"at", "name", "category"}, head...)}
	if more {
		lines[0] = append(lines[0], "more")
	}
	for i, d := range data {
		at := ""
		if !d.At.IsZero() {
			at = d.At.UTC().Format(time.RFC3339)
		}
		line := []string{at, d.Name, string(d.Category)}
		held := 0
		for _, k := range head {
			line = append(line, rows[i][k])
			if _, ok := rows[i][k]; ok {
				held++
			}
		}
		if more {
			line = append(line, map[bool]string{true: "the rest is in data.jsonld"}[held < len(rows[i])])
		}
		lines = append(lines, line)
	}
	return spreadsheet(lines)
}

// spreadsheet writes CSV (RFC 4180) in which no cell begins a formula.
func spreadsheet(lines [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	for _, line := range lines {
		for i, cell := range line {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) && !number.MatchString(cell) {
				line[i] = "'" + cell
			}
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

type object = map[string]any

// linked writes JSON-LD 1.1 in the words of DPV and Dublin Core; the values are JSON
// literals.
func (p Parcel) linked() ([]byte, error) {
	data := make([]object, len(p.Archive.Data))
	for i, d := range p.Archive.Data {
		one := object{"@type": "dpv:PersonalData", "holder": d.Holder, "category": string(d.Category), "name": d.Name, "value": d.Value}
		if !d.At.IsZero() {
			one["at"] = d.At.UTC().Format(time.RFC3339Nano)
		}
		data[i] = one
	}
	about := make([]object, len(p.Facts))
	for i, f := range p.Facts {
		about[i] = object{"@type": "dpv:PersonalDataHandling", "holder": f.Holder, "category": f.Category, "source": f.Source,
			"purposes": f.Purposes, "recipients": f.Recipients, "keptFor": f.Retention}
	}
	doc := object{
		"@context": object{
			"@version": 1.1, "dpv": "https://w3id.org/dpv#", "dct": "http://purl.org/dc/terms/", "thimble": "urn:thimble:",
			"holder": "thimble:holder", "category": "thimble:category", "name": "dct:title", "source": "dct:source", "purposes": "dpv:hasPurpose",
			"recipients": "dpv:hasRecipient", "keptFor": "dpv:hasStorageCondition", "data": "dpv:hasPersonalData", "about": "dpv:hasPersonalDataHandling",
			"at":    object{"@id": "dct:date", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
			"value": object{"@id": "http://www.w3.org/1999/02/22-rdf-syntax-ns#value", "@type": "@json"},
		},
		"@type": "dct:Dataset", "dct:identifier": p.Archive.Snapshot.Name, "dct:created": p.Archive.Snapshot.At.UTC().Format(time.RFC3339Nano),
		"data": data, "about": about,
	}
	return json.MarshalIndent(doc, "", " ")
}

// manifest names each file with its hash.
func (p Parcel) manifest(files []named, redactions []Redaction) (named, error) {
	type line struct {
		Name   string `json:"name"`
		Bytes  int    `json:"bytes"`
		SHA256 string `json:"sha256"`
	}
	m := struct {
		Request  string          `json:"request"`
		Snapshot rights.Snapshot `json:"snapshot"`
		Data     int             `json:"data"`
		LeftOut  int             `json:"left_out"`
		Files    []line          `json:"files"`
	}{Request: p.Archive.Report.Request, Snapshot: p.Archive.Snapshot, Data: len(p.Archive.Data), LeftOut: len(redactions)}
	for _, f := range files {
		sum := sha256.Sum256(f.body)
		m.Files = append(m.Files, line{f.name, len(f.body), hex.EncodeToString(sum[:])})
	}
	body, err := json.MarshalIndent(m, "", "  ")
	return named{"manifest.json", body}, err
}
